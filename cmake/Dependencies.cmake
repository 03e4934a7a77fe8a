# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
pkg_check_modules(APR REQUIRED IMPORTED_TARGET apr-1)
pkg_check_modules(APU REQUIRED IMPORTED_TARGET apr-util-1)
pkg_check_modules(XXHASH REQUIRED libxxhash)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)

find_program(APXS NAMES apxs apxs2 REQUIRED)
foreach(name INCLUDEDIR LIBEXECDIR SBINDIR PROGNAME)
  execute_process(COMMAND ${APXS} -q ${name} OUTPUT_VARIABLE APXS_${name}
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()

add_library(fcache_dependencies INTERFACE)
target_link_libraries(fcache_dependencies INTERFACE PkgConfig::APR
  PkgConfig::APU PkgConfig::JANSSON OpenSSL::Crypto Threads::Threads)
target_include_directories(fcache_dependencies SYSTEM INTERFACE
  ${XXHASH_INCLUDE_DIRS})

add_library(httpd_headers INTERFACE)
target_include_directories(httpd_headers SYSTEM INTERFACE ${APXS_INCLUDEDIR})

add_library(fcache_jansson INTERFACE)
target_link_libraries(fcache_jansson INTERFACE PkgConfig::JANSSON)
