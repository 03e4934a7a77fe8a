# SPDX-License-Identifier: Apache-2.0
"""Answers that vary take several gets of a store, and a miss takes a lock and looks
again: all of that together has the time of one look-up. What does not vary is
stored without another."""
import re

import pytest

import kinds
from harness.httpd import Httpd
from harness.origin import Origin, ok
from servers import wait_for

LOOKUP_S = 4
OPTIONS = {"lookup": f"{LOOKUP_S}s", "read": "5s", "connect": "5s",
           "store": "10s", "failures": 1000, "wait": "1s"}
TUNING = ("ServerLimit 1\nStartServers 1\nThreadsPerChild 2\nThreadLimit 2\n"
          "MaxRequestWorkers 2\nMinSpareThreads 1\nMaxSpareThreads 2")
CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend far "{url}"
FCacheStore far
FCacheEnable on
<Location /alone>
    FCacheLock off
</Location>
"""
DE = {"Accept-Language": "de"}


@pytest.fixture(scope="module", name="store", params=[
    name for name, kind in kinds.KINDS.items() if not kind.answers_near])
def start_store(request, tmp_path_factory):
    with kinds.started(request.param, tmp_path_factory.mktemp("s")) as kind:
        yield kind


@pytest.fixture(scope="module", name="origin")
def start_origin():
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture(name="server")
def start_server(store, origin):
    names = {"url": store.url(**OPTIONS),
             "origin": f"http://127.0.0.1:{origin.port}"}
    origin.on("/alone/plain", ok("plain"))
    origin.on("/alone/varied", ok("varied", ("Vary", "X-Kind")))
    origin.on("/alone/spoken", ok("spoken", ("Vary", "Accept-Language"),
                                  ("Content-Language", "de")))
    with Httpd(CONF, "event", names=names, tuning=TUNING) as one:
        yield one


def test_all_gets_of_a_look_up_end_together(store, server):
    targets = ["/alone/plain", "/alone/varied", "/alone/spoken"]

    def ask():
        answers = [server.get(target, DE) for target in targets]
        assert [(a.status, a.body.decode()) for a in answers] == \
            [(200, target.rpartition("/")[2]) for target in targets]
        return [answer.cache for answer in answers]
    wait_for(lambda: ask() == ["HIT"] * 3, "hits")
    store.link.delay = 0.6 * LOOKUP_S
    try:
        assert ask() == ["HIT", "MISS", "MISS"]
    finally:
        store.link.delay = 0
    wait_for(lambda: ask() == ["HIT"] * 3, "hits again")


def test_a_miss_asks_no_longer_than_a_look_up(store, server, origin):
    """By how often it asks before the origin is."""
    def asked(target, late):
        requests, before = [], []

        def note(request):
            requests.append(request)
            return request

        def answer(_):
            before.append(len(requests))
            return ok("lone")
        origin.on(target, answer)
        store.link.edit, store.link.delay = note, late
        try:
            got = server.get(target)
        finally:
            store.link.edit, store.link.delay = None, 0
        assert (got.status, got.cache, got.body) == (200, "MISS", b"lone")
        return before[0]
    assert server.get("/alone/plain").status == 200  # connected
    assert asked("/late", 0.6 * LOOKUP_S) < asked("/soon", 0.25 * LOOKUP_S)


@pytest.mark.parametrize("vary, looks", [((), 1), ((("Vary", "X-Kind"),), 2)],
                         ids=("plain", "varied"))
def test_what_does_not_vary_is_put_at_once(store, server, origin, vary, looks):
    """By how often it is looked up before anything is written under its name."""
    target = f"/alone/new/{looks}"
    origin.on(target, ok("new", *vary))
    requests = []

    def note(request):
        requests.append(request)
        return request

    def are_looks():
        first = next(request for request in requests if store.reads(request))
        name = re.search(rb"fcache:[\w:-]+", first)[0]
        return [store.reads(request) for request in requests if name in request]
    wait_for(lambda: server.get("/alone/plain").cache == "HIT", "a connection")
    store.link.edit = note
    try:
        assert server.get(target).cache == "MISS"
        wait_for(lambda: False in are_looks(), "it is stored")
    finally:
        store.link.edit = None
    assert are_looks().index(False) == looks
