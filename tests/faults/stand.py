# SPDX-License-Identifier: Apache-2.0
"""An httpd whose store is behind a Link, files of its own as a healthy origin,
and clients that ask it while the store misbehaves."""
import itertools
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

# pylint: disable=wrong-import-position
from harness.client import Closed, Connection
from harness.httpd import Httpd

FILES = 2000  # paths, each asked for the first time once
HOT = 8       # paths that are asked for again and again

CONF = """
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName origin
    Header set Cache-Control max-age=600
</VirtualHost>
FCacheBackend remote "{url}"
FCacheStore remote
ProxyPass /off http://127.0.0.1:{port2}
ProxyPass /on http://127.0.0.1:{port2}
<Location /on>
    FCacheEnable on
</Location>
{more}
"""


def body_of(name):
    return (f"the body of {name}\n" * 88).encode()


class Tally:
    """What the requests of one phase came to."""

    def __init__(self):
        self.lock = threading.Lock()
        self.failed, self.wrong, self.requests = [], [], 0
        self.verdicts = {}
        self.on_ms, self.off_ms = [], []

    def add(self, target, answer, ms):
        name = target.split("/", 2)[2]
        with self.lock:
            self.requests += 1
            (self.on_ms if target.startswith("/on") else
             self.off_ms).append(ms)
            if isinstance(answer, Exception) or answer.status != 200:
                self.failed.append((target, str(answer)))
            elif answer.body != body_of(name):
                self.wrong.append((target, answer.body[:80]))
            elif target.startswith("/on"):
                self.verdicts[answer.cache] = \
                    self.verdicts.get(answer.cache, 0) + 1

    @property
    def hits(self):
        return self.verdicts.get("HIT", 0)

    @property
    def worst_added_ms(self):
        return max(self.on_ms) - statistics.median(self.off_ms)

    def added_ms(self, share):
        """Quantile of the cached scope less that of the other."""
        return quantile(self.on_ms, share) - quantile(self.off_ms, share)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Stand:
    def __init__(self, url, more="", mpm="event"):
        self.httpd = Httpd(CONF, mpm, names={"url": url, "more": more},
                           tuning="ServerLimit 1\nStartServers 1\n"
                                  "ThreadsPerChild 32\nThreadLimit 32\n"
                                  "MaxRequestWorkers 32\nMinSpareThreads 1\n"
                                  "MaxSpareThreads 32")
        for name in self.hot() + [f"n{i}" for i in range(FILES)]:
            self.httpd.file(name, body_of(name))
        self.fresh = itertools.count()

    @staticmethod
    def hot():
        return [f"h{i}" for i in range(HOT)]

    def __enter__(self):
        self.httpd.start()
        return self

    def __exit__(self, *details):
        # what a store's faults make httpd log is not a failure of the test
        self.httpd.log.allow("FC0")
        self.httpd.__exit__(*details)

    def new_path(self):
        return f"/on/n{next(self.fresh) % FILES}"

    def ask(self, connection, target, tally):
        start = time.monotonic()
        try:
            answer = connection.request(target)
        except (Closed, OSError) as error:
            answer = error
        tally.add(target, answer, (time.monotonic() - start) * 1000)
        return not isinstance(answer, Exception)

    def load(self, seconds, clients=2, tally=None):
        """Hot and new paths in turn, and the same past the cache."""
        tally = tally or Tally()
        end = time.monotonic() + seconds

        def client():
            connection = Connection(self.httpd.port)
            for i in itertools.count():
                if time.monotonic() > end:
                    break
                hot = f"h{i % HOT}"
                for target in (f"/on/{hot}", f"/off/{hot}", self.new_path()):
                    if not self.ask(connection, target, tally):
                        connection.close()
                        connection = Connection(self.httpd.port)
            connection.close()

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return tally

    def warm(self, seconds=20):
        """All hot paths are hits."""
        end = time.monotonic() + seconds
        with self.httpd.connect() as connection:
            while time.monotonic() < end:
                if all(connection.request(f"/on/{hot}").cache == "HIT"
                       for hot in self.hot()):
                    return
        raise TimeoutError(f"the hot paths are no hits after {seconds} s")

    def resumes(self, seconds=10):
        """Seconds until what is new is stored and found again."""
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            target = self.new_path()
            self.httpd.get(target)
            for _ in range(3):  # it is stored after it was sent
                if self.httpd.get(target).cache == "HIT":
                    return time.monotonic() - start
                time.sleep(0.005)
        return None
