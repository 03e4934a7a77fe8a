# SPDX-License-Identifier: Apache-2.0
"""The harness itself, on an httpd without the module: what it reports must be
what happened, and trouble must be seen."""
import pytest

from harness.client import Closed, curl
from harness.origin import Reply, ok

MPMS = ("event", "prefork", "worker")
OPTIONS = {"module": False}
CONF = "ProxyPass / {origin}/ retry=0"


def test_bytes_arrive_as_sent(httpd, origin, path):
    origin.on(path, ok("hello", ("X-A", "1"), ("X-A", "2")))
    answer = httpd.get(path + "?q=%2F", {"X-B": "b"})
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.body == b"hello"
    assert answer.all("x-a") == ["1", "2"]
    seen = origin.seen(path)
    assert [(r.method, r.query, r.get("x-b")) for r in seen] == [
        ("GET", "q=%2F", "b")]


def test_framings(httpd, origin, path):
    body = b"0123456789" * 1000
    origin.on(path, ok(body, framing="chunked", pace=(3000, 0)),
              ok(body, framing="close"), ok(body))
    assert [httpd.get(path).body for _ in range(3)] == [body] * 3


def test_interim_answers_and_request_bodies(httpd, origin, path):
    origin.on(path, lambda r: ok(r.body, interim=((103, [("Link", "x")]),)))
    answer = httpd.post(path, b"posted")
    assert answer.body == b"posted"
    sent = b"POST " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" \
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with httpd.connect() as connection:
        connection.send(sent)
        assert connection.read("POST").body == b"abcde"


def test_truncation_is_seen(httpd, origin, path):
    httpd.log.allow("proxy_http:error", "proxy:error")
    origin.on(path, ok(b"x" * 5000, cut=100))
    with pytest.raises(Closed):
        httpd.get(path)


def test_unexpected_log_lines_are_complaints(httpd, origin, path):
    origin.on(path, Reply(drop=True))
    assert httpd.get(path).status == 502
    httpd.log.wait(r"proxy_http:error")
    found = httpd.log.complaints()
    assert any("proxy_http:error" in line for line in found)
    httpd.log.expect("this line never comes")
    assert "never logged" in httpd.log.complaints()[0]


def test_sanitizer_reports_are_complaints(httpd):
    for line in ("==1==ERROR: AddressSanitizer: heap-use-after-free",
                 "x.c:1:2: runtime error: signed integer overflow",
                 "WARNING: ThreadSanitizer: data race"):
        with open(httpd.log.path, "a", encoding="ascii") as log:
            log.write(line + "\n")
        assert httpd.log.complaints() == [line]


def test_graceful_keeps_the_parent_and_renews_the_children(httpd, origin,
                                                           path):
    origin.on(path, ok("hello"))
    before = httpd.pid
    httpd.graceful()
    assert httpd.process.poll() is None and httpd.pid == before
    assert httpd.get(path).body == b"hello"


def test_curl_speaks(httpd, origin, path):
    origin.on(path, ok("hello"))
    answer = curl(f"http://127.0.0.1:{httpd.port}{path}")
    assert (answer.status, answer.body) == (200, b"hello")
