#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that are not made: those without a length anywhere, clocks and output
in the core."""
import re

from support.guard import Guard, code_only, line_of

NOWHERE = ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol",
           "gets", "alloca", "system")
NOT_IN_CORE = ("time", "gettimeofday", "clock", "clock_gettime",
               "timespec_get", "apr_time_now", "printf", "fprintf", "puts",
               "fputs", "perror", "syslog", "abort", "exit", "getenv")


def calls(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")


guard = Guard()
for pattern, names in (
        ("libfcache/**/*.[ch]", NOWHERE + NOT_IN_CORE),
        ("backends/**/*.[ch]", NOWHERE), ("mod_fcache/*.[ch]", NOWHERE),
        ("tools/**/*.c", NOWHERE), ("tests/**/*.[ch]", NOWHERE)):
    banned = calls(names)
    for path in guard.files(pattern):
        code = code_only(path.read_text(encoding="utf-8"))
        for match in banned.finditer(code):
            guard.bad(path, f"line {line_of(code, match.start())}: "
                            f"{match.group(1)}() is banned here")
guard.finish()
