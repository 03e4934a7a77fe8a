# SPDX-License-Identifier: Apache-2.0
"""Hits, or misses, measured by wrk in interleaved rounds."""

import re
import resource
import subprocess
import time

from place import HERE, busy_us, cpu_us, get, tree
from systems import Missing, program

TRIES = 4
UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


def path_of(size, key=1):
    return f"/api/{size}/key{key}.json?v=1"


def wrk_command(place, name, size, connections, seconds, options):
    argv = [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s",
            "--latency", "--timeout", "10s"]
    for header in options.header:
        argv += ["-H", header]
    base = f"http://127.0.0.1:{place.port(name)}"
    if options.misses:
        argv += ["-s", f"{HERE}/new.lua", base, "--", str(size),
                 str(time.time_ns())]
    elif options.keys > 1:
        argv += ["-s", f"{HERE}/keys.lua", base, "--", str(size),
                 str(options.keys)]
    else:
        argv.append(base + path_of(size))
    if place.client_cores:
        cores = ",".join(map(str, place.client_cores))
        argv = [program("taskset"), "-c", cores] + argv
    return argv


def wrk(*arguments):
    """One run of wrk: req/s, p50 and p99 in us, requests, errors."""
    out = subprocess.run(wrk_command(*arguments), check=True,
                         capture_output=True, text=True).stdout

    def number(pattern, default=0):
        found = re.search(pattern, out, re.MULTILINE)
        return float(found.group(1)) if found else default

    def percentile(percent):
        found = re.search(rf"^ +{percent}% +([0-9.]+)([a-z]+)$", out,
                          re.MULTILINE)
        return float(found.group(1)) * UNITS[found.group(2)] if found else 0

    sockets = re.search(r"Socket errors: (.*)", out)
    numbers = re.findall(r"\d+", sockets.group(1)) if sockets else []
    return {
        "rps": number(r"^Requests/sec: +([0-9.]+)"),
        "p50_us": percentile(50),
        "p99_us": percentile(99),
        "requests": int(number(r"(\d+) requests in")),
        "errors": int(number(r"Non-2xx or 3xx responses: (\d+)"))
        + sum(map(int, numbers)),
    }


def children_us():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e6


def once(place, name, pid, size, connections, options):
    """One measurement of one system."""
    pids = tree(pid)
    origin = place.origin_requests()
    begin, busy, used, client = (time.monotonic(), busy_us(), cpu_us(pids),
                                 children_us())
    row = wrk(place, name, size, connections, options.seconds, options)
    client, used, busy = (children_us() - client, cpu_us(pids) - used,
                          busy_us() - busy)
    elapsed = (time.monotonic() - begin) * 1e6
    return dict(row, body=size, connections=connections, system=name,
                cpu_us=used / max(1, row["requests"]),
                cores=used / elapsed,
                noise=max(0.0, (busy - used - client) / elapsed),
                origin=place.origin_requests() - origin - 1)


def quietest(place, name, pid, size, connections, options):
    """Measures again while other work disturbs more than was allowed."""
    best = once(place, name, pid, size, connections, options)
    for _ in range(TRIES - 1 if options.quiet is not None else 0):
        if best["noise"] <= options.quiet:
            break
        time.sleep(1)
        again = once(place, name, pid, size, connections, options)
        best = min(best, again, key=lambda row: row["noise"])
    return best


def warm(place, name, size, options):
    """Every key once and one of them checked, then a short run."""
    for key in range(1, options.keys + 1):
        get(place.port(name), path_of(size, key))
    status, body = get(place.port(name), path_of(size))
    if status != 200 or len(body) != size:
        raise Missing(f"answers {status}, {len(body)} bytes for {size}")
    wrk(place, name, size, 8, 1, options)


def rounds(place, started, options):
    """All measurements: started is {name: pid}; round by round, in turn."""
    for size in options.bodies:
        for name in started:
            warm(place, name, size, options)
        for connections in options.connections:
            for turn in range(1, options.rounds + 1):
                for name, pid in started.items():
                    yield dict(quietest(place, name, pid, size, connections,
                                        options), round=turn)
