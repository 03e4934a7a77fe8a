#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Links between the documents lead somewhere, to headings too."""
import re

from support.guard import Guard

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")

guard = Guard()


def anchors(path):
    """What a heading is called in a link, as the usual renderers do it."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"),
                  flags=re.M | re.S)
    headings = re.findall(r"^#+ +(.+?)\s*$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in headings}


for path in guard.files("*.md", "docs/**/*.md"):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"),
                  flags=re.M | re.S)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        if not place.exists():
            guard.bad(path, f"link leads nowhere: {target}")
        elif anchor and anchor not in anchors(place):
            guard.bad(path, f"no such heading: {target}")
guard.finish()
