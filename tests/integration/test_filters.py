# SPDX-License-Identifier: Apache-2.0
"""Other modules' output filters work on hits as on misses."""
import gzip

import pytest

from harness.client import Closed
from harness.httpd import Httpd, apxs
from harness.origin import counting, ok

CONF = """
LoadModule substitute_module {modules}/mod_substitute.so
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /deflate>
    SetOutputFilter DEFLATE
</Location>
<Location /headers>
    Header set X-Set fixed
    Header add X-Add added
    Header append X-Append one
    Header unset X-Secret
    Header edit X-Edit ^a b
    Header always set X-Always always
    Header set X-Verdict "%{FCACHE_STATUS}e"
    RequestHeader set X-Asked yes
</Location>
Header always set X-Early 1 early
<Location /expires>
    FCacheExpire 60
    ExpiresActive on
    ExpiresDefault "access plus 5 seconds"
</Location>
<Location /fails>
    Substitute s/x/y/
    SubstituteMaxLineLength 100
    <If "-n %{HTTP:X-Fail}">
        SetOutputFilter SUBSTITUTE
    </If>
</Location>
"""
TEXT = b"compress me, please. " * 500
GZIP = {"Accept-Encoding": "gzip"}


def names(_):
    return {"modules": apxs("LIBEXECDIR")}


def unpacked(answer):
    if answer.get("Content-Encoding") == "gzip":
        return gzip.decompress(answer.body)
    assert not answer.has("Content-Encoding")
    return answer.body


@pytest.mark.parametrize("order", [[GZIP, {}], [{}, GZIP]])
def test_deflate_serves_each_what_it_takes(httpd, origin, path, order):
    path = "/deflate" + path
    origin.on(path, ok(TEXT))
    for headers in order * 2:
        answer = httpd.get(path, headers)
        assert (answer.get("Content-Encoding") == "gzip") == bool(headers)
        assert unpacked(answer) == TEXT
        assert "Accept-Encoding" in (answer.get("Vary") or "")
    assert httpd.get(path).cache == "HIT"
    assert httpd.get(path, GZIP).cache == "HIT"
    assert origin.count(path) <= 2


def test_deflated_tags_are_recognised(httpd, origin, path):
    """mod_deflate changes "v" to "v-gzip"; a client that has that one gets its
    304."""
    path = "/deflate" + path
    origin.on(path, ok(TEXT, ("ETag", '"v"')))
    httpd.get(path, GZIP)
    hit = httpd.get(path, GZIP)
    assert hit.cache == "HIT"
    again = httpd.get(path, {**GZIP, "If-None-Match": hit.etag})
    assert (again.status, again.cache) == (304, "HIT")
    assert origin.count(path) == 1


def test_tags_where_two_filters_may_compress(origin, path, mpm):
    names = {"origin": f"http://127.0.0.1:{origin.port}",
             "modules": apxs("LIBEXECDIR")}
    origin.on(path, ok(TEXT, ("ETag", '"v"')))
    with Httpd("LoadModule brotli_module {modules}/mod_brotli.so\n"
               "ProxyPass / {origin}/\nFCacheEnable on\n"
               "SetOutputFilter BROTLI_COMPRESS;DEFLATE\n",
               mpm, names=names) as httpd:
        for coding in ("gzip", "br", "identity"):
            takes = {"Accept-Encoding": coding}
            httpd.get(path, takes)
            hit = httpd.get(path, takes)
            assert hit.cache == "HIT"
            assert hit.get("Content-Encoding", "identity") == coding
            again = httpd.get(path, {**takes, "If-None-Match": hit.etag})
            assert (again.status, again.cache) == (304, "HIT"), coding
            other = {**takes, "If-None-Match": '"w-gzip", "w-br", "w"'}
            assert httpd.get(path, other).status == 200


def test_deflate_of_a_large_body(httpd, origin, path):
    path = "/deflate" + path
    body = TEXT * 40
    origin.on(path, ok(body))
    assert [unpacked(httpd.get(path, GZIP)) == body for _ in "12"] == [True] * 2
    assert httpd.get(path, GZIP).cache == "HIT"
    assert httpd.get(path).body == body


def test_the_origins_gzip_is_not_given_to_who_cannot_read_it(httpd, origin,
                                                              path):
    """T17: Content-Encoding without Vary."""
    def answer(request):
        if "gzip" in (request.get("Accept-Encoding") or ""):
            return ok(gzip.compress(TEXT), ("Content-Encoding", "gzip"))
        return ok(TEXT)
    origin.on(path, answer)
    for headers in (GZIP, {}, GZIP, {}, {"Accept-Encoding": "br"},
                    {"Accept-Encoding": "gzip;q=0"},
                    {"Accept-Encoding": "x, GZIP ; q=1"}):
        got = httpd.get(path, headers)
        if not headers:
            assert not got.has("Content-Encoding")
        assert unpacked(got) == TEXT
    assert got.cache and httpd.get(path, GZIP).cache == "HIT"


def test_headers_module_applies_on_hits(httpd, origin, path):
    path = "/headers" + path
    origin.on(path, ok("x", ("X-Secret", "s"), ("X-Edit", "aha"),
                       ("X-Append", "zero")))
    answers = [httpd.get(path) for _ in range(3)]
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
    for answer in answers:
        assert answer.all("X-Set") == ["fixed"]
        assert answer.all("X-Add") == ["added"]
        assert answer.all("X-Append") == ["zero, one"]
        assert answer.all("X-Always") == ["always"]
        assert answer.all("X-Edit") == ["bha"]
        assert not answer.has("X-Secret")
    assert origin.seen(path)[0].get("X-Asked") == "yes"


def test_early_headers_are_not_the_origins(httpd, origin, path):
    origin.on(path, ok())
    answers = [httpd.get(path, source=source) for source in (
        "127.0.0.2", "127.0.0.1", "127.0.0.2")]
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
    assert [a.all("X-Early") for a in answers] == [["1"]] * 3


def test_variables_are_there_for_headers_module(httpd, origin, path):
    path = "/headers" + path
    origin.on(path, ok())
    httpd.get(path)
    assert httpd.get(path).all("X-Verdict") == ["HIT"]


def test_headers_module_applies_on_304(httpd, origin, path):
    path = "/headers" + path
    origin.on(path, ok("x", ("ETag", '"v"')))
    httpd.get(path)
    answer = httpd.get(path, {"If-None-Match": '"v"'})
    assert (answer.status, answer.cache) == (304, "HIT")
    assert answer.all("X-Always") == ["always"]


def test_expires_module(httpd, origin, path):
    path = "/expires" + path
    origin.on(path, counting(cc=None))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.body for a in answers] == [b"body 1"] * 2
    assert len(answers[1].all("Expires")) <= 1
    assert len(answers[1].all("Cache-Control")) == 1


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_filter_that_fails(httpd, origin, path, framing):
    """T35: mod_proxy reads no further, and that is not the end."""
    httpd.log.allow("AH01328")  # line too long
    path = "/fails" + path
    body = (b"x" * 1000 + b"\n") * 50
    origin.on(path, ok(body, ("ETag", '"v"'), framing=framing,
                       pace=(10000, 0.05)))
    try:
        assert httpd.get(path, {"X-Fail": "yes"}).body != body
    except Closed:
        pass
    answers = [httpd.get(path) for _ in "12"]
    assert [a.body == body for a in answers] == [True] * 2
    assert [a.cache for a in answers] == ["MISS", "HIT"]
