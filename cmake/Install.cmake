# SPDX-License-Identifier: Apache-2.0
configure_file(cmake/fcache.pc.in fcache.pc @ONLY)
install(TARGETS fcache LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY libfcache/include/fcache
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/fcache.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(TARGETS fcachectl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS mod_fcache LIBRARY DESTINATION ${APXS_LIBEXECDIR})
