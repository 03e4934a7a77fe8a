# SPDX-License-Identifier: Apache-2.0
"""Bodies: whole or not at all, whatever the framing, the size and the speed."""
import threading
import time

import pytest

from harness.client import Closed, request_bytes
from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /small>
    FCacheMaxObject 10000
</Location>
<Location /large>
    FCacheMaxObject 8M
</Location>
"""
PROXY = ("proxy_http:error", "proxy:error", "proxy_http:warn")
BODY = bytes((i * 7 + i // 256) % 256 for i in range(20000))


def pair(httpd, path):
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    return answers


@pytest.mark.parametrize("size", [0, 1, 8000, 20000])
def test_chunked_is_stored_with_its_length(httpd, origin, path, size):
    origin.on(path, ok(BODY[:size], framing="chunked", pace=(3000, 0)))
    first, second = pair(httpd, path)
    assert first.body == second.body == BODY[:size]
    assert second.get("Content-Length") == str(size)
    assert not second.has("Transfer-Encoding")


def test_trailers_are_not_fields(httpd, origin, path):
    origin.on(path, ok(BODY, framing="chunked",
                       trailers=(("X-Trailer", "1"),)))
    first, second = pair(httpd, path)
    assert second.body == BODY
    assert not second.has("X-Trailer")


@pytest.mark.parametrize("query", ["", "?fcgi://x", "?h2://"])
def test_until_the_connection_closes(httpd, origin, path, query):
    """T35: nobody can tell such a body from a truncated one."""
    origin.on(path, ok(BODY, framing="close"))
    answers = [httpd.get(path + query) for _ in range(2)]
    assert [a.body for a in answers] == [BODY] * 2
    assert [a.cache for a in answers] == ["MISS"] * 2


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("cut", [0, 1, 100, 8191, 8192, 16384, 19999])
def test_truncated_is_never_stored(httpd, origin, path, framing, cut):
    """T35: the first answer is cut, the second whole; nobody ever gets a part
    as if it were all."""
    httpd.log.allow(*PROXY)
    origin.on(path, ok(BODY, framing=framing, cut=cut, pace=(4096, 0)),
              ok(BODY, framing=framing))
    try:
        first = httpd.get(path)
        assert first.status >= 500
    except Closed:
        pass
    answer = httpd.get(path)
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.cache == "MISS"
    answer = httpd.get(path)
    assert (answer.cache, answer.body) == ("HIT", BODY)


def test_truncated_at_every_byte(httpd, origin, path):
    """A 300-byte body, cut everywhere, on one entry after the other."""
    httpd.log.allow(*PROXY)
    body = BODY[:300]
    for cut in range(0, 300, 7):
        target = f"{path}/{cut}"
        origin.on(target, ok(body, cut=cut), ok(body))
        try:
            assert httpd.get(target).status >= 500
        except Closed:
            pass
        assert httpd.get(target).cache == "MISS"
        assert httpd.get(target).body == body


def test_truncated_head_is_not_stored(httpd, origin, path):
    httpd.log.allow(*PROXY)
    origin.on(path, Reply(raw=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=6"),
              ok(BODY))
    assert httpd.get(path).body != BODY
    assert httpd.get(path).body == BODY
    assert httpd.get(path).cache == "HIT"


def test_more_than_announced_is_cut_off(httpd, origin, path):
    httpd.log.allow(*PROXY)
    origin.on(path, Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                              b"Cache-Control: max-age=60\r\n\r\nhelloEVIL"))
    for verdict in ("MISS", "HIT"):
        answer = httpd.get(path)
        assert (answer.cache, answer.body) == (verdict, b"hello")


def test_origin_refuses_and_drops(httpd, origin, path):
    httpd.log.allow(*PROXY)
    origin.on(path, Reply(drop=True), ok(BODY))
    broken = httpd.get(path)
    assert (broken.status, broken.cache) == (502, "MISS")
    assert httpd.get(path).body == BODY
    assert httpd.get(path).cache == "HIT"


# ---- size


def test_an_object_of_just_the_limit_is_stored(httpd, origin, path):
    path = "/small" + path
    for framing in ("length", "chunked"):
        origin.on(path + framing, ok(BODY[:10000], framing=framing))
        assert pair(httpd, path + framing)[1].body == BODY[:10000]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size", [10001, 20000])
def test_a_larger_object_is_not_stored_but_sent(httpd, origin, path, framing,
                                                size):
    path = "/small" + path
    origin.on(path, ok(BODY[:size], framing=framing, pace=(4000, 0)))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.body for a in answers] == [BODY[:size]] * 2
    assert [a.cache for a in answers] == ["MISS"] * 2


def test_the_default_limit_is_one_mebibyte(httpd, origin, path):
    for size, verdict in ((1 << 20, "HIT"), ((1 << 20) + 1, "MISS")):
        body = (BODY * 60)[:size]
        origin.on(f"{path}/{size}", ok(body))
        answers = [httpd.get(f"{path}/{size}") for _ in range(2)]
        assert [a.body == body for a in answers] == [True, True]
        assert answers[1].cache == verdict


def test_a_large_body_many_times(httpd, origin, path):
    path = "/large" + path
    body = BODY * 250  # 5 MB
    origin.on(path, ok(body, framing="chunked", pace=(65536, 0)))
    for number in range(5):
        answer = httpd.get(path)
        assert answer.body == body
        assert answer.cache == ("HIT" if number else "MISS")


# ---- slow and gone


def test_a_slow_origin_streams(httpd, origin, path):
    """The client gets the first piece while the origin still holds the rest:
    capture never waits for the end."""
    gate = threading.Event()
    origin.on(path, ok(BODY * 5, pace=(50000, 0), gate=gate))
    with httpd.connect() as connection:
        connection.send(request_bytes(path))
        try:
            assert connection.socket.recv(100)
        finally:
            gate.set()
    wait_for(httpd, path, BODY * 5)


def wait_for(httpd, path, body):
    """Whole or not at all: every answer from now on is the body."""
    for _ in range(3):
        answer = httpd.get(path)
        assert answer.body == body
    assert answer.cache == "HIT"


@pytest.mark.parametrize("when", [0, 1, 30000])
def test_a_client_that_leaves_mid_miss(httpd, origin, path, when):
    """F54: the store finishes, or forgets; nobody gets a part."""
    httpd.log.allow("core:error", "proxy:error", "AH")
    body = BODY * 20
    origin.on(path, ok(body, pace=(20000, 0.01)))
    with httpd.connect() as connection:
        connection.send(request_bytes(path))
        got = 0
        while got < when:
            got += len(connection.socket.recv(10000))
    wait_for(httpd, path, body)


def test_a_client_that_leaves_mid_hit(httpd, origin, path):
    path = "/large" + path
    body = BODY * 200
    origin.on(path, ok(body))
    assert httpd.get(path).body == body
    for _ in range(20):
        with httpd.connect() as connection:
            connection.send(request_bytes(path))
            connection.socket.recv(1000)
    assert httpd.get(path).cache == "HIT"
    wait_for(httpd, path, body)
    deadline = time.monotonic() + 5
    while httpd.stats()["pins"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert httpd.stats()["pins"] == 0


def test_a_slow_reader_gets_what_was_there(httpd, origin, path):
    """Its entry is cleared and replaced while it reads."""
    path = "/large" + path
    old, new = b"o" * (4 << 20), b"n" * (4 << 20)
    origin.on(path, ok(old), ok(new))
    assert httpd.get(path).body == old
    with httpd.connect() as connection:
        connection.send(request_bytes(path))
        head = connection.read_head()
        assert head.cache == "HIT"
        httpd.fcachectl("clear", "--all")
        assert httpd.get(path).body == new
        for number in range(20):
            httpd.get(f"{path}/fill/{number}")
        time.sleep(0.5)
        assert connection.read_body(head, "GET") == old


def test_slow_readers_do_not_hold_up_others(httpd, origin, path):
    path = "/large" + path
    body = b"s" * (4 << 20)
    origin.on(path, ok(body))
    origin.on(path + "/other", counting())
    httpd.get(path)
    slow = [httpd.connect() for _ in range(8)]  # fewer than workers
    for connection in slow:
        connection.send(request_bytes(path))
    start = time.monotonic()
    assert [httpd.get(path + "/other").cache for _ in "12"] == ["MISS", "HIT"]
    assert httpd.fcachectl("clear", "--all")[0] == 0
    assert httpd.get(path + "/other").cache == "MISS"
    assert time.monotonic() - start < 8
    for connection in slow:
        assert connection.read().body == body
        connection.close()


def test_many_at_once_on_a_cold_page(httpd, origin, path):
    """Everyone gets the whole body; the origin may be asked more than once."""
    origin.on(path, ok(BODY, delay=0.2))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(
        httpd.get(path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.body == BODY for a in answers] == [True] * 16
    assert httpd.get(path).cache == "HIT"
