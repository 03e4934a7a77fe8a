#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The core has no writable globals: its objects have empty .data and .bss."""
import re
import subprocess

from support.guard import Guard

WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss)(\.(?!rel\.ro)|$)")

guard = Guard()
objects = sorted((guard.build / "CMakeFiles/core.dir").rglob("*.o"))
guard.looked_at(len(objects))
for path in objects:
    lines = subprocess.run(["size", "-A", str(path)], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        words = line.split()
        if len(words) == 3 and WRITABLE.match(words[0]) and int(words[1]) > 0:
            guard.bad(path.name, f"{words[1]} writable bytes in {words[0]}")
guard.finish()
