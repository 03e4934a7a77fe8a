# SPDX-License-Identifier: Apache-2.0
"""HEAD: answered from a stored GET, and what its answers say of one (RFC 9111
section 4.3.5)."""
import time

import pytest

from harness.origin import Reply, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
"""
TAG = ("ETag", '"v1"')
STALE = "max-age=1"


def told(answer):
    return answer.cache, answer.status, answer.body


def reason(answer):
    return answer.get("Cache-Status").rpartition("detail=")[2]


@pytest.fixture(name="stale")
def stale_entry(httpd, origin, path):
    """Stores a GET that is stale, and gives what HEAD is then answered."""
    def prepare(*fields, status=200, stored=(TAG,)):
        origin.on(path, ok("hello", *stored, ("X-Kept", "1"), cc=STALE),
                  Reply(status, fields, framing="none" if "Content-Length"
                        in dict(fields) else "length", body=b"hello"),
                  ok("new", TAG))
        httpd.get(path)
        time.sleep(1.1)
        return httpd.get(path, method="HEAD")
    return prepare


def test_hits(httpd, origin, path):
    origin.on(path, ok("hello", TAG))
    first = httpd.get(path)
    answer = httpd.get(path, method="HEAD")
    assert told(answer) == ("HIT", 200, b"")
    own = ("Age", "Cache-Status", "X-FCache", "Connection", "Keep-Alive")
    assert answer.without(*own) == first.without(*own)
    assert httpd.get(path, {"If-None-Match": '"v1"'}, method="HEAD"
                     ).status == 304
    assert httpd.get(path, {"Range": "bytes=0-1"}, method="HEAD"
                     ).get("Content-Length") in ("5", "2")
    assert origin.count(path) == 1


def test_an_answer_stores_nothing(httpd, origin, path):
    origin.on(path, ok("hello", TAG))
    for _ in range(2):
        answer = httpd.get(path, method="HEAD")
        assert answer.cache == "MISS" and reason(answer) == "head-answer"
    assert httpd.get(path).body == b"hello"


@pytest.mark.parametrize("stored,fields", [
    ((TAG,), (TAG,)),
    ((), (("Last-Modified", "Fri, 15 Jan 2021 08:00:00 GMT"),))])
def test_the_same_renews(httpd, origin, path, stale, stored, fields):
    answer = stale(*fields, ("Cache-Control", "max-age=60"),
                   ("X-Kept", "2"), ("X-New", "3"),
                   stored=stored or fields)
    assert told(answer) == ("REVALIDATED", 200, b"")
    assert "fwd=stale; fwd-status=200" in answer.get("Cache-Status")
    assert answer.all("Content-Length") == ["5"]
    hit = httpd.get(path)
    assert told(hit) == ("HIT", 200, b"hello")
    assert (hit.all("X-Kept"), hit.all("X-New")) == (["2"], ["3"])
    assert hit.age <= 2 and origin.count(path) == 2


@pytest.mark.parametrize("fields", [
    (("ETag", '"v2"'),), (TAG, ("Content-Length", "6")),
    (TAG, ("Content-Encoding", "gzip"))])
def test_another_drops(httpd, origin, path, stale, fields):
    answer = stale(*fields, ("Cache-Control", "max-age=60"))
    assert answer.cache == "MISS" and reason(answer) == "head-differs"
    got = httpd.get(path)
    assert told(got) == ("MISS", 200, b"new")
    assert "fwd=uri-miss" in got.get("Cache-Status")
    assert origin.seen(path)[-1].get("If-None-Match") is None


@pytest.mark.parametrize("status", [404, 410, 500])
def test_another_status_says_nothing_of_it(httpd, origin, path, stale, status):
    httpd.log.allow("proxy:", "proxy_http:")
    stale(TAG, ("Cache-Control", "max-age=60"), status=status)
    got = httpd.get(path)
    assert "fwd=stale" in got.get("Cache-Status") and got.body == b"new"


def test_what_proves_nothing_renews_nothing(httpd, path, stale):
    """A body may change and stay as long as it was."""
    answer = stale(("Cache-Control", "max-age=60"), stored=())
    assert answer.cache == "MISS" and reason(answer) == "head-answer"
    assert httpd.get(path).body == b"new"


def test_what_is_told_to_one_user_drops_nothing(httpd, origin, path):
    """Section 4.3.5: GET would not have had the stored answer either."""
    origin.on(path, ok("hello", TAG), Reply(200, (("ETag", '"ann"'),)))
    httpd.get(path)
    answer = httpd.get(path, {"Authorization": "Basic YW5uOng="}, method="HEAD")
    assert (answer.cache, answer.etag) == ("MISS", '"ann"')
    assert told(httpd.get(path)) == ("HIT", 200, b"hello")
