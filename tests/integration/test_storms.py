# SPDX-License-Identifier: Apache-2.0
"""Under load: children shot at random, and one graceful restart after the
other. No body is ever wrong, nobody pays but who was on the shot child."""
import collections
import hashlib
import itertools
import os
import random
import signal
import threading
import time

import pytest

from harness.client import Closed, Connection
from harness.errorlog import FULL
from harness.httpd import Httpd
from harness.origin import ok

OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
LogFormat "%{X-Connection}i %P" served
CustomLog "{root}/served.log" served
"""
# httpd replaces children once a second, more of them the longer it lacks some:
# it always lacks some here
TUNING = {
    "event": "ServerLimit 24\nStartServers 24\nThreadsPerChild 4\n"
             "ThreadLimit 4\nMaxRequestWorkers 96\nMinSpareThreads 92\n"
             "MaxSpareThreads 96",
    "prefork": "ServerLimit 48\nStartServers 24\nMinSpareServers 24\n"
               "MaxSpareServers 40\nMaxRequestWorkers 48",
}
KILLS = int(os.environ.get("FCACHE_KILLS", "200"))
GRACEFULS = int(os.environ.get("FCACHE_GRACEFULS", "20"))
CLIENTS = 6
PAGES = 60
# every hit and every fill must be right, so lifetimes are short for some pages
SHORT = 3

pytestmark = pytest.mark.slow


def body_of(path):
    """Made of the path alone, so that any mix-up shows; 0.1 to 100 KiB."""
    seed = hashlib.sha256(path.encode()).digest()
    size = 100 * 4 ** (seed[0] % 6)
    return (seed * (size // 32 + 1))[:size]


def page(request):
    number = int(request.path.rsplit("/", 1)[1])
    cc = "max-age=1" if number % SHORT == 0 else "max-age=600"
    return ok(body_of(request.path), cc=cc)


class Load:
    """Clients on kept connections. One that is closed before the first byte
    of an answer is asked again on a new one, as every client does (RFC 9112
    §9.3.1). What fails otherwise is written down with the name of its
    connection, by which the access log knows the child that had it."""

    def __init__(self, httpd, prefix):
        self.httpd = httpd
        self.prefix = prefix
        self.counts = collections.Counter()
        self.wrong = []
        self.failed = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,))
                        for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def run(self, number):
        chance = random.Random(number)
        target = None
        for serial in itertools.count():
            if self.stop.is_set():
                return
            try:
                connection = Connection(self.httpd.port)
            except OSError as error:
                self.failed.append((None, f"connect: {error}"))
                continue
            try:
                target = self.use(connection, f"{number}-{serial}", chance,
                                  target)
            finally:
                connection.close()

    def use(self, connection, name, chance, target):
        """Some requests; a target is handed back to be asked for again."""
        for used in range(chance.randrange(1, 60)):
            if self.stop.is_set():
                return None
            target = target or f"{self.prefix}/{chance.randrange(PAGES)}"
            try:
                answer = connection.request(
                    target, headers={"X-Connection": name})
            except (Closed, OSError) as error:
                if used and not connection.began:
                    self.counts["asked again"] += 1
                    return target
                self.failed.append((name, str(error)))
                return None
            self.counts[answer.cache] += 1
            if answer.status != 200 or answer.body != body_of(target):
                self.wrong.append((target, answer.status, len(answer.body)))
            if answer.get("Connection") == "close":
                return None
            target = None
        return None


@pytest.fixture
def stormy(mpm, origin):
    origin.on("/storm/*", page)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names, tuning=TUNING[mpm], **OPTIONS) as it:
        yield it
    origin.forget()


def unexplained(httpd, failed, shot):
    """Failures that are not on a connection of a child that was shot. One that
    broke before its first answer is on no child's record; it must at least
    have been accepted."""
    child_of = dict(line.split() for line in
                    (httpd.root / "served.log").read_text().splitlines()
                    if line.count(" ") == 1)
    return [(name, why) for name, why in failed
            if not name or int(child_of.get(name, shot[0])) not in shot]


def checked(httpd):
    code, text = httpd.fcachectl("check")
    assert code == 0, text
    return text.strip()


def test_children_are_shot(stormy, capsys):
    """200 random SIGKILLs. A request may fail only on a connection of the
    child that was shot."""
    httpd = stormy
    httpd.log.allow("AH00051", "AH00052", "AH00045", "AH00046", "AH10392",
                    *FULL)
    chance = random.Random(20)
    shot = []
    start = time.monotonic()
    with Load(httpd, "/storm/kill") as load:
        while len(shot) < KILLS and time.monotonic() - start < 90:
            shoot(httpd, chance, shot)
            time.sleep(chance.random() * 0.1)
        time.sleep(1.5)
    calm = [httpd.get(f"/storm/kill/{n}") for n in range(PAGES)]
    said = checked(httpd)
    report(capsys, f"{httpd.mpm}: {len(shot)} kills in "
           f"{time.monotonic() - start:.0f} s, {dict(load.counts)}, "
           f"{len(load.failed)} requests cut with their child, "
           f"{len(load.wrong)} wrong; check: {said}")
    assert len(shot) == KILLS
    assert load.wrong == []
    assert unexplained(httpd, load.failed, shot) == []
    assert sum(load.counts.values()) > KILLS * 5
    assert [a.body == body_of(f"/storm/kill/{n}")
            for n, a in enumerate(calm)] == [True] * PAGES
    assert httpd.stats()["pins"] == 0


def shoot(httpd, chance, shot):
    """One of at least two children."""
    children = httpd.children()
    if len(children) > 1:
        victim = chance.choice(children)
        try:
            os.kill(victim, signal.SIGKILL)
            shot.append(victim)
        except ProcessLookupError:
            pass


def test_graceful_restarts_under_load(stormy, origin, capsys):
    """20 restarts: no request fails, what was stored stays stored."""
    httpd = stormy
    httpd.log.allow(*FULL)
    for number in range(PAGES):
        httpd.get(f"/storm/keep/{number}")
    before = origin.count("/storm/keep/1")
    start = time.monotonic()
    with Load(httpd, "/storm/keep") as load:
        for _ in range(GRACEFULS):
            httpd.graceful()
            time.sleep(0.15)
    said = checked(httpd)
    report(capsys, f"{httpd.mpm}: {GRACEFULS} graceful restarts in "
           f"{time.monotonic() - start:.0f} s, {dict(load.counts)}, "
           f"{len(load.failed)} failed, {len(load.wrong)} wrong; "
           f"check: {said}")
    assert load.wrong == []
    assert load.failed == []
    assert load.counts["HIT"] > 100
    # the pages that live long were asked of the origin once, before
    assert origin.count("/storm/keep/1") == before == 1
    assert httpd.get("/storm/keep/1").cache == "HIT"


def report(capsys, line):
    with capsys.disabled():
        print("\n" + line)
