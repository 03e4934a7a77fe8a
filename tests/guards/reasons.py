#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every reason and verdict that a request can get is explained."""
import re

from support.guard import Guard, names_in_list, without_comments

guard = Guard()
header = without_comments(guard.read("libfcache/include/fcache/policy.h"))


def compare(macro, name, heading):
    text = guard.read(name)
    # To the next heading of the same depth, or to the end.
    depth = heading.split()[0]
    section = re.search(rf"^{heading}\n(.*?)(?=^{depth} |\Z)", text,
                        re.M | re.S)
    told = set(re.findall(r"^\| `([^`]+)` \|", section.group(1), re.M)
               if section else [])
    known = {text for _, text in names_in_list(header, macro)}
    if not known:
        guard.bad("libfcache/include/fcache/policy.h", f"{macro} not found")
    for text in sorted(known - told):
        guard.bad(name, f"`{text}` has no row below '{heading}'")
    for text in sorted(told - known):
        guard.bad(name, f"`{text}` is not in {macro}")


compare("FCACHE_REASON_LIST", "docs/reasons.md", "# Reasons")
compare("FCACHE_VERDICT_LIST", "docs/headers.md", "## Verdicts")
guard.finish()
