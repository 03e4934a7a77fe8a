# SPDX-License-Identifier: Apache-2.0
"""A tier in front of a store that another module brings: see late_store.c."""
import time

import pytest

from harness import httpd as servers
from harness.httpd import Httpd
from harness.origin import counting, ok

CONF = """
LoadModule fcache_example_module "{example}"
ProxyPass / {origin}/ retry=0
FCacheBackend fast tiered: l1=near l2=far
FCacheBackend far late:
FCacheBackend near memory: size=8M
FCacheBackend inline tiered: l1=memory:?size=8M l2=late: l1-ttl=100ms
FCacheEnable on
FCacheStore fast
<Location /inline>
    FCacheStore inline
</Location>
"""


def names(_request):
    return {"example": servers.BUILD / "tests/providers/mod_fcache_example.so"}


def until_hit(server, target):
    deadline = time.monotonic() + 10
    while True:
        answer = server.get(target)
        if answer.cache == "HIT":
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tiers_of_stores_declared_below(httpd, origin, path):
    origin.on(path, ok(b"x" * 50000))
    assert httpd.get(path).cache == "MISS"
    assert until_hit(httpd, path).body == b"x" * 50000
    assert httpd.stats("near")["entries"] >= 1


def test_tiers_of_urls(httpd, origin, path):
    path = "/inline" + path
    origin.on(path, counting())
    httpd.get(path)
    body = until_hit(httpd, path).body
    for _ in range(20):  # longer than it stays near
        answer = httpd.get(path)
        assert (answer.cache, answer.body) == ("HIT", body)
        time.sleep(0.01)


def test_a_write_counts_at_once(httpd, origin, path):
    origin.on(path, counting())
    for _ in range(3):
        httpd.get(path)
        until_hit(httpd, path)
        assert httpd.post(path, b"x").status == 200
        assert httpd.get(path).cache == "MISS"


def test_variants(httpd, origin, path):
    origin.on(path, lambda r: ok(r.get("Accept-Language"),
                                 ("Vary", "Accept-Language")))
    for language in ("de", "en"):
        httpd.get(path, {"Accept-Language": language})
    deadline = time.monotonic() + 10
    found = []
    while found != ["HIT", "HIT"]:
        assert time.monotonic() < deadline
        answers = [httpd.get(path, {"Accept-Language": language})
                   for language in ("de", "en")]
        assert [a.body for a in answers] == [b"de", b"en"]
        found = [a.cache for a in answers]


def test_graceful_keeps_what_is_near(httpd, origin, path):
    origin.on(path, counting())
    httpd.get(path)
    body = until_hit(httpd, path).body
    httpd.graceful()
    assert httpd.get(path).body == body


@pytest.mark.parametrize("line,said", [
    ("x tiered: l1=near", "l2= is no store; there are:"),
    ("x tiered: l1=nosuch l2=near", "l1=nosuch is no store; there are:"),
    ("x tiered: l1=x l2=near", "l1=x is no store"),
    ("x tiered: l1=near l2=y\nFCacheBackend y memory: size=1",
     "memory: size=1 is"),
    ("x tiered: l1=near l2=memory:?size=1", "l2: memory: size=1"),
])
def test_errors_name_the_line_and_the_stores(line, said):
    server = Httpd(f"FCacheBackend {line}\nFCacheBackend near memory:\n")
    try:
        code, text = server.check()
    finally:
        server.remove()
    assert code != 0
    assert "/httpd.conf:" in text
    assert said in text
