#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A C file has at most 500 lines, a function at most 80."""
import re

from support.guard import Guard, code_only, line_of

MAX_FILE = 500
MAX_FUNCTION = 80
CPLUSPLUS = re.compile(r"^#ifdef __cplusplus\n.*?^#endif", re.M | re.S)

guard = Guard()


def bodies(code):
    """(first line, last line, is a function) of each block at top level.

    A block is a function's when a parenthesis closes before it; enums,
    structs and initialisers have a name, a type or '=' there."""
    depth = start = 0
    is_function = False
    for match in re.finditer(r"[{}]", code):
        if match.group() == "{":
            if depth == 0:
                start = match.start()
                is_function = code[:start].rstrip().endswith(")")
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                yield line_of(code, start), line_of(code, match.start()), \
                    is_function
    if depth != 0:
        raise ValueError("braces do not pair")


functions = 0
for path in guard.files("libfcache/**/*.[ch]", "backends/**/*.[ch]",
                        "mod_fcache/*.[ch]", "tools/**/*.c", "tests/**/*.c"):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MAX_FILE:
        guard.bad(path, f"{lines} lines, at most {MAX_FILE}")
    code = code_only(CPLUSPLUS.sub(
        lambda match: "\n" * match.group(0).count("\n"), text))
    try:
        for first, last, is_function in bodies(code):
            functions += is_function
            if is_function and last - first + 1 > MAX_FUNCTION:
                guard.bad(path, f"line {first}: a function of "
                                f"{last - first + 1} lines, at most "
                                f"{MAX_FUNCTION}")
    except ValueError as error:
        guard.bad(path, f"cannot read: {error}")
if functions == 0:
    guard.bad("guard", "no function found")
print(f"{functions} functions")
guard.finish()
