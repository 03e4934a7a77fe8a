#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""eviction.py CASE SHELL: a server with little memory drops the counters of
clears. What they cleared is not served again, and what is put later is. SHELL is
built of shell.c."""
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from servers import Process, free_ports, memcached, redis  # noqa: E402

PURGED = [f"purged{i}" for i in range(300)]
OTHERS = 60000


class Memcached:
    def __init__(self, folder, options):
        self.port, = free_ports(1)
        self.process = Process(
            [*memcached.command("-l", "127.0.0.1", "-p", self.port), "-m", "4"],
            folder, ("127.0.0.1", self.port))
        self.url = f"memcached://127.0.0.1:{self.port}?{options}"

    def evicted(self):
        report = subprocess.run(
            ["bash", "-c", 'exec 3<>/dev/tcp/127.0.0.1/$0; printf '
             '"stats\\r\\nquit\\r\\n" >&3; cat <&3', str(self.port)],
            check=True, capture_output=True, text=True).stdout
        return next(int(line.split()[2]) for line in report.splitlines()
                    if line.startswith("STAT evictions "))

    def use(self):
        """Entries are longer than counters, and lie apart from them."""


class Redis:
    def __init__(self, folder, policy):
        self.port, = free_ports(1)
        self.process = redis.server(folder, self.port, "--maxmemory", "3mb",
                                    "--maxmemory-policy", policy)
        self.url = (f"redis://127.0.0.1:{self.port}?"
                    f"{memcached.PATIENT}")

    def evicted(self):
        report = redis.ask(self.port, "info", "stats")
        return next(int(line.partition(":")[2])
                    for line in report.splitlines()
                    if line.startswith("evicted_keys:"))

    def use(self):
        """The entries stay, as if they were asked for."""
        names = redis.ask(self.port, "keys", "shell:*").split()
        if names:
            redis.ask(self.port, "touch", *names)


CASES = {
    "memcached": lambda folder: Memcached(folder, memcached.PATIENT),
    "memcached-binary": lambda folder: Memcached(
        folder, f"{memcached.PATIENT}&protocol=binary"),
    "redis-lru": lambda folder: Redis(folder, "allkeys-lru"),
    "redis-random": lambda folder: Redis(folder, "allkeys-random"),
}


class Host:
    """A machine that uses the store: a process that does as it is told."""

    def __init__(self, shell, url):
        self.process = subprocess.Popen(
            [shell], env={**os.environ, "FCACHE_URL": url}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask_all(self, lines):
        """The first word of each answer."""
        answers = []
        for start in range(0, len(lines), 500):
            some = lines[start:start + 500]
            self.process.stdin.write("".join(line + "\n" for line in some))
            self.process.stdin.flush()
            answers += [self.process.stdout.readline().split()[0]
                        for _ in some]
        return answers

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def served(host, keys):
    answers = host.ask_all([f"get {key}" for key in keys])
    assert set(answers) <= {"OK", "SOFT", "MISS"}, set(answers)
    return len(answers) - answers.count("MISS")


def purges_hold(server, host, other):
    assert set(host.ask_all([f"put {key} {'body' * 100} {key}-tag"
                             for key in PURGED])) == {"OK"}
    assert served(host, PURGED) == len(PURGED)
    assert set(host.ask_all([f"clear-tag {key}-tag"
                             for key in PURGED])) == {"OK"}
    for part in range(20):
        names = [f"other{part}-{i}" for i in range(OTHERS // 20)]
        assert set(other.ask_all([f"clear-tag {name}"
                                  for name in names])) == {"OK"}
        assert set(other.ask_all([f"put {name} body {name}"
                                  for name in names[:20]])) == {"OK"}
        server.use()
    assert server.evicted() > 1000, server.evicted()
    assert served(host, PURGED) == 0
    assert served(other, PURGED) == 0


def what_is_put_then_stays(host, other):
    """The counters that it needs have been made by then, or are soon: the server
    may drop one at any time."""
    left = 0
    for _ in range(5):
        if left == 10:
            break
        assert set(host.ask_all([f"put {key} body shop"
                                 for key in PURGED[:10]])) == {"OK"}
        assert set(other.ask_all(["clear-tag shop-of-others"])) == {"OK"}
        left = served(other, PURGED[:10])
    assert left == 10, left
    assert set(other.ask_all(["clear-tag shop"])) == {"OK"}
    assert served(host, PURGED[:10]) == 0


def main(case, shell):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="fcache-eviction-"))
        server = CASES[case](Path(folder))
        stack.enter_context(server.process)
        hosts = [Host(shell, server.url) for _ in range(2)]
        for host in hosts:
            stack.callback(host.close)
        purges_hold(server, *hosts)
        what_is_put_then_stays(*hosts)
        print(f"{case}: {server.evicted()} evicted")


if __name__ == "__main__":
    main(*sys.argv[1:])
