#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py KIND PROGRAM [ARGUMENT...]: starts a store's real server, runs the
program with its URL in FCACHE_URL, and answers as the program did."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import servers  # noqa: E402


def main(kind, *program):
    with tempfile.TemporaryDirectory(prefix="fcache-servers-") as folder:
        with servers.start(kind, folder) as url:
            print(f"{kind}: {url}", flush=True)
            return subprocess.run(program, check=False,
                                  env={**os.environ,
                                       "FCACHE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
