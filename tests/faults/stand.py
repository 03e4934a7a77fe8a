# SPDX-License-Identifier: Apache-2.0
"""An httpd whose store is behind a Link, files of its own as a healthy origin,
and clients that ask it while the store misbehaves."""
import itertools
import os
import re
import socket
import struct
import threading
import time

from harness.client import Closed, Connection
from harness.httpd import BUILD, Httpd
from servers import wait_for

from measure import Cell, Tally, seconds_until

FILES = 1000  # paths, each asked for the first time once, then again
HOT = 6       # paths that are asked for again and again
VARIED = 2    # the same, with an answer for each language
WRITTEN = 4   # paths that are written to
LANGUAGES = ("de", "en")

CONF = """
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName origin
    # or it may be just closing what the proxy takes for the next request
    KeepAlive Off
    Header set Cache-Control max-age=600
    <LocationMatch "^/v">
        Header set Vary Accept-Language
    </LocationMatch>
</VirtualHost>
FCacheBackend far "{url}"
FCacheBackend near memory: size=16M
FCacheBackend tier tiered: l1=near l2=far
FCacheStore {store}
ProxyPass /off http://127.0.0.1:{port2}
ProxyPass /on http://127.0.0.1:{port2}
<Location /on>
    FCacheEnable on
</Location>
<Location /server-status>
    SetHandler server-status
</Location>
{more}
"""

TUNING = """ServerLimit 1
StartServers 1
ThreadsPerChild 32
ThreadLimit 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32"""


def body_of(name):
    return (f"the body of {name}\n" * 88).encode()


class Load:
    """Clients in threads until they are told to end."""

    def __init__(self, stand, readers, writers):
        self.tally, self.over = Tally(), threading.Event()
        works = [stand.read] * readers + [stand.write] * writers
        self.threads = [threading.Thread(target=work, args=(self,))
                        for work in works]
        for each in self.threads:
            each.start()

    def end(self):
        self.over.set()
        for each in self.threads:
            each.join()
        return self.tally


