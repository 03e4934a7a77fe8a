#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every public header compiles alone, as C11 and as C++17."""
import os
import subprocess

from support.guard import Guard

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]

guard = Guard()
apr = subprocess.run(["pkg-config", "--cflags", "apr-1", "apr-util-1"],
                     check=True, capture_output=True, text=True).stdout.split()
# APR's headers are others' code: as system headers they may warn.
apr = [flag.replace("-I", "-isystem", 1) for flag in apr]
languages = (("C11", [os.environ.get("CC", "gcc"), "-std=c11", "-xc"]),
             ("C++17", [os.environ.get("CXX", "g++"), "-std=c++17", "-xc++"]))
for path in guard.files("libfcache/include/fcache/*.h"):
    name = path.relative_to(guard.source / "libfcache/include")
    for language, compiler in languages:
        done = subprocess.run(
            [*compiler, *WARNINGS, *apr, "-D_GNU_SOURCE",
             f"-I{guard.source}/libfcache/include", "-"],
            input=f"#include <{name}>\n", capture_output=True, text=True)
        if done.returncode != 0:
            guard.bad(path, f"does not compile alone as {language}:\n"
                            f"{done.stderr}")
guard.finish()
