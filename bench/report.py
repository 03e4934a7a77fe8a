# SPDX-License-Identifier: Apache-2.0
"""Medians, ratios and tables of what was measured."""

import os
import platform
import re
import subprocess
from statistics import median

HEAD = ("body", "conns", "system", "req/s", "p50 us", "p99 us", "CPU us/req",
        "req/s ratio", "CPU ratio", "range", "cores", "errors", "origin",
        "noise")


def table(head, rows):
    lines = ["| " + " | ".join(map(str, row)) + " |"
             for row in [head, *rows]]
    lines.insert(1, "|" + "".join(
        "---|" if isinstance(cell, str) and not cell[:1].isdigit() else "--:|"
        for cell in (rows[0] if rows else head)))
    return "\n".join(lines)


def ratios(rows, first, field):
    """The first system's value over this one's, round by round."""
    of_first = {row["round"]: row[field] for row in first}
    return [of_first[row["round"]] / row[field] for row in rows if row[field]]


def summarise(measured):
    """One row for each body, number of connections and system."""
    groups = {}
    for row in measured:
        place = groups.setdefault((row["body"], row["connections"]), {})
        place.setdefault(row["system"], []).append(row)
    for (body, connections), systems in groups.items():
        first = next(iter(systems.values()))
        for name, rows in systems.items():
            cpu = ratios(rows, first, "cpu_us") or [0]
            yield {
                "body": body, "connections": connections, "system": name,
                **{field: median(row[field] for row in rows) for field in
                   ("rps", "p50_us", "p99_us", "cpu_us", "cores", "noise")},
                "rps_ratio": median(ratios(rows, first, "rps") or [0]),
                "cpu_ratio": median(cpu),
                "cpu_ratio_range": [min(cpu), max(cpu)],
                "errors": sum(row["errors"] for row in rows),
                "origin": sum(row["origin"] for row in rows),
            }


def markdown(summary):
    return table(HEAD, [(
        row["body"], row["connections"], row["system"], f"{row['rps']:.0f}",
        f"{row['p50_us']:.0f}", f"{row['p99_us']:.0f}",
        f"{row['cpu_us']:.2f}", f"{row['rps_ratio']:.2f}",
        f"{row['cpu_ratio']:.2f}",
        "{:.2f}-{:.2f}".format(*row["cpu_ratio_range"]),
        f"{row['cores']:.2f}", row["errors"], row["origin"],
        f"{row['noise']:.2f}") for row in summary])


def machine():
    """What the numbers were taken on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def version(argv):
    """The first line with a digit of what a program says of itself."""
    done = subprocess.run([argv[0], "-V" if "varnish" in argv[0] else "-v"],
                          capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    return next((line for line in said if re.search(r"\d\.\d", line)), "?")
