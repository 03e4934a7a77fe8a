# SPDX-License-Identifier: Apache-2.0
configure_file(cmake/fcache.pc.in fcache.pc @ONLY)
install(TARGETS fcache LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY libfcache/include/fcache
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/fcache.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(TARGETS fcachectl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES tools/fcachectl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES tools/completion/fcachectl
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(TARGETS mod_fcache LIBRARY DESTINATION ${APXS_LIBEXECDIR})

# Where a2enmod looks, when there is such a place. The operator's fcache.conf is
# never overwritten.
file(READ conf/fcache.load load)
string(REPLACE /usr/lib/apache2/modules ${APXS_LIBEXECDIR} load "${load}")
file(WRITE ${CMAKE_BINARY_DIR}/fcache.load "${load}")
set(conf_files ${CMAKE_BINARY_DIR}/fcache.load
    ${CMAKE_SOURCE_DIR}/conf/fcache.conf ${CMAKE_SOURCE_DIR}/conf/rfc9111.conf)
install(FILES ${conf_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/fcache)
set(FCACHE_MODS_AVAILABLE /etc/apache2/mods-available CACHE PATH
    "Where a2enmod looks; skipped when it does not exist")
if(IS_DIRECTORY ${FCACHE_MODS_AVAILABLE})
  install(FILES ${CMAKE_BINARY_DIR}/fcache.load
          DESTINATION ${FCACHE_MODS_AVAILABLE})
  install(CODE "
    set(place \"\$ENV{DESTDIR}${FCACHE_MODS_AVAILABLE}\")
    if(NOT EXISTS \"\${place}/fcache.conf\")
      file(INSTALL \"${CMAKE_SOURCE_DIR}/conf/fcache.conf\"
           DESTINATION \"${FCACHE_MODS_AVAILABLE}\")
    endif()")
endif()
