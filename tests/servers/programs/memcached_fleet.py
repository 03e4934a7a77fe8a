#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""memcached_fleet.py SHELL: two memcached servers, of which one hangs, dies and
comes back; nothing that was purged is served again. SHELL is built of shell.c."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from servers import free_ports, memcached, wait_for  # noqa: E402

KEYS = [f"key{i}" for i in range(40)]
FAULTS = {"UNAVAILABLE", "TIMEOUT", "PROTOCOL"}
# a breaker that opens and closes while somebody waits
OPTIONS = ("failures=2&open=300ms&open-max=300ms&connect=400ms&read=400ms&"
           "lookup=600ms&store=1s")


class Host:
    """A machine that uses the store: a process that does as it is told."""

    def __init__(self, shell, url):
        self.process = subprocess.Popen(
            [shell], env={**os.environ, "FCACHE_URL": url}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{words}: the shell ended"
        return answer.split()

    def status(self, *words):
        return self.ask(*words)[0]

    def do(self, *words):
        """Again while there are faults: of a server that is being tried, or of
        a machine that is busy."""
        last = []

        def done():
            last[:] = self.ask(*words)
            return last[0] not in FAULTS
        wait_for(done, f"{words} without a fault")
        return last[0]

    def put_all(self, body, *tag):
        for key in KEYS:
            assert self.do("put", key, body, *tag) == "OK", key

    def delete(self, keys):
        for key in keys:
            assert self.do("del", key) in ("OK", "MISS"), key

    def finds(self, body):
        wait_for(lambda: self.bodies() == [body] * len(KEYS), f"all {body}")

    def bodies(self):
        """What all keys have now; a fault is a miss."""
        answers = [self.ask("get", key) for key in KEYS]
        for answer in answers:
            assert answer[0] in FAULTS | {"OK", "MISS"}, answer
        return [a[1] if a[0] == "OK" else None for a in answers]

    def has_faults(self):
        return any(self.status("get", key) in FAULTS for key in KEYS)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Fleet:
    """Two servers, and hosts that use them."""

    def __init__(self, shell, folder, stack):
        self.shell, self.stack = shell, stack
        ports = free_ports(2)
        self.servers = [stack.enter_context(memcached.server(folder, port))
                        for port in ports]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = f"memcached://{hosts}?{OPTIONS}"

    def host(self):
        host = Host(self.shell, self.url)
        self.stack.callback(host.close)
        return host

    def hang(self, server=1):
        process = self.servers[server].process
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)  # all of its threads

    def go_on(self, server=1):
        self.servers[server].process.send_signal(signal.SIGCONT)


def eject(host):
    """Asks until the server that hangs is left out."""
    wait_for(lambda: host.bodies() and not host.has_faults(), "ejection")


def return_of(host, fleet):
    """Asks until both servers have their names back: what is put then is on
    both, and stays."""
    def spread():
        host.put_all("spread")
        return (all(counts(fleet)) and
                host.bodies() == ["spread"] * len(KEYS))
    wait_for(spread, "return")


def counts(fleet):
    """What was put on each server since it was asked last."""
    totals = []
    for server in fleet.servers:
        report = subprocess.run(
            ["bash", "-c", 'exec 3<>/dev/tcp/127.0.0.1/$0; printf '
             '"stats\\r\\nquit\\r\\n" >&3; cat <&3', str(server.address[1])],
            check=True, capture_output=True, text=True).stdout
        sets = next(int(line.split()[2]) for line in report.splitlines()
                    if line.startswith("STAT cmd_set "))
        totals.append(sets - getattr(server, "sets", 0))
        server.sets = sets
    return totals


def both_are_used(fleet):
    host = fleet.host()
    counts(fleet)
    host.put_all("one")
    assert all(count >= 5 for count in counts(fleet))
    host.finds("one")
    fleet.host().finds("one")


def a_purge_misses_a_server_that_hangs(fleet):
    host, idle = fleet.host(), fleet.host()
    host.put_all("old")
    idle.finds("old")
    fleet.hang()
    eject(host)
    answer = host.ask("clear")
    assert answer[0] in FAULTS, answer
    fleet.go_on()
    began_later = fleet.host()
    assert "old" not in began_later.bodies()
    wait_for(lambda: not host.has_faults(), "return")
    assert "old" not in host.bodies()
    assert "old" not in idle.bodies()
    return_of(host, fleet)


def a_tag_is_purged_while_one_hangs(fleet):
    host = fleet.host()
    host.put_all("tagged", "shop")
    host.finds("tagged")
    fleet.hang()
    eject(host)
    assert host.status("clear-tag", "shop") in FAULTS
    assert "tagged" not in host.bodies()
    fleet.go_on()
    wait_for(lambda: not host.has_faults(), "return")
    assert "tagged" not in host.bodies()
    assert "tagged" not in fleet.host().bodies()


def copies_on_stand_ins_are_purged(fleet):
    """What a stand-in keeps from an earlier ejection is met at the next."""
    host = fleet.host()
    fleet.hang()
    eject(host)
    host.put_all("stand-in")
    host.finds("stand-in")
    fleet.go_on()
    return_of(host, fleet)
    assert host.do("clear") == "OK"
    fleet.hang()
    eject(host)
    assert host.bodies() == [None] * len(KEYS)
    fleet.go_on()


def deleted_everywhere(fleet):
    """Copies of the same key on both servers: one del ends both, and is not
    done while one of them hangs."""
    host = fleet.host()
    fleet.hang()
    eject(host)
    host.put_all("stand-in")
    fleet.go_on()
    return_of(host, fleet)
    host.delete(KEYS)
    fleet.hang()
    eject(host)
    assert host.bodies() == [None] * len(KEYS)
    assert {host.status("del", key) for key in KEYS} <= FAULTS
    fleet.go_on()


def a_server_dies_and_returns_empty(fleet):
    host = fleet.host()
    host.put_all("old")
    host.finds("old")
    fleet.servers[1].kill()
    eject(host)
    left = [body for body in host.bodies() if body]
    assert 0 < len(left) < len(KEYS)
    host.put_all("new")
    host.finds("new")
    fleet.servers[1].start()
    counts(fleet)
    return_of(host, fleet)
    assert host.do("clear") == "OK"
    assert host.bodies() == [None] * len(KEYS)
    host.put_all("newer")
    host.finds("newer")


def both_hang(fleet):
    """Faults, not waits; and all is well afterwards."""
    host = fleet.host()
    host.put_all("old")
    for server in 0, 1:
        fleet.hang(server)
    assert host.bodies() == [None] * len(KEYS)
    for server in 0, 1:
        fleet.go_on(server)
    return_of(host, fleet)


def urls_of_2000_characters(fleet):
    host = fleet.host()
    url = "https://example/" + "x" * 1984
    assert host.do("get", url) == "MISS"
    assert host.do("put", url, "body") == "OK"
    assert fleet.host().ask("get", url) == ["OK", "body"]
    assert host.do("get", url[:-1] + "y") == "MISS"


TESTS = [both_are_used, a_purge_misses_a_server_that_hangs,
         a_tag_is_purged_while_one_hangs, copies_on_stand_ins_are_purged,
         deleted_everywhere, a_server_dies_and_returns_empty, both_hang,
         urls_of_2000_characters]


def main(shell, *names):
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="fcache-fleet-"))
            fleet = Fleet(shell, Path(folder), stack)
            # before the servers are stopped: what is stopped cannot end
            for server in 0, 1:
                stack.callback(fleet.go_on, server)
            test(fleet)
        print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
