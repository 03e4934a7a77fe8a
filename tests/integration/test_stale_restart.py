# SPDX-License-Identifier: Apache-2.0
"""Refreshes that are under way when their child has to go."""
import time

import pytest

from harness.errorlog import FULL
from harness.httpd import Httpd
from harness.origin import ok

from test_stale import Gate, eventually, fill, stale

MPMS = ("event", "worker", "prefork")
CONF = """
ProxyTimeout 60
Timeout 60
ProxyPass / {origin}/ retry=0
FCacheEnable on
"""
REFRESHES = 6
NO_CGI = ("cgid", "cgi")  # whose daemon does not bear fast restarts


@pytest.fixture
def busy(mpm, origin, path):
    """A server with refreshes that wait for the origin, and the gate they wait
    at. The origin answers none of them before the test says so, or for 20 s."""
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    gate = Gate(lambda request: ok("new"))
    with Httpd(CONF, mpm, names=names, without=NO_CGI) as httpd:
        for number in range(REFRESHES):
            target = f"{path}/{number}"
            origin.on(target, stale("old"), gate)
            fill(httpd, target)
            assert httpd.get(target).cache == "STALE"
        eventually(lambda: origin.count(path + "/*") == 2 * REFRESHES)
        yield httpd, gate, path
        gate.open()


def gone(httpd, children):
    return not set(children) & set(httpd.children())


def test_a_graceful_restart_cuts_them_short(busy, mpm):
    """The children of before end long before the origin would have answered;
    with prefork a child that refreshes waits for it as for a client's."""
    httpd, gate, path = busy
    httpd.log.allow("proxy:error", "proxy_http:error")
    before = httpd.children()
    httpd.graceful()
    for number in range(REFRESHES):
        assert httpd.get(f"{path}/{number}").body == b"old"
    if mpm == "prefork":
        gate.open()
    started = time.monotonic()
    eventually(lambda: gone(httpd, before))
    assert time.monotonic() - started < 15
    gate.open()
    eventually(lambda: all(httpd.get(f"{path}/{n}").cache == "HIT"
                           for n in range(REFRESHES)))


def test_a_stop_does_not_wait_for_them(busy):
    """httpd kills a child that will not go, and says so in its log."""
    httpd, _, _ = busy
    httpd.log.allow("proxy:error", "proxy_http:error")
    httpd.stop()
    assert httpd.process.returncode == 0


def test_restarts_while_stale_answers_go_out(mpm, origin, path):
    """No crash, no error, and everything fresh at the end."""
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    targets = [f"{path}/{number}" for number in range(12)]
    with Httpd(CONF, mpm, names=names, without=NO_CGI) as httpd:
        # and, when generations follow fast, no room for the next at once
        httpd.log.allow("proxy:error", "proxy_http:error", *FULL)
        for target in targets:
            origin.on(target, stale("old"), stale("old", delay=0.05),
                      stale("old", delay=0.05), ok("new"))
            fill(httpd, target)
        for _ in range(8):
            for target in targets:
                assert httpd.get(target).body in (b"old", b"new")
            httpd.graceful()
        eventually(lambda: {httpd.get(t).body for t in targets} == {b"new"})
        assert httpd.fcachectl("check")[0] == 0
        assert httpd.stats()["pins"] == 0
