# SPDX-License-Identifier: Apache-2.0
"""Methods with a body: its digest is part of the key."""
import itertools
import re

import pytest

from harness.origin import counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /post>
    FCacheMethods GET POST QUERY
</Location>
<Location /small>
    FCacheMethods GET POST
    FCacheMaxRequestBody 1000
</Location>
<Location /postonly>
    FCacheMethods POST
</Location>
"""
NUMBERS = itertools.count(1)


def echo(request):
    """Says which body it got, and how often it was asked."""
    return ok(b"%d %d " % (next(NUMBERS), len(request.body)) +
              request.body[:50])


def chunked(path, body, method="POST", size=1000):
    out = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n" \
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    for start in range(0, len(body), size):
        piece = body[start:start + size]
        out += b"%x\r\n" % len(piece) + piece + b"\r\n"
    return out + b"0\r\n\r\n"


@pytest.mark.parametrize("method", ["POST", "QUERY"])
def test_same_body_same_entry(httpd, origin, path, method):
    path = "/post" + path
    origin.on(path, echo)
    one = httpd.post(path, b"q=1", method=method)
    two = httpd.post(path, b"q=1", method=method)
    other = httpd.post(path, b"q=2", method=method)
    assert [a.cache for a in (one, two, other)] == ["MISS", "HIT", "MISS"]
    assert one.body == two.body
    assert other.body.endswith(b"q=2")
    assert [r.body for r in origin.seen(path)] == [b"q=1", b"q=2"]


def test_get_post_and_query_are_apart(httpd, origin, path):
    path = "/post" + path
    origin.on(path, echo)
    answers = [httpd.get(path), httpd.post(path, b""),
               httpd.post(path, b"", method="QUERY")]
    assert len({a.body for a in answers}) == 3
    assert [a.cache for a in answers] == ["MISS"] * 3


def test_a_body_in_chunks_is_the_same_body(httpd, origin, path):
    path = "/post" + path
    origin.on(path, echo)
    body = b"0123456789" * 500
    with httpd.connect() as connection:
        answers = []
        for size in (1000, 37, 4999):
            connection.send(chunked(path, body, size=size))
            answers.append(connection.read("POST"))
    answers.append(httpd.post(path, body))
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT", "HIT"]
    assert [r.body for r in origin.seen(path)] == [body]


def test_bodies_of_all_sizes_reach_the_origin(httpd, origin, path):
    path = "/post" + path
    origin.on(path, echo)
    for size in (1, 8000, 8192, 16385, 65535, 65536):
        body = bytes(i % 251 for i in range(size))
        assert httpd.post(path, body).cache == "MISS", size
        assert httpd.post(path, body).cache == "HIT", size
        assert origin.seen(path)[-1].body == body


@pytest.mark.parametrize("size", [65537, 70000, 1 << 20])
def test_a_large_body_bypasses_whole(httpd, origin, path, size):
    path = "/post" + path
    origin.on(path, echo)
    body = bytes(i % 251 for i in range(size))
    assert [httpd.post(path, body).cache for _ in "12"] == ["BYPASS"] * 2
    assert [r.body == body for r in origin.seen(path)] == [True, True]


@pytest.mark.parametrize("size", [1001, 5000, 70000])
def test_a_large_body_in_chunks_bypasses_whole(httpd, origin, path, size):
    path = "/small" + path
    origin.on(path, echo)
    body = bytes(i % 251 for i in range(size))
    with httpd.connect() as connection:
        for _ in "12":
            connection.send(chunked(path, body))
            answer = connection.read("POST")
            assert answer.cache == "BYPASS"
            assert answer.body.split()[1] == str(size).encode()
    assert [r.body == body for r in origin.seen(path)] == [True, True]


def test_bodies_that_differ_at_the_end_are_apart(httpd, origin, path):
    path = "/post" + path
    origin.on(path, echo)
    bodies = [b"x" * 60000 + end for end in (b"a", b"b", b"")]
    assert len({httpd.post(path, b).body for b in bodies}) == 3
    assert [httpd.post(path, b).cache for b in bodies] == ["HIT"] * 3


@pytest.mark.parametrize("size", [b"ZZ", b"-1", b"", b"f" * 17])
@pytest.mark.parametrize("before", [b"", b"5\r\nhello\r\n"])
def test_t13_a_broken_body_never_reaches_the_origin(httpd, origin, path,
                                                    before, size):
    httpd.log.allow("http:error", "core:error", "proxy:error")
    path = "/post" + path
    origin.on(path, echo)
    with httpd.connect() as connection:
        connection.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n".encode() +
                        before + size + b"\r\nworld\r\n0\r\n\r\n")
        answer = connection.stream.read()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) in ([b"400"], [b"413"])
    assert answer.count(b"</html>") == 1 and b"hello" not in answer
    assert origin.count(path) == 0
    assert httpd.post(path, b"hello").cache == "MISS"


def test_post_is_not_cached_by_default(httpd, origin, path):
    origin.on(path, counting())
    answers = [httpd.post(path, b"x") for _ in range(2)]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert [a.body for a in answers] == [b"body 1", b"body 2"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_bypass(httpd, origin, path, method):
    origin.on(path, counting())
    answers = [httpd.post(path, b"", method=method) for _ in range(2)]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert origin.count(path) == 2


def test_get_can_be_taken_out(httpd, origin, path):
    path = "/postonly" + path
    origin.on(path, counting())
    assert [httpd.get(path).cache for _ in range(2)] == ["BYPASS"] * 2
    assert httpd.post(path, b"x").cache == "MISS"
    assert httpd.post(path, b"x").cache == "HIT"


def test_expect_continue(httpd, origin, path):
    path = "/post" + path
    origin.on(path, echo)
    with httpd.connect() as connection:
        connection.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
                        .encode())
        assert connection.read_head().status == 100
        connection.send(b"hello")
        answer = connection.read("POST")
    assert answer.cache == "MISS"
    assert origin.seen(path)[0].body == b"hello"
    assert httpd.post(path, b"hello").cache == "HIT"
