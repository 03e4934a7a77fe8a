#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page of remote stores lists every option that they share, with its
default and what is allowed, and no other."""
import re

from support.guard import Guard, without_comments

PAGE = "docs/remote-stores.md"
LIMITS = "backends/net/limits.h"
TLS = "backends/net/tls.c"
ROW = re.compile(r'X\(\w+, "([\w-]+)", \'([tn])\', (\d+), (\d+), (\d+), '
                 r'"([^"]+)"\)')
UNITS = ((86400000000, "d"), (3600000000, "h"), (60000000, "m"),
         (1000000, "s"), (1000, "ms"))

guard = Guard()


def written(kind, value):
    """As an option writes it."""
    number = int(value)
    if kind == "n" or number == 0:
        return str(number)
    return next(f"{number // unit}{suffix}" for unit, suffix in UNITS
                if number % unit == 0)


def section(text, heading):
    found = re.search(rf"^### {heading}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    if not found:
        guard.bad(PAGE, f"section '{heading}' is missing")
        return ""
    return found.group(1)


def compare(heading, wanted, text):
    """Rows of the section's table, by option."""
    rows = dict(re.findall(r"^\| `([\w-]+)` (\|.*\|)$", section(text, heading),
                           re.M))
    for option, row in wanted.items():
        if option not in rows:
            guard.bad(PAGE, f"option {option} is missing")
        elif row is not None and rows[option] != row:
            guard.bad(PAGE, f"the row of {option} must be: | `{option}` {row}")
    for option in rows.keys() - wanted.keys():
        guard.bad(PAGE, f"{option} is no option of '{heading}'")


page = guard.read(PAGE)
source = re.sub(r"\s*\\\n\s*", " ", without_comments(
    guard.read(LIMITS).partition("typedef struct fcn_limits_t")[0]))
limits = {option: f"| {written(kind, value)} | {written(kind, least)} to "
                  f"{written(kind, most)} | {text} |"
          for option, kind, value, least, most, text in ROW.findall(source)}
if len(limits) != source.count(" X("):
    guard.bad(LIMITS, f"read {len(limits)} rows of {source.count(' X(')}")
names = re.search(r"options_known\[\] = \{(.*?)\};", guard.read(TLS), re.S)
tls = {name: None for name in re.findall(r'"([\w-]+)"',
                                         names.group(1) if names else "")}
if not limits or not tls:
    guard.bad("guard", "found no options")
compare("Times, connections, breaker", limits, page)
compare("TLS", tls, page)
guard.finish()