class Stand:
    def __init__(self, url, store="far", more="", kind=None):
        names = {"url": url, "store": store, "more": more}
        self.kind = kind
        self.httpd = Httpd(CONF, names=names, tuning=TUNING)
        self.names = self.httpd.root / "names"  # see names.c
        self.bodies = {}
        for name in self.hot() + [f"n{i}" for i in range(FILES)]:
            self.put(name, body_of(name))
        self.fresh, self.editions, self.turns = (itertools.count()
                                                 for _ in range(3))

    @classmethod
    def of(cls, kind, more="", **options):
        stand = cls(kind.url(**options), kind.store, more, kind)
        if kind.way == "name":
            stand.httpd.env = {
                "LD_PRELOAD": str(BUILD / "tests/faults/fault_names.so"),
                "FAULT_NAMES": str(stand.names)}
            stand.name_is("127.0.0.1")
        return stand

    @staticmethod
    def hot():
        return [f"h{i}" for i in range(HOT)] + [f"v{i}" for i in range(VARIED)]

    def __enter__(self):
        self.httpd.start()
        return self

    def __exit__(self, *details):
        # what a store's faults make httpd log is not a failure of the test
        self.httpd.log.allow("FC0")
        self.httpd.__exit__(*details)

    def restart(self):
        self.httpd.log.allow("FC0")
        self.httpd.stop()
        self.httpd.start()

    # ---- the origin

    def put(self, name, body):
        self.httpd.file(name, body)
        self.bodies[name] = body

    def edit(self, name):
        """Another body for it."""
        self.put(name, body_of(f"{name}, edition {next(self.editions)}"))

    def name_is(self, text):
        """What names.c says of the store's: an address, "fail" or "hang"."""
        new = self.names.with_suffix(".new")
        new.write_text(text, encoding="ascii")
        os.rename(new, self.names)

    # ---- clients

    def connect(self):
        """A connection that leaves no port waiting when it is closed: there are
        more of them than ports."""
        connection = self.httpd.connect()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))
        return connection

    def ask(self, connection, target, tally, times, method="GET"):
        """False when the connection is of no use any more."""
        name = target.split("/", 2)[2]
        headers = {"Accept-Language": LANGUAGES[next(self.turns) % 2]}
        start = time.monotonic()
        try:
            answer = connection.request(target, method, headers)
        except (Closed, OSError) as error:
            answer = error
        ms = (time.monotonic() - start) * 1000
        tally.add(target, answer, self.bodies[name], times, ms)
        return not isinstance(answer, Exception)

    def read(self, load):
        """A hot and a new path, on one connection; the same past the cache."""
        tally = load.tally
        hot = itertools.cycle(self.hot())
        for i in itertools.count():
            if load.over.is_set():
                return
            pair = (next(hot), self.new_name())[::1 if i % 2 else -1]
            for side in ("on", "off"):
                with self.connect() as connection:
                    for name, times in zip(pair, (tally.own, tally.behind)):
                        if not self.ask(connection, f"/{side}/{name}", tally,
                                        times):
                            break

    def write(self, load):
        """Something is changed: who wrote it does not see what was before."""
        tally = load.tally
        for i in itertools.count():
            name = f"w{i % WRITTEN}"
            self.edit(name)
            for side in ("on", "off"):
                with self.connect() as connection:
                    self.ask(connection, f"/{side}/{name}", tally,
                             tally.writes, "POST")
                    self.ask(connection, f"/{side}/{name}", tally, tally.behind)
            if load.over.wait(0.1):
                return

    def new_name(self):
        return f"n{next(self.fresh) % FILES}"

    def load(self, seconds, readers=2, writers=1):
        """What came of so many clients in that time."""
        load = Load(self, readers, writers)
        time.sleep(seconds)
        return load.end()

    # ---- what is the matter

    def is_warm(self):
        """All hot paths are hits, in all languages, and the store is asked."""
        with self.connect() as connection:
            return all(connection.request(
                f"/on/{hot}", headers={"Accept-Language": language}
                ).cache == "HIT" for hot in self.hot()
                for language in LANGUAGES) and not self.is_open()

    def is_open(self):
        """The breaker: open, or just being tried."""
        text = self.httpd.get("/server-status?auto").body.decode()
        return re.search(r"^FCache-far-Breaker: (\d)", text, re.M)[1] != "0"

    def is_well(self):
        """What is new is stored and found again, and the breaker is closed."""
        target = f"/on/{self.new_name()}"
        self.httpd.get(target)
        for _ in range(3):  # it is stored after it was sent
            if self.httpd.get(target).cache == "HIT" and not self.is_open():
                return True
            time.sleep(0.005)
        return False

    def outdated(self):
        """What was written, and is not what is served now."""
        names = [name for name in self.bodies if name.startswith("w")]
        return [name for name in names
                if self.httpd.get(f"/on/{name}").body != self.bodies[name]]

    # ---- a cell

    def measure(self, fault):
        """One measurement; the fault begins while clients are asking."""
        wait_for(self.is_warm, "the hot paths are hits")
        fault.prepare(self)
        load = Load(self, readers=2, writers=1)
        try:
            time.sleep(0.1)
            fault.begin(self)
            time.sleep(fault.seconds)
            open_s = seconds_until(self.is_open) if fault.opens else 0
            during = load.end()
            was_open = not fault.works and self.is_open()
            after = self.load(0.4, readers=1, writers=0)
            hit_s = seconds_until(lambda: after.hits or self.load(
                0.2, readers=1, writers=0).hits) if fault.works else 0
        finally:
            load.end()
            fault.end(self)
            self.kind.link.heal()
        back_s = seconds_until(self.is_well)
        return Cell(during, after, was_open, open_s, hit_s, back_s,
                    self.outdated())
