#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""dynamodb_table.py FCACHECTL: a table is missing, made, and used, by fcachectl
on the real server. No output holds a secret."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import servers  # noqa: E402
from servers.dynamodb import SECRET, TABLE  # noqa: E402


def main(program):
    def ctl(wanted, *words):
        done = subprocess.run([program, *words, "-s", url], text=True,
                              capture_output=True, check=False, timeout=120)
        said = done.stdout + done.stderr
        assert done.returncode == wanted, (words, done.returncode, said)
        assert SECRET not in said, said
        return said

    with tempfile.TemporaryDirectory(prefix="fcache-servers-") as folder, \
            servers.start("dynamodb", folder) as url:
        url = url.replace(TABLE, f"fcache-{os.getpid()}", 1)
        missing = ctl(FAULT, "get", "colour")
        assert "`fcachectl init` makes it" in missing, missing
        ctl(0, "init")
        ctl(0, "init")
        ctl(0, "set", "colour", "blue", "--tag", "paint")
        assert ctl(0, "get", "colour") == "blue"
        assert "colour" in ctl(0, "ls")
        ctl(0, "clear", "--tag", "paint")
        ctl(MISS, "get", "colour")
        assert "clears" in ctl(0, "stats")
    print("missing, made, used, cleared: passed")


MISS, FAULT = 1, 3
main(sys.argv[1])
