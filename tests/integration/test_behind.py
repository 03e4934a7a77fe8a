# SPDX-License-Identifier: Apache-2.0
"""A remote store that takes its time holds nobody up: what it is to have waits in
a queue of the process, which is bounded and not forgotten."""
import pytest

from harness.errorlog import FULL
from harness.httpd import Httpd
from harness.origin import ok

from test_later import CONF as STORES, logged, names

MPMS = ("event", "worker")
CONF = """
FCacheBackend tardy late: delay=100ms
FCacheBackend deaf deaf:
FCacheBackend deaf-and-slow deaf: delay=4s
FCacheBackend mute mute:
<Location /tardy>
    FCacheStore tardy
</Location>
<Location /deaf>
    FCacheStore deaf
    FCacheLock on wait=1m lease=1m
</Location>
<Location /mute>
    FCacheStore mute
</Location>
<Location /deaf/slow>
    FCacheStore deaf-and-slow
</Location>
"""
ALONE = ("ServerLimit 1\nStartServers 1\nThreadsPerChild 1\nThreadLimit 1\n"
         "MaxRequestWorkers 1\nMinSpareThreads 1\nMaxSpareThreads 1\n"
         "AsyncRequestWorkerFactor 10")


@pytest.fixture(name="alone")
def alone_fixture(mpm, origin):
    """One process with one worker, whose writes are in one queue."""
    values = dict(names(None), origin=f"http://127.0.0.1:{origin.port}")
    tuning = ALONE if mpm == "event" else ALONE[:ALONE.rindex("\n")]
    origin.on("/*", ok())
    with Httpd(STORES.replace("h2c ", "") + CONF, mpm, names=values,
               tuning=tuning, without=("cgid", "cgi", "http2")) as server:
        server.log.allow(*FULL)
        yield server


def targets(count, where, path):
    return [f"{where}{path}/{number}" for number in range(count)]


def ask_all(server, asked):
    for target in asked:
        assert server.get(target).cache == "MISS"


def test_a_slow_store_does_not_hold_up_workers(alone, path):
    asked = targets(4, "/tardy", path)
    ask_all(alone, asked)
    for target in asked:
        assert logged(alone, target) == [["MISS", "store-late", "store-late"]]
    for target in asked:
        alone.wait_stored(target)


def test_too_much_is_not_stored(alone, path):
    asked = targets(20, "/slow", path)
    ask_all(alone, asked)
    reasons = [logged(alone, target)[0][1] for target in asked]
    assert reasons[0] == "store-late"
    assert reasons[-1] == "store-busy"
    alone.wait_stored(asked[0])


def test_what_is_queued_when_a_process_ends_is_written(alone, path):
    asked = targets(4, "/tardy", path)
    ask_all(alone, asked)
    alone.graceful()
    assert [alone.get(target).cache for target in asked] == ["HIT"] * 4


def test_a_lock_that_was_not_heard_of_is_given_back(alone, origin, path):
    """The one who asked for it goes on without, and nobody waits for that."""
    target = "/deaf" + path
    origin.on(target, ok(cc="no-store"))
    for _ in "12":
        assert alone.get(target).cache == "MISS"


def test_no_worker_waits_for_a_lock_to_be_given_back(alone, origin, path):
    """The store takes four seconds to say whose it is."""
    target = "/deaf/slow" + path
    origin.on(target, ok(cc="no-store"))
    alone.log.allow("AH00045")  # its end
    for each in (target, "/quick" + path):
        with alone.connect(timeout=3) as connection:
            assert connection.request(each).cache == "MISS"


def test_a_lock_that_cannot_be_deleted_stays(alone, origin, path):
    target = "/mute" + path
    origin.on(target, ok(cc="no-store"))
    assert alone.get(target).cache == "MISS"
    alone.graceful()  # what was to be done is
    assert "exit signal" not in (alone.root / "error.log").read_text()
