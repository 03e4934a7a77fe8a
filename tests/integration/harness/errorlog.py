# SPDX-License-Identifier: Apache-2.0
"""The error log as a judge: a line nobody expected fails the test."""
import re
import time

TROUBLE = re.compile(r"\[[\w.-]*:?(error|warn|crit|alert|emerg)\]|"
                     r"exit signal")
# A server as small as the tests' is busy, and says so.
BUSY = re.compile(r"\] (AH00161|AH0028[67]|AH00484|AH10159): ")
FULL = ("AH00288", "AH03490")  # no place for a child, as others have not ended
SANITIZER = re.compile(r"runtime error:|(ERROR|WARNING): \w*Sanitizer|"
                       r"SUMMARY: \w*Sanitizer")


class ErrorLog:
    def __init__(self, path):
        self.path = path
        self.mark = 0
        self.expected = []
        self.allowed = []

    def lines(self, start=0):
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read().decode("utf-8", "replace").splitlines()

    def begin(self):
        """A test starts: forget what was logged and expected before."""
        self.mark = self.path.stat().st_size
        self.expected = []
        self.allowed = []

    def expect(self, pattern):
        """Such a line must come, and is no failure."""
        self.expected.append(pattern)

    def allow(self, *patterns):
        """Such lines are no failure."""
        self.allowed.extend(patterns)

    def wait(self, pattern, start=None, timeout=10):
        """The first line with that pattern, waited for."""
        start = self.mark if start is None else start
        deadline = time.monotonic() + timeout
        while True:
            for line in self.lines(start):
                if re.search(pattern, line):
                    return line
            if time.monotonic() > deadline:
                raise AssertionError(f"never logged: {pattern}\n" +
                                     "\n".join(self.lines(start)[-20:]))
            time.sleep(0.01)

    def complaints(self):
        """What is wrong with the log since begin()."""
        bad = []
        for pattern in self.expected:
            try:
                self.wait(pattern, timeout=2)
            except AssertionError as error:
                bad.append(str(error))
        fine = [re.compile(p) for p in self.expected + self.allowed]
        for line in self.lines(self.mark):
            trouble = TROUBLE.search(line) or SANITIZER.search(line)
            if trouble and not BUSY.search(line) and \
                    not any(p.search(line) for p in fine):
                bad.append(line)
        self.begin()
        return bad
