# SPDX-License-Identifier: Apache-2.0
"""Clients of the fleet: they ask either httpd for items, the other when one does
not answer, and look at what comes."""
import http.client
import itertools
import json
import threading
import time

ITEMS = 100
HOST = {"Host": "api"}  # one name, whichever httpd is asked


def ask(port, path, headers=None, verdict="X-FCache"):
    """Status, verdict, body; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={**HOST, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers.get(verdict), answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None, b""
    finally:
        connection.close()


def figure(port, name):
    """A number of the status page, or None."""
    for line in ask(port, "/fcache-status?auto")[2].decode("utf-8").splitlines():
        if line.startswith(f"{name}: "):
            return int(line.partition(": ")[2])
    return None


class Load:
    """Threads that ask until they are stopped."""

    def __init__(self, ports, clients=4):
        self.ports = ports
        self.lock = threading.Lock()
        self.requests, self.hits, self.turned, self.slowest_s = 0, 0, 0, 0
        self.failed, self.wrong = [], []
        self.going = True
        self.threads = [threading.Thread(target=self.client, args=(i,))
                        for i in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()

    def client(self, first):
        for number in itertools.count(first):
            if not self.going:
                return
            self.one(number, f"/items/{number % ITEMS + 1}?n={number % 400}")

    def one(self, number, path):
        """A load balancer's habit: the next one when one does not answer."""
        start = time.monotonic()
        for turn in range(len(self.ports)):
            port = self.ports[(number + turn) % len(self.ports)]
            status, verdict, body = ask(port, path)
            if status:
                break
        with self.lock:
            self.requests += 1
            self.hits += verdict == "HIT"
            self.turned += turn
            self.slowest_s = max(self.slowest_s, time.monotonic() - start)
            if status != 200:
                self.failed.append((path, status))
            elif not is_of(body, path):
                self.wrong.append((path, body[:100]))

    def problems(self, may_turn):
        found = []
        if self.hits == 0:
            found.append("no hit at all")
        if self.turned and not may_turn:
            found.append(f"{self.turned} had to ask the other httpd")
        if self.failed:
            found.append(f"failed: {self.failed[:3]}")
        if self.wrong:
            found.append(f"wrong: {self.wrong[:3]}")
        return found


def is_of(body, path):
    """The API says in the body what it was asked for."""
    try:
        answer = json.loads(body)
        return path == f"/items/{answer['item']['id']}?{answer['query']}"
    except (ValueError, KeyError, TypeError):
        return False


FRESH = itertools.count(1)
SEVERAL = 24


def shares(writer, reader):
    """Is what the one httpd was told by the API told by the other one, too? Of
    several answers each: a store may be several servers."""
    paths = [f"/items/7?fresh={time.time_ns()}-{next(FRESH)}"
             for _ in range(SEVERAL)]
    first = [ask(writer, path) for path in paths]
    time.sleep(0.05)  # they are stored after they were sent
    again = [ask(reader, path) for path in paths]
    return all(a[0] == 200 and b[1] == "HIT" and b[2] == a[2] and is_of(a[2], path)
               for a, b, path in zip(first, again, paths))


def resumes(ports, seconds):
    """Seconds until each httpd finds what the other one stored."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if shares(*ports) and shares(*reversed(ports)):
            return time.monotonic() - start
        time.sleep(0.05)
    return None
