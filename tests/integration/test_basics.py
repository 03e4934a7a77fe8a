# SPDX-License-Identifier: Apache-2.0
"""The first promise: what the origin said once is said again, unchanged."""
import time

import pytest

from harness.origin import Reply, counting, ok
from harness.httpd import Httpd

MPMS = ("event", "prefork", "worker")
CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /off>
    FCacheEnable off
</Location>
<Location /tagless>
    FCacheETag off
</Location>
<Location /large>
    FCacheMaxObject 4M
</Location>
"""
BINARY = bytes(range(256)) * 5


def twice(httpd, path, headers=()):
    first = httpd.get(path, headers)
    second = httpd.get(path, headers)
    assert (first.cache, second.cache) == ("MISS", "HIT")
    return first, second


@pytest.mark.parametrize("size", [0, 1, 300, 4096, 8192, 8193, 65536, 262144,
                                  1 << 20])
def test_hit_is_byte_identical(httpd, origin, path, size):
    body = (BINARY * (size // len(BINARY) + 1))[:size]
    origin.on(path, ok(body))
    first, second = twice(httpd, path)
    assert first.body == body
    assert second.body == body
    assert second.get("Content-Length") == str(size)
    assert origin.count(path) == 1


def test_fields_are_kept_on_a_hit(httpd, origin, path):
    origin.on(path, ok("x", ("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"),
                       ("Content-Language", "de"), ("X-Empty", ""),
                       ("Link", "</s.css>; rel=preload, </t.css>")))
    first, second = twice(httpd, path)
    own = ("Age", "Cache-Status", "X-FCache", "Connection", "Keep-Alive")
    assert second.without(*own) == first.without(*own)
    assert second.all("X-Two") in (["a", "b"], ["a, b"])
    assert second.get("X-Empty") == ""


def test_age_grows_on_hits_and_is_absent_on_a_miss(httpd, origin, path):
    origin.on(path, ok())
    first, second = twice(httpd, path)
    assert not first.has("Age")
    assert second.age == 0
    time.sleep(1.1)
    assert httpd.get(path).age in (1, 2)


def test_age_of_the_origin_counts(httpd, origin, path):
    origin.on(path, ok("x", ("Age", "40")))
    first, second = twice(httpd, path)
    assert first.get("Age") == "40"
    assert second.age in (40, 41)


def test_date_is_the_origins(httpd, origin, path):
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                         time.gmtime(time.time() - 5))
    origin.on(path, ok("x", ("Date", date)))
    first, second = twice(httpd, path)
    assert first.all("Date") == [date]
    assert second.all("Date") == [date]


@pytest.mark.parametrize("cc", ["no-store", "private", "max-age=0, no-store"])
def test_status_header_is_on_every_answer(httpd, origin, path, cc):
    origin.on(path, counting(cc=cc))
    assert [httpd.get(path).cache for _ in range(2)] == ["MISS", "MISS"]
    assert origin.count(path) == 2


def test_status_header_on_304_errors_and_bypass(httpd, origin, path):
    origin.on(path, ok("x", ("ETag", '"v"')))
    origin.on(path + "/500", Reply(500, body=b"oops"))
    twice(httpd, path)
    assert httpd.get(path, {"If-None-Match": '"v"'}).cache == "HIT"
    assert httpd.get(path + "/500").cache == "MISS"
    assert httpd.get(path, {"Cache-Control": "no-store"}).cache == "BYPASS"
    assert httpd.post(path, b"a=b").cache == "BYPASS"
    absent = httpd.get(path + "/none", {"Cache-Control": "only-if-cached"})
    assert (absent.status, absent.cache) == (504, "ERROR")


def test_off_leaves_no_trace(httpd, origin, path):
    origin.on("/off" + path, counting())
    answers = [httpd.get("/off" + path) for _ in range(2)]
    assert [a.body for a in answers] == [b"body 1", b"body 2"]
    assert not any(a.has("X-FCache") or a.has("Age") for a in answers)


# ---- HEAD


def test_head_is_answered_from_a_stored_get(httpd, origin, path):
    origin.on(path, ok(b"x" * 5000))
    twice(httpd, path)
    head = httpd.head(path)
    assert (head.cache, head.body) == ("HIT", b"")
    assert head.get("Content-Length") == "5000"
    assert origin.count(path) == 1


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_head_answer_is_never_stored_as_a_body(httpd, origin, path, framing):
    """T11"""
    origin.on(path, ok(b"x" * 5000, framing=framing))
    assert httpd.head(path).cache == "MISS"
    after = httpd.get(path)
    assert (after.cache, len(after.body)) == ("MISS", 5000)
    assert [r.method for r in origin.seen(path)] == ["HEAD", "GET"]
    assert len(httpd.get(path).body) == 5000


# ---- conditions of the client


@pytest.mark.parametrize("etag,sent,status", [
    ('"abc"', '"abc"', 304),
    ('"abc"', 'W/"abc"', 304),
    ('W/"abc"', '"abc"', 304),
    ('"abc"', '"x", W/"y", "abc"', 304),
    ('"abc"', '"x,abc", "abc"', 304),
    ('"abc"', "*", 304),
    ('"abc"', '"abd"', 200),
    ('"abc"', '"x", "y"', 200),
    ('"abc"', "abc", 200),
    ('"a,b"', '"a,b"', 304),
])
def test_if_none_match(httpd, origin, path, etag, sent, status):
    origin.on(path, ok("hello", ("ETag", etag), ("Content-Language", "en"),
                       ("Vary", "X-Thing"), ("Expires", "0"),
                       ("Content-Location", path)))
    twice(httpd, path)
    answer = httpd.get(path, {"If-None-Match": sent})
    assert (answer.status, answer.cache) == (status, "HIT")
    assert origin.count(path) == 1
    if status == 304:  # RFC 9110 §15.4.5
        assert answer.body == b""
        assert answer.etag == etag
        for name in ("Cache-Control", "Content-Location", "Date", "Expires",
                     "Vary"):
            assert answer.has(name), name
        for name in ("Content-Length", "Content-Type"):
            assert not answer.has(name), name


def test_head_gets_304_too(httpd, origin, path):
    origin.on(path, ok("hello", ("ETag", '"v"')))
    twice(httpd, path)
    assert httpd.head(path, {"If-None-Match": '"v"'}).status == 304


@pytest.mark.parametrize("sent,status", [
    ("Tue, 01 Jul 2025 10:00:00 GMT", 304),
    ("Tue, 01 Jul 2025 10:00:01 GMT", 304),
    ("Tue, 01 Jul 2025 09:59:59 GMT", 200),
    ("Tuesday, 01-Jul-25 10:00:00 GMT", 304),
    ("yesterday", 200),
])
def test_if_modified_since(httpd, origin, path, sent, status):
    modified = "Tue, 01 Jul 2025 10:00:00 GMT"
    origin.on(path, ok("hello", ("Last-Modified", modified)))
    twice(httpd, path)
    answer = httpd.get(path, {"If-Modified-Since": sent})
    assert (answer.status, answer.cache) == (status, "HIT")


def test_if_none_match_goes_before_if_modified_since(httpd, origin, path):
    modified = "Tue, 01 Jul 2025 10:00:00 GMT"
    origin.on(path, ok("hello", ("Last-Modified", modified), ("ETag", '"v"')))
    twice(httpd, path)
    answer = httpd.get(path, {"If-None-Match": '"w"',
                              "If-Modified-Since": modified})
    assert answer.status == 200
    answer = httpd.get(path, {"If-None-Match": '"v"',
                              "If-Modified-Since": "Mon, 01 Jan 2024 "
                                                   "10:00:00 GMT"})
    assert answer.status == 304


# ---- entity tags made here


@pytest.mark.parametrize("size", [0, 5, 4096, 65536])
def test_generated_etag_is_strong_and_the_same_on_miss_and_hit(
        httpd, origin, path, size):
    origin.on(path, ok(b"e" * size))
    first, second = twice(httpd, path)
    assert second.etag.startswith('"') and second.etag.endswith('"')
    assert first.etag == second.etag
    assert first.body == second.body == b"e" * size
    answer = httpd.get(path, {"If-None-Match": second.etag})
    assert (answer.status, answer.etag) == (304, second.etag)


def test_generated_etag_of_a_large_body_is_on_hits(httpd, origin, path):
    origin.on(path, ok(b"e" * 200000))
    first, second = twice(httpd, path)
    assert first.etag in (None, second.etag)
    assert second.etag.startswith('"')


def test_generated_etag_follows_the_content(httpd, origin, path):
    origin.on(path + "/a", ok("same"))
    origin.on(path + "/b", ok("same"))
    origin.on(path + "/c", ok("other"))
    tags = [twice(httpd, path + end)[1].etag for end in ("/a", "/b", "/c")]
    assert tags[0] == tags[1] != tags[2]


def test_generated_etag_is_equal_on_two_servers(httpd, origin, path, mpm):
    origin.on(path, ok(b"equal" * 100))
    mine = twice(httpd, path)[1].etag
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(CONF, mpm, names=names) as other:
        assert twice(other, path)[1].etag == mine


def test_no_etag_is_made_when_told_so(httpd, origin, path):
    origin.on("/tagless" + path, ok())
    answers = twice(httpd, "/tagless" + path)
    assert not any(a.has("ETag") for a in answers)
    origin.on("/tagless" + path + "/own", ok("x", ("ETag", '"own"')))
    assert twice(httpd, "/tagless" + path + "/own")[1].etag == '"own"'


def test_the_origins_etag_is_kept(httpd, origin, path):
    origin.on(path, ok("x", ("ETag", 'W/"own"')))
    first, second = twice(httpd, path)
    assert first.etag == second.etag == 'W/"own"'


def test_no_etag_on_what_is_not_stored(httpd, origin, path):
    origin.on(path, ok("x", cc="no-store"))
    answer = httpd.get(path)
    assert answer.cache == "MISS" and not answer.has("ETag")
