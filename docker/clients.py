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


def ask(port, path, timeout=5, headers=None):
    """Status, verdict, body; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={**HOST, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("X-FCache"), answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None, b""
    finally:
        connection.close()


class Load:
    """Threads that ask until they are stopped."""

    def __init__(self, ports, clients=4):
        self.ports = ports
        self.lock = threading.Lock()
        self.requests, self.failed, self.wrong = 0, [], []
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
            self.one(number, number % ITEMS + 1)

    def one(self, number, item):
        """A load balancer's habit: the next one when one does not answer."""
        for turn in range(len(self.ports)):
            port = self.ports[(number + turn) % len(self.ports)]
            status, _, body = ask(port, f"/items/{item}?n={number % 400}")
            if status:
                break
        with self.lock:
            self.requests += 1
            if status != 200:
                self.failed.append((item, status))
            elif not is_item(body, item):
                self.wrong.append((item, body[:100]))

    def problems(self):
        found = []
        if self.requests == 0:
            found.append("nothing was asked")
        if self.failed:
            found.append(f"failed: {self.failed[:3]}")
        if self.wrong:
            found.append(f"wrong: {self.wrong[:3]}")
        return found


def is_item(body, item):
    try:
        return json.loads(body)["item"]["id"] == item
    except (ValueError, KeyError, TypeError):
        return False


FRESH = itertools.count(1)
SEVERAL = 8


def shares(writer, reader):
    """Is what the one httpd was told by the API told by the other one, too? Of
    several answers each: a store may be several servers."""
    paths = [f"/items/7?fresh={time.time_ns()}-{next(FRESH)}"
             for _ in range(SEVERAL)]
    first = [ask(writer, path) for path in paths]
    time.sleep(0.05)  # they are stored after they were sent
    again = [ask(reader, path) for path in paths]
    return all(a[0] == 200 and b[1] == "HIT" and b[2] == a[2]
               for a, b in zip(first, again))


def resumes(ports, seconds):
    """Seconds until each httpd finds what the other one stored."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if shares(*ports) and shares(*reversed(ports)):
            return time.monotonic() - start
        time.sleep(0.05)
    return None
