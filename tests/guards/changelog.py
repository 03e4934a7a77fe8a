#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The changelog tells of the version that is being built."""
import re

from support.guard import Guard

guard = Guard()
version = re.search(r"project\(fcache VERSION ([\d.]+)",
                    guard.read("CMakeLists.txt"))
changelog = guard.read("CHANGELOG.md")
if not version:
    guard.bad("CMakeLists.txt", "no project version found")
else:
    section = re.search(rf"^## \[{re.escape(version.group(1))}\](.*?)(?=^## |\Z)",
                        changelog, re.M | re.S)
    if not section:
        guard.bad("CHANGELOG.md", f"no section for {version.group(1)}")
    elif not re.search(r"^- \S", section.group(1), re.M):
        guard.bad("CHANGELOG.md", f"section {version.group(1)} is empty")
guard.finish()
