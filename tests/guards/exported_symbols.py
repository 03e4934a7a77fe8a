#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""libfcache.so exports exactly what its headers promise, mod_fcache.so only
its module record."""
import re
import subprocess

from support.guard import Guard, code_only

guard = Guard()


def exported(name):
    path = guard.build / name
    if not path.is_file():
        guard.bad(name, "not built")
        return set()
    guard.looked_at()
    lines = subprocess.run(["nm", "-D", "--defined-only", str(path)],
                           check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def promised():
    names = set()
    for path in guard.files("libfcache/include/fcache/*.h"):
        code = code_only(path.read_text(encoding="utf-8"))
        for declaration in re.findall(r"\bFCACHE_API\b([^;]*);", code):
            match = re.search(r"\b(fcache_\w+)\s*\(", declaration)
            if match:
                names.add(match.group(1))
            else:
                guard.bad(path, f"cannot read: FCACHE_API{declaration}")
    return names


library = exported("libfcache.so")
declared = promised()
for name in sorted(library - declared):
    guard.bad("libfcache.so", f"exports {name}, which no public header has")
for name in sorted(declared - library):
    guard.bad("libfcache.so", f"lacks {name}, which a public header promises")
for name in sorted(exported("mod_fcache.so") ^ {"fcache_module"}):
    guard.bad("mod_fcache.so", f"must export fcache_module and no more: {name}")
guard.finish()
