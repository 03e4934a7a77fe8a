# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.0, keep-alive, pipelining, TLS, interim answers."""
from harness import tls
from harness.client import exchange, fetch, request_bytes
from harness.origin import counting, ok

MPMS = ("event", "prefork", "worker")
CONF = tls.CONF
names = tls.names
BODY = bytes(range(256)) * 40


def test_http_1_0(httpd, origin, path):
    origin.on(path, ok(BODY))
    data = request_bytes(path, version="HTTP/1.0")
    answers = [exchange(httpd.port, data) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    for answer in answers:
        assert answer.body == BODY
        assert not answer.has("Transfer-Encoding")


def test_http_1_0_without_host(httpd, origin, path):
    origin.on(path, counting())
    data = request_bytes(path, version="HTTP/1.0", host=None)
    answers = [exchange(httpd.port, data) for _ in range(2)]
    assert [a.status for a in answers] == [200, 200]
    assert answers[1].cache in ("HIT", "BYPASS")


def test_http_1_0_keep_alive(httpd, origin, path):
    origin.on(path, ok(BODY))
    fields = {"Connection": "keep-alive"}
    with httpd.connect() as connection:
        for verdict in ("MISS", "HIT", "HIT"):
            answer = connection.request(path, headers=fields,
                                        version="HTTP/1.0")
            assert (answer.cache, answer.body) == (verdict, BODY)
            assert answer.get("Connection").lower() == "keep-alive"


def test_keep_alive(httpd, origin, path):
    origin.on(path, ok(BODY))
    with httpd.connect() as connection:
        for number in range(50):
            answer = connection.request(path)
            assert answer.body == BODY
            assert answer.cache == ("HIT" if number else "MISS")


def test_pipelining(httpd, origin, path):
    """Hits, misses, 304s, HEADs and bypasses behind each other in one write."""
    origin.on(path + "*", lambda r: ok(r.path.encode() * 50,
                                       ("ETag", '"v"')))
    asks = []
    for number in range(30):
        target = f"{path}/{number % 4}"
        asks += [("GET", target, {}), ("HEAD", target, {}),
                 ("GET", target, {"If-None-Match": '"v"'}),
                 ("GET", target, {"Cache-Control": "no-store"})]
    with httpd.connect() as connection:
        connection.send(b"".join(request_bytes(t, m, h) for m, t, h in asks))
        for method, target, headers in asks:
            answer = connection.read(method)
            if method == "HEAD":
                assert answer.get("Content-Length") == str(50 * len(target))
            elif "If-None-Match" in headers:
                assert answer.status == 304
            else:
                assert answer.body == target.encode() * 50


def test_tls(httpd, origin, path):
    origin.on(path, ok(BODY))
    answers = [fetch(httpd.ports[1], path, tls=True) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert answers[1].body == BODY


def test_schemes_are_apart(httpd, origin, path):
    origin.on(path, counting())
    assert fetch(httpd.port, path).body == b"body 1"
    assert fetch(httpd.ports[1], path, tls=True).body == b"body 2"
    assert fetch(httpd.port, path).cache == "HIT"


def test_1xx_answers_go_through_and_are_not_stored(httpd, origin, path):
    origin.on(path, ok("x", interim=((103, (("Link", "</a>; rel=preload"),)),
                                     )))
    first, second = httpd.get(path), httpd.get(path)
    assert (second.cache, second.body) == ("HIT", b"x")
    assert not second.interim
    assert not first.has("Link") and not second.has("Link")
