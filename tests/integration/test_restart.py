# SPDX-License-Identifier: Apache-2.0
"""What a restart keeps and what it takes."""
import os
import signal
import time

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork", "worker")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend other memory: size=8M
FCacheEnable on
<Location /other>
    FCacheStore other
</Location>
"""


def test_graceful_keeps_the_content(httpd, origin, path):
    targets = [path, "/other" + path]
    for target in targets:
        origin.on(target, counting())
        httpd.get(target)
    for _ in range(3):
        httpd.graceful()
        for target in targets:
            answer = httpd.get(target)
            assert (answer.cache, answer.body) == ("HIT", b"body 1")


def test_restart_keeps_the_content(httpd, origin, path):
    origin.on(path, counting())
    httpd.get(path)
    start = httpd.log.path.stat().st_size
    httpd.process.send_signal(signal.SIGHUP)
    httpd.log.wait("resuming normal operations", start)
    assert httpd.get(path).body == b"body 1"


def test_a_new_size_starts_empty_and_works(origin, mpm, path):
    origin.on(path, counting())
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names) as server:
        target = "/other" + path
        origin.on(target, counting())
        server.get(target)
        server.conf = CONF.replace("size=8M", "size=16M")
        server.write()
        server.log.allow("fcache:warn")
        server.graceful()
        # a child of before may answer once more, from the store of before
        answers = [server.get(target) for _ in range(3)]
        assert {a.body for a in answers} <= {b"body 1", b"body 2"}
        assert answers[-1].cache == "HIT"
        assert server.stats("other")["bytes_total"] > 8 << 20


def test_a_stop_and_a_start_begin_empty(origin, mpm, path):
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    origin.on(path, counting())
    for body in (b"body 1", b"body 2"):
        with Httpd(CONF, mpm, names=names) as server:
            assert server.get(path).body == body
            assert server.get(path).cache == "HIT"


def test_two_servers_do_not_share(httpd, origin, mpm, path):
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    origin.on(path, counting())
    httpd.get(path)
    with Httpd(CONF, mpm, names=names) as server:
        assert server.get(path).cache == "MISS"
        server.fcachectl("clear", "--all")
        assert httpd.get(path).cache == "HIT"


def test_a_killed_child_costs_nothing_stored(httpd, origin, path):
    httpd.log.allow("AH00051", "AH00052")
    targets = [f"{path}/{i}" for i in range(20)]
    origin.on(path + "*", lambda r: ok(r.path))
    for target in targets:
        httpd.get(target)
    before = httpd.children()
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not set(httpd.children()) - set(before):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for target in targets:
        answer = httpd.get(target)
        assert (answer.cache, answer.body) == ("HIT", target.encode())
    code, text = httpd.fcachectl("check")
    assert code == 0, text
