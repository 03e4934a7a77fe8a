# SPDX-License-Identifier: Apache-2.0
"""Answers that vary take several gets of a store: all of them together have the
time of one look-up. A reply takes 0.6 of that here."""
import pytest

import kinds
from harness.httpd import Httpd
from harness.origin import Origin, ok
from servers import wait_for

LOOKUP_S = 2
OPTIONS = {"lookup": f"{LOOKUP_S}s", "read": "5s", "connect": "5s",
           "store": "10s", "failures": 1000, "wait": "1s"}
TUNING = ("ServerLimit 1\nStartServers 1\nThreadsPerChild 2\nThreadLimit 2\n"
          "MaxRequestWorkers 2\nMinSpareThreads 1\nMaxSpareThreads 2")
CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend far "{url}"
FCacheStore far
FCacheEnable on
FCacheLock off
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
    origin.on("/plain", ok("plain"))
    origin.on("/varied", ok("varied", ("Vary", "X-Kind")))
    origin.on("/spoken", ok("spoken", ("Vary", "Accept-Language"),
                            ("Content-Language", "de")))
    with Httpd(CONF, "event", names=names, tuning=TUNING) as one:
        yield one


def test_all_gets_of_a_look_up_end_together(store, server):
    targets = ["/plain", "/varied", "/spoken"]

    def ask():
        answers = [server.get(target, DE) for target in targets]
        assert [(a.status, a.body.decode()) for a in answers] == \
            [(200, target[1:]) for target in targets]
        return [answer.cache for answer in answers]
    wait_for(lambda: ask() == ["HIT"] * 3, "hits")
    store.link.delay = 0.6 * LOOKUP_S
    try:
        assert ask() == ["HIT", "MISS", "MISS"]
    finally:
        store.link.delay = 0
    wait_for(lambda: ask() == ["HIT"] * 3, "hits again")
