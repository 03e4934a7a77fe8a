# SPDX-License-Identifier: Apache-2.0
"""Counts that other work on the machine does not change: the user
instructions (callgrind) and the system calls (strace) of one hit."""

import http.client
import re
import signal
import subprocess
import time

from measure import path_of, warm, wrk
from place import stem, tree, wait_for
from systems import program

WARM = 50
REQUESTS = 500
SECONDS = 1


def ask(port, path, count):
    """Asks the same again and again over one connection."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(count):
        link.request("GET", path)
        link.getresponse().read()
    link.close()


def run_counted(place, name, row, size, requests):
    """One short life of a server: {function: user instructions}."""
    place.directory(place.work)
    out = f"{place.work}/{stem(name)}-{size}-{requests}.callgrind"
    argv = [program("valgrind"), "--tool=callgrind", "--vgdb=no",
            f"--callgrind-out-file={out}"] + row.command(place, name, True)
    # valgrind opens its file before httpd changes its user
    server = place.start(name, argv, None, place.user)
    port = place.port(name)
    wait_for(port, path_of(size), seconds=60)
    ask(port, path_of(size), requests)
    place.stop(server)
    shown = subprocess.run(
        [program("callgrind_annotate"), "--threshold=100", out],
        check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^ *([\d,]+) \([ \d.]+%\)  (\S.*)$", shown, re.MULTILINE)
    return {function: int(count.replace(",", "")) for count, function in rows}


def instructions(place, name, row, size):
    """User instructions of a hit, and those of each function: what many
    requests took more than few did, so that start and end do not count."""
    few = run_counted(place, name, row, size, WARM)
    many = run_counted(place, name, row, size, WARM + REQUESTS)
    each = {re.sub(r"^\S*:", "", function):
            (count - few.get(function, 0)) / REQUESTS
            for function, count in many.items()}
    total = each.pop("PROGRAM TOTALS")
    return total, sorted(each.items(), key=lambda item: -item[1])


def syscalls(place, name, pid, size, connections, options):
    """System calls of a hit by name, summed over all processes."""
    warm(place, name, size, options)
    out = f"{place.work}/{stem(name)}.strace"
    argv = [program("strace"), "-f", "-c", "-o", out]
    for one in tree(pid):
        argv += ["-p", str(one)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as tracer:
        time.sleep(1)
        done = wrk(place, name, size, connections, SECONDS, options)
        tracer.send_signal(signal.SIGINT)
    with open(out, encoding="utf-8") as file:
        rows = re.findall(
            r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$",
            file.read(), re.MULTILINE)
    counts = {call: int(count) / max(1, done["requests"])
              for count, call in rows if call != "total"}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
