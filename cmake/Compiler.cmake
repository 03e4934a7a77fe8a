# SPDX-License-Identifier: Apache-2.0
option(FCACHE_WERROR "Warnings are errors" OFF)
option(FCACHE_TESTS "Build the tests" ON)
option(FCACHE_COVERAGE "Count lines for coverage" OFF)
set(FCACHE_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

set(FCACHE_WARNINGS
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align
  -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough
  -Wnull-dereference)
if(FCACHE_WERROR)
  list(APPEND FCACHE_WARNINGS -Werror)
endif()

add_compile_options(-fstack-protector-strong -fno-strict-overflow
                    -fno-delete-null-pointer-checks)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fstack-clash-protection)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

if(FCACHE_SANITIZE)
  add_compile_options(-fsanitize=${FCACHE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FCACHE_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(FCACHE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic) # threads count too
  add_link_options(--coverage)
endif()
