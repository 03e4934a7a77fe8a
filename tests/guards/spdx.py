#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence at the top."""
from support.guard import Guard

guard = Guard()
for path in guard.files("libfcache/**/*.[ch]", "backends/**/*.[ch]",
                        "mod_fcache/*.*", "tools/**/*.[ch]",
                        "tools/*.py", "tools/*.1", "tools/completion/*",
                        "tests/**/*.[ch]", "tests/**/*.py", "docker/**/*.py",
                        "**/CMakeLists.txt", "cmake/*.cmake", "run"):
    head = path.read_text(encoding="utf-8").splitlines()[:3]
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head):
        guard.bad(path, "no SPDX line in its first three lines")
guard.finish()
