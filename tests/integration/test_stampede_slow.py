# SPDX-License-Identifier: Apache-2.0
"""A store that takes its time to answer: the others wait already when the first
of them gets the lock."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from faults.link import Link
from servers import PATIENT, free_ports, redis, wait_for

from harness.httpd import Httpd
from harness.origin import ok
from test_stampede import Crowd, Gate, few

MPMS = ("event", "worker")
CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend default {store}
FCacheEnable on
FCacheLock on wait=60s lease=1s
"""
MANY = 8


@pytest.fixture(name="slow")
def start_slow(mpm, origin, tmp_path):
    """One process, whose connections to the store are open."""
    port, = free_ports(1)
    with redis.server(tmp_path, port):
        link = Link(port)
        names = {"origin": f"http://127.0.0.1:{origin.port}",
                 "store": f"redis://127.0.0.1:{link.port}?{PATIENT}"}
        with Httpd(CONF, mpm, names=names, tuning=few(mpm)) as server:
            origin.on("/met/*", ok())
            with ThreadPoolExecutor(MANY) as pool:
                list(pool.map(server.get, [f"/met/{i}" for i in range(MANY)]))
            yield server, link
        link.stop()


def test_a_leader_that_hangs_loses_its_lease(slow, origin, path):
    server, link = slow
    hung = Gate(ok("late"))
    origin.on(path, hung, ok("soon"))
    link.delay = 0.3
    started = Crowd([(server.port, path)], MANY)
    wait_for(lambda: origin.count(path) == 2, "the second")
    link.delay = 0
    hung.open()
    assert {a.body for a in started.result()} == {b"late", b"soon"}
    assert origin.count(path) == 2
