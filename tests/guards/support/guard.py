# SPDX-License-Identifier: Apache-2.0
"""What the guards share: finding files, reading C, reporting.

A guard is called as `guard.py SOURCE_DIR BUILD_DIR`. It fails when a rule is
broken, and also when it finds nothing to look at.
"""
import pathlib
import re
import sys

TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


class Guard:
    def __init__(self):
        self.source = pathlib.Path(sys.argv[1]).resolve()
        self.build = pathlib.Path(sys.argv[2]).resolve()
        self.problems = 0
        self.seen = 0

    def bad(self, where, message):
        if isinstance(where, pathlib.Path):
            where = where.relative_to(self.source)
        print(f"{where}: {message}")
        self.problems += 1

    def looked_at(self, count=1):
        self.seen += count

    def files(self, *patterns):
        """Files of the source tree; each pattern must find at least one."""
        found = []
        for pattern in patterns:
            matches = sorted(p for p in self.source.glob(pattern)
                             if p.is_file() and self.is_ours(p))
            if not matches:
                self.bad(pattern, "no such file: nothing to look at")
            found.extend(matches)
        self.seen += len(found)
        return found

    def is_ours(self, path):
        parts = path.relative_to(self.source).parts
        return not any(part in ("build", "node_modules", ".git")
                       for part in parts)

    def read(self, name):
        """Text of one file that must be there."""
        path = self.source / name
        if not path.is_file():
            self.bad(name, "missing")
            return ""
        self.seen += 1
        return path.read_text(encoding="utf-8")

    def finish(self):
        if self.seen == 0 and self.problems == 0:
            self.bad("guard", "found nothing to look at")
        print(f"{self.seen} looked at, {self.problems} problems")
        sys.exit(1 if self.problems else 0)


def blank(match):
    """Blanks of the same shape, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    return TOKEN.sub(
        lambda m: blank(m) if m.group(0)[0] == "/" else m.group(0), text)


def code_only(text):
    """C without comments, strings and preprocessor lines."""
    text = TOKEN.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", blank, text, flags=re.M)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def names_in_list(text, macro):
    """Rows (name, text) of an X-macro list `#define MACRO(X) X(NAME, "text")`."""
    start = re.search(r"#define\s+" + macro + r"\(X\)((?:[^\n]*\\\n)*[^\n]*)",
                      text)
    if not start:
        return []
    return re.findall(r'X\(\s*(\w+)\s*,\s*"([^"]*)"', start.group(1))
