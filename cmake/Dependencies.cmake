# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(Threads REQUIRED)
pkg_check_modules(APR REQUIRED IMPORTED_TARGET apr-1)
pkg_check_modules(APU REQUIRED IMPORTED_TARGET apr-util-1)
pkg_check_modules(XXHASH REQUIRED libxxhash)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis>=0.14)
pkg_check_modules(MEMCACHED REQUIRED IMPORTED_TARGET libmemcached>=1.1.4)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

find_program(APXS NAMES apxs apxs2 REQUIRED)
foreach(name INCLUDEDIR LIBEXECDIR SBINDIR PROGNAME)
  execute_process(COMMAND ${APXS} -q ${name} OUTPUT_VARIABLE APXS_${name}
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()

add_library(fcache_dependencies INTERFACE)
target_link_libraries(fcache_dependencies INTERFACE PkgConfig::APR
  PkgConfig::APU PkgConfig::JANSSON OpenSSL::Crypto Threads::Threads)

add_library(store_dependencies INTERFACE)
target_link_libraries(store_dependencies INTERFACE PkgConfig::HIREDIS
  PkgConfig::MEMCACHED PkgConfig::CURL PkgConfig::ZSTD OpenSSL::SSL)
target_include_directories(fcache_dependencies SYSTEM INTERFACE
  ${XXHASH_INCLUDE_DIRS})

add_library(httpd_headers INTERFACE)
target_include_directories(httpd_headers SYSTEM INTERFACE ${APXS_INCLUDEDIR})

add_library(fcache_jansson INTERFACE)
target_link_libraries(fcache_jansson INTERFACE PkgConfig::JANSSON)
