#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every directive has its row, its page, its place in the sample and in the
index; and nothing else has."""
import re

from support.guard import Guard, without_comments

ROWS = ("Description", "Syntax", "Default", "Context", "Override", "Since")
SECTIONS = ("## Example", "## Pitfalls", "## See also")
NAME = re.compile(r"\bFCache[A-Z]\w+")
ROW = re.compile(r"^DIRECTIVE\(\s*\"?(FCache\w+)", re.M)
BY_HAND = re.compile(r"\bAP_INIT_\w+\(\s*\"(FCache\w+)\"")

guard = Guard()
table = set(ROW.findall(without_comments(
    guard.read("mod_fcache/directives.def"))))
if not table:
    guard.bad("mod_fcache/directives.def", "no directive found")
for path in guard.files("mod_fcache/*.c"):
    table.update(BY_HAND.findall(path.read_text(encoding="utf-8")))
pages = {path.stem: path for path in guard.files("docs/directives/*.md")}
sample = set(NAME.findall(guard.read("conf/fcache.conf")))
index = set(re.findall(r"\(directives/(\w+)\.md\)", guard.read("docs/README.md")))

for place, names in (("docs/directives", set(pages)), ("docs/README.md", index),
                     ("conf/fcache.conf", sample)):
    for name in sorted(table - names):
        guard.bad(place, f"{name} is missing")
    for name in sorted(names - table):
        guard.bad(place, f"{name} is no directive")

for name, path in pages.items():
    text = path.read_text(encoding="utf-8")
    if not text.startswith(f"# {name}\n"):
        guard.bad(path, f"must begin with '# {name}'")
    for row in ROWS:
        if not re.search(rf"^\| \*\*{row}\*\* \| \S", text, re.M):
            guard.bad(path, f"table row {row} is missing")
    for section in SECTIONS:
        if f"\n{section}\n" not in text:
            guard.bad(path, f"section '{section}' is missing")
    if not re.search(rf"^\s*{name}\b", text, re.M):
        guard.bad(path, "the example does not use the directive")
guard.finish()
