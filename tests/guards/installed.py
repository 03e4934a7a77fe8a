#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is installed is complete: the examples of the documentation build
against it, by pkg-config alone, and run."""
import os
import pathlib
import subprocess
import tempfile

from support.guard import Guard

WARNINGS = ["-Wall", "-Wextra", "-Werror"]

guard = Guard()


def run(where, command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        guard.bad(where, f"{' '.join(map(str, command))}: status "
                         f"{done.returncode}\n{done.stdout}")
    return done.stdout


def find(stage, name):
    found = [path for path in stage.rglob(name) if path.exists()]
    if len(found) == 0:
        guard.bad(name, "is not installed")
    guard.looked_at(len(found))
    return found


with tempfile.TemporaryDirectory(prefix="fcache-installed.") as folder:
    stage = pathlib.Path(folder)
    run("install", ["cmake", "--install", guard.build],
        env={**os.environ, "DESTDIR": folder})
    for name in ("mod_fcache.so", "bin/fcachectl", "man/man1/fcachectl.1",
                 "bash-completion/completions/fcachectl", "fcache.load",
                 "fcache.conf", "rfc9111.conf"):
        find(stage, name)
    headers = {path.name for path in find(stage, "fcache/*.h")}
    for path in guard.files("libfcache/include/fcache/*.h"):
        if path.name not in headers:
            guard.bad(path, "is not installed")
    config = find(stage, "fcache.pc")
    library = find(stage, "libfcache.so")
    if config and library:
        # The stage stands for the root that the paths in fcache.pc mean.
        text = config[0].read_text(encoding="utf-8")
        config[0].write_text(text.replace("=/", f"={stage}/"),
                             encoding="utf-8")
        env = {**os.environ, "PKG_CONFIG_PATH": str(config[0].parent),
               "LD_LIBRARY_PATH": str(library[0].parent)}
        flags = run("fcache.pc", ["pkg-config", "--cflags", "--libs",
                                  "fcache"], env=env).split()
        for path in guard.files("docs/examples/*"):
            program = stage / path.stem
            compiler = (["gcc", "-std=gnu11"] if path.suffix == ".c"
                        else ["g++", "-std=c++17"])
            run(path, [*compiler, *WARNINGS, path, *flags, "-o", program])
            if program.exists():
                run(path, [program], env=env, timeout=60)
guard.finish()
