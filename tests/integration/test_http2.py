# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 in the clear and over TLS (mod_http2 does not go with prefork)."""
import subprocess
import time

import pytest

from harness import tls
from harness.client import curl
from harness.origin import counting, ok

MPMS = ("event", "worker")
CONF = "Protocols h2 h2c http/1.1" + tls.CONF
names = tls.names
BODY = bytes(range(256)) * 40


@pytest.mark.parametrize("size", [0, 300, 65536, 1 << 20])
def test_http_2(httpd, origin, path, size):
    body = (BODY * (size // len(BODY) + 1))[:size]
    origin.on(path, ok(body, ("X-One", "1")))
    base = f"http://localhost:{httpd.port}{path}"
    answers = [curl(base, "--http2-prior-knowledge") for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    for answer in answers:
        assert answer.version == "HTTP/2"
        assert answer.body == body
        assert answer.get("X-One") == "1"
    assert answers[1].age == 0


def test_http_2_conditions_and_head(httpd, origin, path):
    origin.on(path, ok(BODY, ("ETag", '"v"')))
    base = f"http://localhost:{httpd.port}{path}"
    how = "--http2-prior-knowledge"
    curl(base, how)
    answer = curl(base, how, "-H", 'If-None-Match: "v"')
    assert (answer.status, answer.cache, answer.body) == (304, "HIT", b"")
    answer = curl(base, how, "--head")
    assert answer.get("Content-Length") == str(len(BODY))
    assert answer.cache == "HIT"


@pytest.mark.parametrize("size", [300, 300000])
def test_http_2_when_what_is_new_is_known(httpd, origin, path, size):
    """A body that was to be stored is none for the client's stream."""
    origin.on(path, ok(b"old", ("ETag", '"v"'), cc="no-cache"),
              ok(b"n" * size, ("ETag", '"w"')))
    base = f"http://localhost:{httpd.port}{path}"
    how = "--http2-prior-knowledge"
    curl(base, how)
    answer = curl(base, how, "-H", 'If-None-Match: "w"')
    assert (answer.status, answer.cache, answer.body) == (304, "MISS", b"")
    assert curl(base, how).body == b"n" * size


def test_http_2_and_1_share(httpd, origin, path):
    origin.on(path, counting())
    host = f"localhost:{httpd.port}"
    curl(f"http://{host}{path}", "--http2-prior-knowledge")
    answer = httpd.get(path, host=host)
    assert (answer.cache, answer.body) == ("HIT", b"body 1")


def test_http_2_over_tls(httpd, origin, path):
    origin.on(path, ok(BODY))
    base = f"https://localhost:{httpd.ports[1]}{path}"
    answers = [curl(base, "--http2") for _ in range(2)]
    assert [a.version for a in answers] == ["HTTP/2"] * 2
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert answers[1].body == BODY


def test_many_streams_at_once(httpd, origin, path):
    """h2load: 2000 requests, 20 streams on each of 4 connections."""
    origin.on(path, ok(BODY))
    host = f"http://localhost:{httpd.port}{path}"
    curl(host, "--http2-prior-knowledge")
    done = subprocess.run(
        ["h2load", "-n", "2000", "-c", "4", "-m", "20", host],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    text = done.stdout.decode()
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in text
    assert "2000 2xx" in text
    assert origin.count(path) == 1


@pytest.mark.parametrize("secure", [False, True])
def test_a_stale_answer_is_refreshed_behind(httpd, origin, path, secure):
    origin.on(path, ok("old", ("Age", "20"),
                       cc="max-age=10, stale-while-revalidate=600"), ok("new"))
    scheme, port = ("https", httpd.ports[1]) if secure else \
        ("http", httpd.port)
    how = "--http2" if secure else "--http2-prior-knowledge"

    def get():
        answer = curl(f"{scheme}://localhost:{port}{path}", how)
        assert answer.version == "HTTP/2"
        return answer
    assert [get().cache for _ in range(2)] == ["MISS", "STALE"]
    deadline = time.monotonic() + 10
    while get().cache != "HIT":
        assert time.monotonic() < deadline
    miss, refresh = origin.seen(path)
    assert miss.head == refresh.head


def test_http_2_one_asks_for_all(httpd, origin, path):
    """Streams of one connection, whose workers are HTTP/2's own."""
    origin.on(path, counting(delay=0.5))
    done = subprocess.run(
        ["h2load", "--requests=40", "--clients=1", "--max-concurrent-streams",
         "40", f"http://localhost:{httpd.port}{path}"],
        stdout=subprocess.PIPE, check=True)
    assert b"40 succeeded, 0 failed" in done.stdout, done.stdout
    assert origin.count(path) == 1
