# SPDX-License-Identifier: Apache-2.0
"""Many ask for the same at once: one of them asks the origin."""
import collections
import os
import signal
import threading
import time

import pytest
from servers import wait_for

from harness.client import Closed, Connection, request_bytes
from harness.errorlog import FULL
from harness.httpd import Httpd
from harness.origin import Origin, Reply, counting, ok

MPMS = ("event", "worker", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ProxyPass /refused http://127.0.0.1:{port3}/ retry=0
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheLock on wait=10s lease=20s
<Location /default>
    FCacheLock on
</Location>
<Location /brief>
    FCacheLock on wait=300ms lease=2m
</Location>
<Location /lease>
    FCacheLock on wait=60s lease=300ms
</Location>
<Location /patient>
    FCacheLock on wait=60s lease=2m
</Location>
<Location /off>
    FCacheLock off
</Location>
<Location /bypassed>
    FCacheEnable off
</Location>
"""
MANY = 500
SOME = 24  # fewer than all workers of any MPM here
MOST_CHILDREN = 4  # of the MPMs that have threads


def crowd(targets, count=MANY, headers=lambda number: ()):
    """All have connected before the first asks. `targets`: (port, path) in
    turn."""
    people = []
    try:
        for number in range(count):
            port, path = targets[number % len(targets)]
            people.append((Connection(port, timeout=30), path, number))
        for connection, path, number in people:
            fields = [("Connection", "close"), *headers(number)]
            connection.send(request_bytes(path, headers=fields))
        return [connection.read() for connection, _, _ in people]
    finally:
        for connection, _, _ in people:
            connection.close()


class Crowd(threading.Thread):
    """One that waits behind the test."""

    def __init__(self, *args, **knobs):
        super().__init__()
        self.args, self.knobs, self.answers = args, knobs, None
        self.start()

    def run(self):
        self.answers = crowd(*self.args, **self.knobs)

    def result(self):
        self.join(60)
        assert self.answers is not None, "it never came back"
        return self.answers


class Gate:
    """Answers that wait for the test; counts those that do."""

    def __init__(self, answer):
        self.answer, self.event = answer, threading.Event()
        self.inside = 0

    def __call__(self, request):
        self.inside += 1
        self.event.wait(30)
        return self.answer(request) if callable(self.answer) else self.answer

    def open(self):
        self.event.set()


def settled(origin, path):
    """How many have asked the origin when no more come."""
    before = -1
    while origin.count(path) != before:
        before = origin.count(path)
        time.sleep(0.4)
    return before


# Seconds that an answer is fresh: what is stale at once is not waited for, and Date
# and a busy machine make it older by up to two.
FRESH_S = 3


def expire():
    time.sleep(FRESH_S + 0.1)


def verdicts(answers):
    return collections.Counter(answer.cache for answer in answers)


@pytest.mark.parametrize("where", ["", "/default"])
def test_one_asks_for_all(httpd, origin, path, where):
    httpd.log.allow(*FULL)
    path = where + path
    origin.on(path, counting(delay=1))
    answers = crowd([(httpd.port, path)])
    assert origin.count(path) == 1
    assert {(a.status, a.body) for a in answers} == {(200, b"body 1")}
    assert verdicts(answers) == {"MISS": 1, "HIT": MANY - 1}
    told = [a.get("Cache-Status") for a in answers]
    collapsed = [t for t in told if "collapsed" in t]
    assert collapsed
    for text in collapsed:
        assert text.startswith("mod_fcache; fwd=uri-miss; ttl=")
        assert text.endswith("; collapsed; detail=collapsed")


def test_those_who_waited_say_so(mpm, origin, path):
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names, tuning=few(mpm), **OPTIONS) as server:
        started = Crowd([(server.port, path)], 8)
        wait_for(lambda: gate.inside, "the first")
        time.sleep(0.5)
        gate.open()
        told = [a.get("Cache-Status") for a in started.result()]
    assert sum("; collapsed;" in text for text in told) == 7, told


def test_one_revalidates_for_all(httpd, origin, path):
    old = ok("old", ("ETag", '"1"'), cc=f"max-age={FRESH_S}")
    confirmed = Reply(304, (("ETag", '"1"'), ("Cache-Control", "max-age=60")),
                      framing="none", delay=0.5)
    origin.on(path, old, confirmed)
    assert httpd.get(path).cache == "MISS"
    expire()
    answers = crowd([(httpd.port, path)], SOME)
    assert origin.count(path) == 2
    assert {(a.status, a.body) for a in answers} == {(200, b"old")}
    assert verdicts(answers) == {"REVALIDATED": 1, "HIT": SOME - 1}


def test_each_variant_has_its_own(httpd, origin, path):
    path = "/patient" + path
    first = ok("it", ("Vary", "Accept-Language"))
    gate = Gate(lambda r: ok(r.get("Accept-Language"),
                             ("Vary", "Accept-Language")))
    origin.on(path, first, gate)
    httpd.get(path, [("Accept-Language", "it")])
    words = ("de", "en", "fr")
    started = Crowd([(httpd.port, path)], SOME, lambda n:
                    [("Accept-Language", words[n % 3])])
    wait_for(lambda: gate.inside == 3, "one for each")
    assert settled(origin, path) == 4
    gate.open()
    for number, answer in enumerate(started.result()):
        assert answer.body == words[number % 3].encode()
    assert origin.count(path) == 4


def test_private_answers_are_shared_with_nobody(httpd, origin, path):
    httpd.log.allow(*FULL)
    gate = Gate(lambda r: ok(r.get("Cookie"), cc="private, max-age=60"))
    origin.on(path, gate)
    started = Crowd([(httpd.port, path)], 100, lambda n:
                    [("Cookie", f"user={n}")])
    wait_for(lambda: gate.inside, "the first")
    gate.open()
    for number, answer in enumerate(started.result()):
        assert answer.body == f"user={number}".encode()
        assert answer.cache == "MISS"
    assert origin.count(path) == 100


def test_uncacheable_answers_are_not_queued_for(httpd, origin, path):
    """Once that is known as many ask at the same time as without a cache."""
    inside = {}
    for where in ("/bypassed", "/patient"):
        target = where + path
        gate = Gate(ok("x", cc="no-store"))
        origin.on(target, ok("x", cc="no-store"), gate)
        httpd.get(target)
        started = Crowd([(httpd.port, target)], SOME)
        wait_for(lambda at=gate: at.inside == SOME, "all of them")
        inside[where] = gate.inside
        gate.open()
        assert verdicts(started.result()) == {
            None if where == "/bypassed" else "MISS": SOME}
    assert inside["/patient"] == inside["/bypassed"]


def test_the_first_to_know_frees_all_others(httpd, origin, path):
    """Already the head of an answer tells that it is not stored."""
    path = "/patient" + path
    head = Gate(ok("x" * 10, cc="no-store", pace=(1, 0.5)))
    rest = Gate(ok("y", cc="no-store"))
    origin.on(path, head, rest)
    started = Crowd([(httpd.port, path)], SOME)
    wait_for(lambda: head.inside, "the first")
    head.open()
    wait_for(lambda: rest.inside == SOME - 1, "all others")
    rest.open()
    started.result()


def test_what_is_storable_after_all_is_queued_for_again(httpd, origin, path):
    gate = Gate(ok("new"))
    origin.on(path, ok("x", cc="no-store"), ok("y", cc=f"max-age={FRESH_S}"),
              gate)
    assert httpd.get(path).cache == "MISS"
    assert httpd.get(path).body == b"y"
    expire()
    started = Crowd([(httpd.port, path)], SOME)
    wait_for(lambda: gate.inside, "the first")
    assert settled(origin, path) == 3
    gate.open()
    assert {a.body for a in started.result()} == {b"new"}


@pytest.mark.parametrize("status", [500, 503])
def test_failures_are_tried_again_one_by_one(httpd, origin, path, status):
    lock, now, most = threading.Lock(), [0], [0]

    def fail(request):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return Reply(status, body=b"sorry")

    origin.on(path, fail)
    answers = crowd([(httpd.port, path)], SOME)
    assert {a.status for a in answers} == {status}
    assert origin.count(path) == SOME
    # the next may ask before the last one's answer is out
    assert most[0] <= 2


def test_a_refused_origin_frees_all_at_once(httpd, origin, path):
    httpd.log.allow("AH00957", "AH01114", "AH00959")
    start = time.monotonic()
    answers = crowd([(httpd.port, "/refused" + path)], SOME)
    assert {a.status for a in answers} == {503}
    assert time.monotonic() - start < 5  # ten seconds is how long they wait


@pytest.mark.parametrize("said,wished", [
    (", stale-if-error=600", ()),
    ("", [("Cache-Control", "stale-if-error=600")])])
def test_what_is_stale_serves_when_the_leader_failed(httpd, origin, path, mpm,
                                                     said, wished):
    gate = Gate(Reply(503, body=b"sorry"))
    origin.on(path, ok("old", ("ETag", '"v"'), cc=f"max-age={FRESH_S}{said}"),
              gate)
    httpd.get(path)
    expire()
    started = Crowd([(httpd.port, path)], SOME, lambda n: wished)
    wait_for(lambda: gate.inside, "the first")
    assert settled(origin, path) == 2
    gate.open()
    answers = started.result()
    assert {(a.status, a.body) for a in answers} == {(200, b"old")}
    assert verdicts(answers) == {"STALE": SOME}
    if mpm != "prefork":  # one of each process at most has asked
        assert origin.count(path) <= 1 + MOST_CHILDREN
    assert all(a.age >= 1 for a in answers)


def test_a_part_is_not_the_whole_when_the_leader_failed(mpm, origin, path):
    """T10: also while it is fresh."""
    part = Reply(206, (("Content-Range", "bytes 0-1/10"),
                       ("Cache-Control", "max-age=60, stale-if-error=600")),
                 b"01")
    gate = Gate(Reply(503, body=b"sorry"))
    origin.on(path, part, gate)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names, tuning=few(mpm), **OPTIONS) as server:
        wanted = [("Range", "bytes=0-1")]
        assert [server.get(path, wanted).cache for _ in range(2)] == [
            "MISS", "HIT"]
        started = Crowd([(server.port, path)], 8)
        wait_for(lambda: gate.inside, "the first")
        assert settled(origin, path) == 2
        gate.open()
        assert {(a.status, a.body) for a in started.result()} == {
            (503, b"sorry")}


@pytest.mark.parametrize("wish", ["max-age=1000", "min-fresh=0"])
def test_who_wants_it_fresh_waits_for_that(httpd, origin, path, wish):
    """Also for what others are served while it is refreshed."""
    path = "/patient" + path
    gate = Gate(ok("new"))
    origin.on(path, ok("old", cc=f"max-age={FRESH_S}, "
                       "stale-while-revalidate=600"), gate)
    httpd.get(path)
    expire()
    started = Crowd([(httpd.port, path)], 8, lambda n:
                    [("Cache-Control", wish)])
    wait_for(lambda: gate.inside, "the first")
    assert settled(origin, path) == 2
    gate.open()
    assert {a.body for a in started.result()} == {b"new"}


def test_a_client_that_has_it_leads_for_all(httpd, origin, path):
    """Its own condition is not the others': the origin is asked for the whole,
    and who has that already is told so."""
    path = "/patient" + path
    gate = Gate(lambda r: Reply(304, (("ETag", '"v"'),), framing="none")
                if r.get("If-None-Match") else ok("hello", ("ETag", '"v"')))
    origin.on(path, gate)
    has = [("If-None-Match", '"v"')]
    leader = Crowd([(httpd.port, path)], 1, lambda n: has)
    wait_for(lambda: gate.inside, "the first")
    started = Crowd([(httpd.port, path)], SOME, lambda n: has if n % 2 else ())
    assert settled(origin, path) == 1
    gate.open()
    told = [(a.status, a.body) for a in leader.result() + started.result()]
    assert told == [(304, b"")] + [(200, b"hello"), (304, b"")] * (SOME // 2)
    assert origin.count(path) == 1


def test_what_is_not_stored_is_asked_for_once_without_conditions(httpd, origin,
                                                                 path):
    origin.on(path, lambda r: Reply(304, (("ETag", '"v"'),), framing="none")
              if r.get("If-None-Match") else
              ok("hello", ("ETag", '"v"'), cc="no-store"))
    has = {"If-None-Match": '"v"'}
    assert [httpd.get(path, has).status for _ in range(3)] == [200, 304, 304]


@pytest.mark.parametrize("name,value", [
    ("If-Match", '"w"'),
    ("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")])
def test_who_may_be_refused_leads_nobody(httpd, origin, path, name, value):
    path = "/patient" + path
    refused = Gate(Reply(412, body=b"no"))
    gate = Gate(ok("hello"))
    origin.on(path, lambda r: (refused if r.get(name) else gate)(r))
    alone = Crowd([(httpd.port, path)], 1, lambda n: [(name, value)])
    wait_for(lambda: refused.inside, "who asks alone")
    started = Crowd([(httpd.port, path)], SOME)
    wait_for(lambda: gate.inside, "the first")
    refused.open()
    assert [a.status for a in alone.result()] == [412]
    assert settled(origin, path) == 2
    gate.open()
    assert {a.body for a in started.result()} == {b"hello"}


def test_followers_that_leave(httpd, origin, path):
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    leader = Crowd([(httpd.port, path)], 1)
    wait_for(lambda: gate.inside, "the first")
    for _ in range(8):
        with httpd.connect() as gone:
            gone.send(request_bytes(path))
    followers = Crowd([(httpd.port, path)], 8)
    gate.open()
    assert {a.body for a in leader.result() + followers.result()} == {b"hello"}
    assert origin.count(path) == 1


def test_a_leader_whose_client_leaves(httpd, origin, path):
    """What has a length is stored all the same; else the next one leads."""
    for number, framing in enumerate(("length", "chunked")):
        target = f"{path}/{number}"
        gate = Gate(ok("x" * 200000, framing=framing))
        origin.on(target, gate)
        leader = httpd.connect()
        leader.send(request_bytes(target))
        wait_for(lambda at=gate: at.inside, "the first")
        followers = Crowd([(httpd.port, target)], 8)
        leader.close()
        gate.open()
        assert {a.body for a in followers.result()} == {b"x" * 200000}
        assert origin.count(target) <= 2


def test_an_answer_that_breaks_off_frees_the_next(httpd, origin, path):
    httpd.log.allow("AH01110", "FC0102", "AH03408", "AH01068", "AH02609")
    broken = ok("x" * 1000, cut=500, delay=0.3)
    origin.on(path, broken, ok("whole"))
    people = [httpd.connect() for _ in range(8)]
    for each in people:
        each.send(request_bytes(path))
    bodies = collections.Counter()
    for each in people:
        with each:
            try:
                bodies[each.read().body] += 1
            except Closed:
                bodies["broken"] += 1
    assert bodies[b"whole"] >= 7
    assert origin.count(path) == 2


def test_off(httpd, origin, path):
    path = "/off" + path
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    started = Crowd([(httpd.port, path)], SOME)
    wait_for(lambda: gate.inside == SOME, "all of them")
    gate.open()
    assert verdicts(started.result()) == {"MISS": SOME}


def test_waiting_is_bounded(httpd, origin, path):
    path = "/brief" + path
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    started = Crowd([(httpd.port, path)], 4)
    wait_for(lambda: gate.inside == 4, "all of them")
    gate.open()
    assert verdicts(started.result()) == {"MISS": 4}


def hang(httpd, origin, path):
    path = "/lease" + path
    hung = Gate(ok("late"))
    origin.on(path, hung, ok("soon"))
    started = Crowd([(httpd.port, path)], 8)
    wait_for(lambda: origin.count(path) == 2, "the second")
    assert httpd.get(path).body == b"soon"
    hung.open()
    assert {a.body for a in started.result()} == {b"late", b"soon"}
    assert origin.count(path) == 2


def test_a_leader_that_hangs_loses_its_lease(httpd, origin, path):
    hang(httpd, origin, path)


def test_within_one_process_too(mpm, origin, path):
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names, tuning=few(mpm), **OPTIONS) as server:
        hang(server, origin, path)


def few(mpm):
    """16 workers, all of one process where processes have more than one."""
    if mpm == "prefork":
        return "ServerLimit 16\nStartServers 16\nMinSpareServers 1\n" \
            "MaxSpareServers 16\nMaxRequestWorkers 16"
    return "ServerLimit 1\nStartServers 1\nThreadsPerChild 16\n" \
        "MaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16"


@pytest.fixture(name="quiet")
def start_quiet(mpm):
    """A server and an origin that have no connection yet."""
    scripted = Origin()
    names = {"origin": f"http://127.0.0.1:{scripted.port}"}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as server:
        yield server, scripted
    scripted.stop()


def test_a_leader_that_is_shot_frees_all(quiet, path):
    """Before its lease of 20 s, by whoever sees that it is dead."""
    httpd, origin = quiet
    httpd.log.allow("AH00051", "AH00052")
    gate = Gate(ok("late"))
    origin.on(path, gate, ok("soon"))
    people = [httpd.connect() for _ in range(SOME)]
    people[0].send(request_bytes(path, headers=[("Connection", "close")]))
    wait_for(lambda: gate.inside, "the leader")
    for each in people[1:]:
        each.send(request_bytes(path, headers=[("Connection", "close")]))
    time.sleep(0.5)
    assert origin.count(path) == 1
    os.kill(child_of(httpd, origin.port), signal.SIGKILL)
    bodies = collections.Counter()
    for each in people:
        with each:
            try:
                bodies[each.read().body] += 1
            except Closed:
                bodies["its own"] += 1
    gate.open()
    assert origin.count(path) == 2
    assert set(bodies) <= {b"soon", "its own"}
    assert bodies["its own"] <= 16  # the threads of its child


def child_of(httpd, port):
    """The child with a connection to that port."""
    wanted = f":{port:04X}"
    nodes = set()
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.read().splitlines()[1:]:
            words = line.split()
            if words[2].endswith(wanted) and words[3] == "01":
                nodes.add(f"socket:[{words[9]}]")
    for pid in httpd.children():
        for link in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{link}") in nodes:
                    return pid
            except OSError:
                continue
    raise AssertionError("no child asks the origin")


def test_a_quarter_of_the_workers_waits_for_what_drags(mpm, origin, path):
    conf = CONF.replace("wait=10s", "wait=3s")
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(conf, mpm, names=names, tuning=few(mpm), **OPTIONS) as server:
        leader = Crowd([(server.port, path)], 1)
        wait_for(lambda: gate.inside, "the leader")
        time.sleep(3.1)  # it drags
        server.log.allow(*FULL)
        others = Crowd([(server.port, path)], 15)
        wait_for(lambda: gate.inside >= 12, "those who do not wait", 2.5)
        gate.open()
        answers = leader.result() + others.result()
        assert {a.body for a in answers} == {b"hello"}


def test_a_graceful_restart_lets_them_finish(mpm, origin, path):
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as server:
        started = Crowd([(server.port, path)], 8)
        wait_for(lambda: gate.inside, "the first")
        time.sleep(0.3)
        server.graceful()
        later = Crowd([(server.port, path)], 8)
        time.sleep(0.3)
        gate.open()
        answers = started.result() + later.result()
        assert {(a.status, a.body) for a in answers} == {(200, b"hello")}
        assert origin.count(path) == 1
        assert server.stats()["pins"] == 0


def test_stopping_does_not_wait_for_them(mpm, origin, path):
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    people = []
    with Httpd(CONF, mpm, names=names, **OPTIONS) as server:
        server.log.allow("AH00045", "AH00046")
        for _ in range(8):
            people.append(server.connect())
            people[-1].send(request_bytes(path))
        wait_for(lambda: gate.inside, "the first")
    gate.open()
    for each in people:
        each.close()


def test_hits_leave_no_lock(httpd, origin, path):
    origin.on(path, counting())
    httpd.get(path)
    before = httpd.stats()
    for _ in range(10):
        assert httpd.get(path).cache == "HIT"
    after = httpd.stats()
    assert after["hits"] - before["hits"] == 10
    assert after["puts"] == before["puts"]
    assert after["misses"] == before["misses"]
