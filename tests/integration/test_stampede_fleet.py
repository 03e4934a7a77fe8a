# SPDX-License-Identifier: Apache-2.0
"""Two servers with one remote store: of all who ask both for the same, one asks
the origin."""
import os
import signal
import time

import pytest
import servers as real

from harness.client import Closed, request_bytes
from harness.errorlog import FULL
from harness.httpd import Httpd
from harness.origin import Origin, counting, ok
from test_stampede import MANY, SOME, Crowd, Gate, child_of, crowd

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ServerName api.example
ProxyPass / {origin}/ retry=0
SetEnv proxy-nokeepalive 1
FCacheBackend far {store}
FCacheEnable on
FCacheStore far
FCacheLock on wait=10s lease=20s
<Location /brief>
    FCacheLock on wait=300ms lease=2m
</Location>
<Location /patient>
    FCacheLock on wait=60s lease=2m
</Location>
<Location /lease>
    FCacheLock on wait=10s lease=1s
</Location>
"""
KINDS = ("redis", "memcached", "dynamodb")


@pytest.fixture(scope="module", name="store", params=KINDS)
def start_store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with real.start(request.param, folder) as url:
        yield url


@pytest.fixture(name="pair")
def start_pair(mpm, store):
    """Two servers and an origin, with no connections yet."""
    scripted = Origin()
    scripted.on("/met/*", ok())
    names = {"origin": f"http://127.0.0.1:{scripted.port}", "store": store}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as one:
        with Httpd(CONF, mpm, names=names, **OPTIONS) as two:
            for server in (one, two):
                server.log.allow(*FULL)
                for number in range(2):  # they know the store's clock then
                    server.get(f"/met/{server.port}/{number}")
            yield one, two, scripted
    scripted.stop()


def test_one_asks_for_all(pair, path, store):
    one, two, origin = pair
    # what stands for DynamoDB here hangs up on more connections than that
    count = SOME if store.startswith("dynamodb") else MANY
    origin.on(path, counting(delay=1))
    answers = crowd([(one.port, path), (two.port, path)], count)
    assert origin.count(path) == 1
    assert {(a.status, a.body) for a in answers} == {(200, b"body 1")}
    assert len(answers) == count


def test_nobody_waits_for_what_is_not_stored(pair, path):
    one, two, origin = pair
    path = "/patient" + path
    gate = Gate(ok("x", cc="no-store"))
    origin.on(path, ok("x", cc="no-store"), gate)
    one.get(path)
    started = Crowd([(one.port, path), (two.port, path)], SOME)
    real.wait_for(lambda: gate.inside == SOME, "all of them")
    gate.open()
    assert {a.cache for a in started.result()} == {"MISS"}


def test_waiting_is_bounded(pair, path):
    one, two, origin = pair
    path = "/brief" + path
    gate = Gate(ok("hello"))
    origin.on(path, gate)
    started = [Crowd([(server.port, path)], 2) for server in (one, two)]
    real.wait_for(lambda: gate.inside == 4, "all of them")
    gate.open()
    for each in started:
        assert {a.body for a in each.result()} == {b"hello"}


def shot(pair, path, kill):
    """The followers' bodies after the leader on the first host was."""
    one, two, origin = pair
    one.log.allow("AH00051", "AH00052", "AH00045", "AH00046")
    gate = Gate(ok("late"))
    origin.on(path, gate, ok("soon"))
    leader = one.connect()
    leader.send(request_bytes(path))
    real.wait_for(lambda: gate.inside, "the leader")
    others = [two.connect() for _ in range(SOME)]
    for each in others:
        each.send(request_bytes(path, headers=[("Connection", "close")]))
    time.sleep(0.5)
    kill(one, origin)
    bodies = set()
    for each in others:
        with each:
            try:
                bodies.add(each.read().body)
            except Closed:
                bodies.add(None)
    gate.open()
    leader.close()
    return bodies


def test_a_leader_that_is_shot(pair, path):
    def kill(server, origin):
        os.kill(child_of(server, origin.port), signal.SIGKILL)
    assert shot(pair, path, kill) == {b"soon"}
    assert pair[2].count(path) == 2


def test_a_leader_that_hangs(pair, path):
    """As one on another machine that is dead: its lease ends."""
    path = "/lease" + path
    stopped = []

    def kill(server, origin):
        stopped.append(child_of(server, origin.port))
        os.kill(stopped[0], signal.SIGSTOP)
    try:
        assert shot(pair, path, kill) == {b"soon"}
        assert pair[2].count(path) == 2
    finally:
        os.kill(stopped[0], signal.SIGCONT)
