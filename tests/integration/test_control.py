# SPDX-License-Identifier: Apache-2.0
"""What clients ask for in Cache-Control, and what they are told there."""
import time

import pytest

from harness.client import fetch
from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
SetEnvIf X-No-Cache . no-fcache
<Location /keep>
    FCacheExpire 60
</Location>
<Location /set>
    FCacheClientCacheControl set
</Location>
<Location /setvalue>
    FCacheClientCacheControl set "private, max-age=5"
</Location>
<Location /unset>
    FCacheClientCacheControl unset
</Location>
<Location /ignore>
    FCacheRequestControl ignore
</Location>
<Location /refresh>
    FCacheRequestControl refresh-only
</Location>
"""


def pair(httpd, path):
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    return answers


# ---- told to clients


def test_keep_is_the_default(httpd, origin, path):
    origin.on(path, ok(cc="max-age=77, public"))
    for answer in pair(httpd, path):
        assert answer.all("Cache-Control") == ["max-age=77, public"]


def test_keep_tells_what_is_left_where_the_origin_said_nothing(
        httpd, origin, path):
    origin.on("/keep" + path, ok(cc=None))
    for answer in pair(httpd, "/keep" + path):
        assert 58 <= int(answer.directives["max-age"]) <= 60


def test_set_with_a_value(httpd, origin, path):
    origin.on("/setvalue" + path, ok(cc="max-age=77"))
    for answer in pair(httpd, "/setvalue" + path):
        assert answer.all("Cache-Control") == ["private, max-age=5"]


def test_set_without_a_value_is_what_is_left(httpd, origin, path):
    origin.on("/set" + path, ok("x", ("Age", "20"), cc="public, max-age=77"))
    answer = pair(httpd, "/set" + path)[1]
    assert list(answer.directives) == ["max-age"]
    assert 55 <= int(answer.directives["max-age"]) <= 57


def test_unset(httpd, origin, path):
    origin.on("/unset" + path, ok(cc="max-age=77"))
    for answer in pair(httpd, "/unset" + path):
        assert not answer.has("Cache-Control")


def test_what_is_not_stored_keeps_its_cache_control(httpd, origin, path):
    origin.on("/keep" + path, ok(cc="no-store"))
    answer = httpd.get("/keep" + path)
    assert answer.all("Cache-Control") == ["no-store"]
    assert answer.cache == "MISS"


def test_304_tells_the_same(httpd, origin, path):
    origin.on("/setvalue" + path, ok("x", ("ETag", '"v"')))
    pair(httpd, "/setvalue" + path)
    answer = httpd.get("/setvalue" + path, {"If-None-Match": '"v"'})
    assert answer.status == 304
    assert answer.all("Cache-Control") == ["private, max-age=5"]


# ---- asked by clients


def ask(httpd, path, value):
    return httpd.get(path, {"Cache-Control": value})


@pytest.mark.parametrize("value", [
    "no-cache", "NO-CACHE", "foo=1, no-cache", "max-age=0", 'x="a,b",no-cache',
    "min-fresh=1000"])
def test_refresh_asked(httpd, origin, path, value):
    origin.on(path, counting())
    pair(httpd, path)
    answer = ask(httpd, path, value)
    assert (answer.body, answer.cache) == (b"body 2", "MISS")
    assert httpd.get(path).body == b"body 2"


@pytest.mark.parametrize("value", [
    "x-no-cache", "no-cachet", 'foo="no-cache"', "no-transform", "max-age=60",
    "min-fresh=10", "max-stale", ""])
def test_not_a_refresh(httpd, origin, path, value):
    origin.on(path, counting())
    pair(httpd, path)
    assert ask(httpd, path, value).cache == "HIT"


@pytest.mark.parametrize("value", ["no-store", "No-Store", "a=1,no-store"])
def test_no_store_bypasses_and_stores_nothing(httpd, origin, path, value):
    origin.on(path, counting())
    assert ask(httpd, path, value).cache == "BYPASS"
    assert httpd.get(path).cache == "MISS"
    assert ask(httpd, path, value).body == b"body 3"
    assert httpd.get(path).body == b"body 2"


@pytest.mark.parametrize("value", ["x-no-store", 'foo="no-store"',
                                   "no-stored"])
def test_not_a_no_store(httpd, origin, path, value):
    origin.on(path, counting())
    pair(httpd, path)
    assert ask(httpd, path, value).cache == "HIT"


def test_only_if_cached(httpd, origin, path):
    origin.on(path, counting())
    answer = ask(httpd, path, "only-if-cached")
    assert (answer.status, answer.cache) == (504, "ERROR")
    assert origin.count(path) == 0
    pair(httpd, path)
    assert ask(httpd, path, "only-if-cached").cache == "HIT"


@pytest.mark.parametrize("fields", [
    {"X-HTTP-Method-Override": "GET"}, {"Connection": "X-A", "X-A": "1"},
    {"Content-Length": "1"}, {"Upgrade": "x", "Connection": "Upgrade"},
    {"X-Also": "no-store"}])
def test_only_if_cached_round_the_cache(httpd, origin, path, fields):
    """Section 5.2.1.7: what is not looked up is not forwarded either."""
    origin.on(path, counting())
    wish = ", ".join(["only-if-cached", *filter(None, [fields.get("X-Also")])])
    body = b"x" if "Content-Length" in fields else None
    answer = fetch(httpd.port, path, "GET", {**fields, "Cache-Control": wish},
                   body)
    assert (answer.status, answer.cache) == (504, "ERROR")
    assert "detail=only-if-cached" in answer.get("Cache-Status")
    assert origin.count(path) == 0


@pytest.mark.parametrize("method,fields", [
    ("POST", {}), ("DELETE", {}), ("GET", {"X-No-Cache": "1"})])
def test_only_if_cached_is_not_for_all(httpd, origin, path, method, fields):
    """Writes are written through (section 4), and where the cache is switched off
    there is none."""
    origin.on(path, ok())
    answer = fetch(httpd.port, path, method,
                   {**fields, "Cache-Control": "only-if-cached"})
    assert (answer.status, answer.cache) == (200, "BYPASS")


def test_request_control_ignore(httpd, origin, path):
    origin.on("/ignore" + path, counting())
    pair(httpd, "/ignore" + path)
    for value in ("no-cache", "no-store", "max-age=0", "min-fresh=1000"):
        answer = ask(httpd, "/ignore" + path, value)
        assert (answer.body, answer.cache) == (b"body 1", "HIT"), value


def test_request_control_refresh_only(httpd, origin, path):
    origin.on("/refresh" + path, counting())
    pair(httpd, "/refresh" + path)
    for value in ("no-store", "max-age=0", "min-fresh=1000"):
        assert ask(httpd, "/refresh" + path, value).cache == "HIT", value
    assert ask(httpd, "/refresh" + path, "no-cache").body == b"body 2"
    assert httpd.get("/refresh" + path).body == b"body 2"


def test_a_refresh_sends_our_validator(httpd, origin, path):
    origin.on(path, ok("x", ("ETag", '"v"')))
    pair(httpd, path)
    ask(httpd, path, "no-cache")
    assert origin.seen(path)[1].get("If-None-Match") == '"v"'


@pytest.mark.parametrize("stored,asked,status", [
    ("max-age=1", "", 503), ("max-age=1", "stale-if-error=60", 200),
    ("max-age=1", "stale-if-error", 503), ("max-age=1", "stale-if-error=0", 503),
    ("max-age=1, stale-if-error=60", "stale-if-error=0", 200),
    ("max-age=1", "stale-if-error=60, no-cache", 503),
    ("max-age=1, must-revalidate", "stale-if-error=60", 503),
    ("s-maxage=1", "stale-if-error=60", 503)])
@pytest.mark.parametrize("scope", ["", "/ignore"])
def test_stale_if_error(httpd, origin, path, stored, asked, status, scope):
    """RFC 5861 section 4: what a request allows for itself (T19)."""
    path = scope + path
    origin.on(path, ok("old", ("ETag", '"a"'), cc=stored),
              Reply(503, (), b"failed"))
    httpd.get(path)
    time.sleep(1.1)
    answer = httpd.get(path, {"Cache-Control": asked} if asked else {})
    if scope and "stale-if-error=60" not in stored:
        status = 503
    assert (answer.status, answer.cache) == (
        status, "STALE" if status == 200 else "MISS")
    assert httpd.get(path).status == (
        200 if "stale-if-error=60" in stored else 503)
