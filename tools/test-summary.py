#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Closing table of ./run test, from ctest's JUnit files.

ctest counts programs; each program is a set of cases, so the cases are read
from its output: cmocka's and pytest's closing lines, and one "N passed,
N failed" of anything else. A program without such a line is one case.
Exit status 1 when anything failed, was not run, or nothing was found.
"""
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA_RUN = re.compile(r"^\[==========\] .*?(\d+) test\(s\) run\.", re.M)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\)", re.M)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \] .*?(\d+) test\(s\)", re.M)
COUNTS = re.compile(r"\b(\d+) (passed|failed|errors?|skipped)\b")


def cases_of(output):
    """(passed, failed, skipped) cases that the output tells of, or None."""
    runs = [int(n) for n in CMOCKA_RUN.findall(output)]
    if runs:
        failed = sum(int(n) for n in CMOCKA_FAILED.findall(output))
        skipped = sum(int(n) for n in CMOCKA_SKIPPED.findall(output))
        return sum(runs) - failed - skipped, failed, skipped
    for line in reversed(output.splitlines()):
        counts = COUNTS.findall(line)
        if counts and any(word == "passed" or word == "failed"
                          for _, word in counts):
            tally = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
            for number, word in counts:
                tally[word.rstrip("s")] += int(number)
            return (tally["passed"], tally["failed"] + tally["error"],
                    tally["skipped"])
    return None


def read(path):
    """Row of one JUnit file: programs, passed, failed, skipped, seconds."""
    suite = ElementTree.parse(path).getroot()
    programs = passed = failed = skipped = 0
    seconds = 0.0
    for case in suite.iter("testcase"):
        programs += 1
        seconds += float(case.get("time", "0"))
        good = case.get("status") == "run"
        told = cases_of(case.findtext("system-out") or "")
        told = told or ((1, 0, 0) if good else (0, 1, 0))
        passed += told[0]
        # A program that failed although its cases passed (a leak report, a
        # crash at the end) has failed.
        failed += told[1] if good or told[1] else 1
        skipped += told[2]
    return programs, passed, failed, skipped, seconds


def main(paths):
    total_passed = total_failed = total_skipped = 0
    print()
    print(f"{'tests':<22}{'programs':>9}{'passed':>9}{'failed':>9}"
          f"{'skipped':>9}{'seconds':>9}")
    for path in paths:
        title = os.path.splitext(os.path.basename(path))[0]
        try:
            row = read(path)
        except (OSError, ElementTree.ParseError) as error:
            print(f"{title:<22}  no result: {error}")
            total_failed += 1
            continue
        if row[0] == 0:
            print(f"{title:<22}  no test found")
            total_failed += 1
            continue
        print(f"{title:<22}{row[0]:>9}{row[1]:>9}{row[2]:>9}{row[3]:>9}"
              f"{row[4]:>9.1f}")
        total_passed += row[1]
        total_failed += row[2]
        total_skipped += row[3]
    if total_skipped:
        print(f"{total_skipped} skipped: a test that does not run proves "
              "nothing, so this counts as failed")
    print(f"\n{total_passed} passed, {total_failed + total_skipped} failed")
    return 1 if total_failed + total_skipped or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
