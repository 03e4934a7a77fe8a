#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include what: the arrows of ARCHITECTURE.md."""
import re

from support.guard import Guard, without_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
HTTPD = re.compile(r"^(httpd|http_\w+|ap_\w+|util_\w+|mod_\w+|mpm_common|"
                   r"scoreboard|apr_optional_hooks)\.h$")

# The core's whole world outside of the project. No clock, no socket, no
# thread, no file: a new row here is a decision for ARCHITECTURE.md.
CORE_MAY = {
    "assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
    "strings.h", "apr.h", "apr_errno.h", "apr_general.h", "apr_hash.h",
    "apr_lib.h", "apr_pools.h", "apr_strings.h", "apr_tables.h",
    "openssl/evp.h", "openssl/rand.h", "openssl/sha.h", "jansson.h",
    "xxhash.h",
}
POLICY = {"fcache/http.h", "fcache/policy.h"}

guard = Guard()


def includes(pattern):
    for path in guard.files(pattern):
        text = without_comments(path.read_text(encoding="utf-8"))
        for quote, name in INCLUDE.findall(text):
            yield path, quote, name


def is_public(name):
    return (name.startswith("fcache/") and
            (guard.source / "libfcache/include" / name).is_file())


def is_own(room, path, name):
    return ((path.parent / name).is_file() or
            (guard.source / room / name).is_file())


for path, quote, name in includes("libfcache/include/**/*.h"):
    if not (is_public(name) or (quote == "<" and name in CORE_MAY)):
        guard.bad(path, f"a public header may not include {name}")

for path, quote, name in includes("libfcache/src/**/*.[ch]"):
    own = quote == '"' and is_own("libfcache/src", path, name)
    if not (own or is_public(name) or (quote == "<" and name in CORE_MAY)):
        guard.bad(path, f"the core may not include {name}")

for path, quote, name in includes("backends/**/*.[ch]"):
    if name in POLICY:
        guard.bad(path, f"a store knows no HTTP: {name}")
    elif HTTPD.match(name):
        guard.bad(path, f"only mod_fcache knows httpd: {name}")
    elif quote == '"' and not is_own("backends", path, name):
        guard.bad(path, f"a store sees only public headers: {name}")

for path, quote, name in includes("tools/**/*.[ch]"):
    if HTTPD.match(name):
        guard.bad(path, f"only mod_fcache knows httpd: {name}")
    elif quote == '"' and not (path.parent / name).is_file():
        guard.bad(path, f"tools see only public headers: {name}")

for path, quote, name in includes("mod_fcache/*.[ch]"):
    if quote == '"' and not (path.parent / name).is_file():
        guard.bad(path, f"the module sees only public headers: {name}")

# tests/providers holds other httpd modules.
for path, quote, name in includes("tests/**/*.[ch]"):
    if HTTPD.match(name) and path.parent.name != "providers":
        guard.bad(path, f"only mod_fcache knows httpd: {name}")

guard.finish()
