# SPDX-License-Identifier: Apache-2.0
"""What a 304 makes of a stored answer (RFC 9111 sections 3.2 and 4.3.4), and
what it cannot (T15)."""
import time

import pytest

from harness.client import Connection
from harness.origin import Reply, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
"""
TAG = '"v1"'
UPDATED = ["Cache-Control", "Content-Disposition", "Content-Language",
           "Content-Location", "Content-Security-Policy", "Content-Type",
           "Expires", "Last-Modified", "Link", "Location", "Test-Header",
           "X-Frame-Options", "X-Test", "Allow", "P3P", "Server-Timing",
           "Strict-Transport-Security", "Access-Control-Allow-Origin"]
KEPT = ["Content-Encoding", "Content-Length", "Content-MD5", "Content-Range",
        "ETag", "Content-Digest"]
HOP = ["Connection", "Keep-Alive", "Proxy-Authenticate", "TE", "Upgrade",
       "Proxy-Connection", "Trailer"]
VALUES = {"Cache-Control": ("max-age=1, x=1", "max-age=60, x=2"),
          "Content-Type": ("text/one", "text/two"),
          "Content-Language": ("de", "en"),
          "Content-Length": ("8", "3"),
          "ETag": (TAG, '"v2"'),
          "Expires": ("Fri, 15 Jan 2021 08:00:00 GMT",
                      "Sat, 16 Jan 2021 08:00:00 GMT"),
          "Last-Modified": ("Fri, 15 Jan 2021 08:00:00 GMT",
                            "Sat, 16 Jan 2021 08:00:00 GMT"),
          "Content-Encoding": ("x-one", "gzip"),
          "Content-Location": ("/one", "/two"), "Location": ("/one", "/two")}


def with_fields(fields, **more):
    """Those, with a tag and a lifetime where they say none."""
    wanted = {"ETag": TAG, **more, **fields}
    return tuple(wanted.items())


def confirmed(httpd, origin, path, before, after):
    """A stored answer with these fields, stale, and then confirmed by a 304
    with those: what two later requests get."""
    origin.on(path, Reply(200, with_fields(
        before, **{"Cache-Control": "max-age=1"}), b"the body"),
              Reply(304, with_fields(
                  after, **{"Cache-Control": "max-age=60"}), framing="none"))
    httpd.get(path)
    time.sleep(2.05)
    answers = [httpd.get(path) for _ in "12"]
    assert [a.cache for a in answers] == ["REVALIDATED", "HIT"]
    assert origin.seen(path)[1].get("If-None-Match") == before.get("ETag", TAG)
    assert origin.count(path) == 2
    for answer in answers:
        assert (answer.status, answer.body) == (200, b"the body")
        assert answer.get("Content-Length") == "8"
    return answers


@pytest.fixture(name="all_names", scope="module")
def check_all(httpd, origin, mpm):
    """One wait for all names: name -> the two answers."""
    groups = UPDATED + KEPT + HOP
    for name in groups:
        one, two = VALUES.get(name, ("one", "two"))
        origin.on(f"/names/{name}", Reply(200, with_fields(
            {name: one} if name not in HOP else {},
            **{"Cache-Control": "max-age=1"}), b"the body"),
                  Reply(304, with_fields(
                      {name: two}, **{"Cache-Control": "max-age=60"}),
                        framing="none"))
        httpd.get(f"/names/{name}")
    time.sleep(2.05)
    return {name: [httpd.get(f"/names/{name}") for _ in "12"]
            for name in groups}


@pytest.mark.parametrize("name", UPDATED)
def test_fields_that_are_updated(all_names, name):
    _, new = VALUES.get(name, ("one", "two"))
    for answer in all_names[name]:
        assert answer.all(name) == [new]


@pytest.mark.parametrize("name", KEPT)
def test_fields_that_tell_of_the_body_are_kept(all_names, name):
    old, _ = VALUES.get(name, ("one", "two"))
    renewed, hit = all_names[name]
    assert (renewed.cache, hit.cache) == ("REVALIDATED", "HIT")
    for answer in (renewed, hit):
        assert answer.all(name) == [old] and answer.body == b"the body"


@pytest.mark.parametrize("name", HOP)
def test_fields_of_a_connection_are_nobodys(all_names, name):
    for answer in all_names[name]:
        assert "two" not in answer.all(name) and answer.body == b"the body"


def test_a_field_in_several_lines_is_replaced_whole(httpd, origin, path):
    answers = confirmed(httpd, origin, path, {"X-A": "1"}, {"X-A": "2"})
    assert [a.all("X-A") for a in answers] == [["2"], ["2"]]


def test_our_own_tag_is_not_the_origins(httpd, origin, path):
    """It would make the origin ignore the date (RFC 9110 section 13.1.3)."""
    date = "Fri, 15 Jan 2021 08:00:00 GMT"
    origin.on(path, ok("the body", ("Last-Modified", date), cc="no-cache"),
              Reply(304, (("Last-Modified", date),
                          ("Cache-Control", "no-cache")), framing="none"),
              Reply(304, (("Cache-Control", "max-age=60"),), framing="none"))
    first = httpd.get(path)
    tag = {"If-None-Match": first.etag}
    answers = [httpd.get(path, tag), httpd.get(path), httpd.get(path),
               httpd.get(path, tag)]
    assert [a.cache for a in answers] == ["REVALIDATED"] * 2 + ["HIT"] * 2
    assert [a.status for a in answers] == [304, 200, 200, 304]
    assert [a.etag for a in answers] == [first.etag] * 4
    for request in origin.seen(path)[1:]:
        assert request.get("If-None-Match") is None
        assert request.get("If-Modified-Since") == date


def test_what_a_304_does_not_name_stays(httpd, origin, path):
    answers = confirmed(httpd, origin, path, {"X-A": "1"}, {"X-B": "2"})
    for answer in answers:
        assert (answer.all("X-A"), answer.all("X-B")) == (["1"], ["2"])


@pytest.mark.parametrize("fields", [
    {"Cache-Control": "no-store"}, {"Cache-Control": "private"}, {"Vary": "*"}])
def test_a_304_that_forbids_storing(httpd, origin, path, fields):
    """The stored answer answers this once and is forgotten."""
    origin.on(path, ok("old", ("ETag", TAG), cc="no-cache"),
              Reply(304, with_fields(fields), framing="none"),
              ok("new", ("ETag", '"v2"')))
    httpd.get(path)
    assert httpd.get(path).body == b"old"
    again = httpd.get(path)
    assert (again.cache, again.body) == ("MISS", b"new")
    assert origin.seen(path)[-1].get("If-None-Match") is None


@pytest.mark.parametrize("body,knobs,stored", [
    (b"new", {}, True), (b"", {}, True), (b"n" * 300000, {}, True),
    (b"n" * 300000, {"framing": "chunked", "pace": (100000, 0.05)}, True),
    (b"n" * 1100000, {"framing": "chunked"}, False)])
@pytest.mark.parametrize("asked", [{"If-None-Match": '"v0", "v2"'},
                                   {"If-Modified-Since": VALUES["Expires"][1]}])
def test_a_client_that_has_what_takes_the_place(httpd, origin, path, body,
                                                knobs, stored, asked):
    """Its own condition was taken out for ours, so that it is for us to
    answer: by what is new (section 4.3.2), which others get."""
    fields = (("ETag", '"v2"'), ("Last-Modified", VALUES["Expires"][0]))
    origin.on(path, ok("old", ("ETag", TAG), cc="no-cache"),
              ok(body, *fields, **knobs), ok("next"))
    httpd.get(path)
    with Connection(httpd.port) as connection:
        answer = connection.request(path, headers=asked)
        assert (answer.status, answer.etag) == (304, '"v2"')
        assert origin.seen(path)[1].get("If-None-Match") == TAG
        hit = connection.request(path)
        assert (hit.cache, hit.body) == (("HIT", body) if stored else
                                         ("MISS", b"next"))


@pytest.mark.parametrize("status", [200, 203, 201, 204, 301, 404])
def test_conditions_are_for_success(httpd, origin, path, status):
    """RFC 9110 section 13.2.1."""
    body = b"" if status == 204 else b"x"
    origin.on(path, Reply(status, (("ETag", TAG), ("Location", "/x"),
                                   ("Cache-Control", "max-age=60")), body,
                          framing="none" if status == 204 else "length"))
    httpd.get(path)
    answer = httpd.get(path, {"If-None-Match": TAG})
    assert (answer.cache, answer.status) == (
        "HIT", 304 if status < 300 else status)


@pytest.mark.parametrize("status", [200, 204, 404, 500, 503])
def test_anything_but_304_replaces_or_passes(httpd, origin, path, status):
    body = b"" if status == 204 else b"instead"
    origin.on(path, ok("old", ("ETag", TAG), cc="no-cache"),
              Reply(status, (("Cache-Control", "no-store"),), body,
                    framing="none" if status == 204 else "length"))
    httpd.get(path)
    answer = httpd.get(path)
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("mine", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
                                  ("X-Csrf", "secret")])
@pytest.mark.parametrize("method,status", [("GET", 304), ("HEAD", 200)])
def test_what_is_for_one_client_goes_to_it_alone(httpd, origin, path, mine,
                                                 method, status):
    """T9, T15: whoever is known by a cookie gets what the origin says to him
    when it confirms, and nobody gets it from the store."""
    fields = [("ETag", TAG), ("Cache-Control", "max-age=60, private=x-own"),
              ("X-Own", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
              ("X-Csrf", "secret"), ("Connection", "X-Hop"), ("X-Hop", "1")]
    origin.on(path, ok("old", ("ETag", TAG), ("X-Csrf", "none"),
                       cc="max-age=1"),
              Reply(status, tuple(fields), framing="none"))
    httpd.get(path)
    time.sleep(1.1)
    answer = httpd.get(path, {"Cookie": "user=1"}, method=method)
    assert (answer.status, answer.cache) == (200, "REVALIDATED")
    assert (mine in answer.headers) and answer.all("X-Own") == ["1"]
    assert answer.all("Set-Cookie") == ["a=1", "b=2"]
    assert not answer.has("X-Hop") and answer.all("X-Csrf") == ["secret"]
    assert answer.directives["max-age"] == "60"
    for headers in ({}, {"Cookie": "user=2"}):
        hit = httpd.get(path, headers)
        assert (hit.cache, hit.body) == ("HIT", b"old")
        assert hit.all("X-Csrf") == ["none"]
        assert not hit.has("Set-Cookie") and not hit.has("X-Own")


def test_shared_fields_of_an_answer_to_cookies(httpd, origin, path):
    """Where the origin says that it is for all, all of it is."""
    cc = ("Cache-Control", "max-age=60, public")
    origin.on(path, ok("old", ("ETag", TAG), cc="max-age=1"),
              Reply(304, (("ETag", TAG), cc, ("X-A", "2")), framing="none"))
    httpd.get(path)
    time.sleep(1.1)
    assert httpd.get(path, {"Cookie": "user=1"}).cache == "REVALIDATED"
    assert httpd.get(path).all("X-A") == ["2"]


def test_a_304_with_another_tag(httpd, origin, path):
    """Section 4.3.4: what it describes is not what is stored."""
    cc = ("Cache-Control", "max-age=60")
    origin.on(path, ok("old", ("ETag", TAG), ("X-A", "1"), cc="max-age=4"),
              Reply(304, (("ETag", '"v2"'), cc, ("X-A", "2"), ("X-B", "2"),
                          ("Cache-Tag", "two"), ("Set-Cookie", "a=1")),
                    framing="none"))
    httpd.get(path)
    time.sleep(5.05)
    answers = [httpd.get(path) for _ in "12"]
    assert [a.cache for a in answers] == ["REVALIDATED", "HIT"]
    for answer in answers:
        assert (answer.body, answer.etag, answer.all("X-A"), answer.has("X-B"),
                answer.directives["max-age"]) == (b"old", TAG, ["1"], False, "4")
    assert [a.all("Set-Cookie") for a in answers] == [["a=1"], []]
    httpd.fcachectl("clear", "--tag", "two")
    assert httpd.get(path).cache == "HIT"


def test_what_a_304_says_that_ends_the_entry(httpd, origin, path):
    origin.on(path, ok("old", ("ETag", TAG), cc="no-cache"),
              Reply(304, (("ETag", TAG), ("Cache-Control", "private"),
                          ("Set-Cookie", "a=1"), ("X-A", "2")),
                    framing="none"))
    httpd.get(path)
    answer = httpd.get(path)
    assert (answer.body, answer.all("Cache-Control"), answer.all("X-A"),
            answer.all("Set-Cookie")) == (b"old", ["private"], ["2"], ["a=1"])


def test_a_304_nobody_asked_for(httpd, origin, path):
    """Without a validator nothing is confirmed, whatever it says."""
    origin.on(path, ok("old", cc="max-age=1"),
              Reply(304, with_fields({"Cache-Control": "max-age=60"}),
                    framing="none"), ok("new"))
    httpd.get(path)
    time.sleep(2.05)
    assert httpd.get(path).cache == "MISS"
    assert httpd.get(path).body == b"new"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_did_not_select_is_forgotten(httpd, origin, path, method):
    """Section 4.1: the stored answer was not chosen by what Vary says now."""
    told = [("ETag", TAG), ("Vary", "X-A"), ("Cache-Control", "max-age=60")]
    origin.on(path, ok("for 1", ("ETag", TAG), cc="max-age=1"),
              Reply(304 if method == "GET" else 200, tuple(told),
                    framing="none"), ok("for 2", *told[:2]))
    httpd.get(path, {"X-A": "1"})
    time.sleep(1.1)
    answer = httpd.get(path, {"X-A": "1"}, method=method)
    assert answer.status == 200
    assert answer.body == (b"for 1" if method == "GET" else b"")
    for verdict in ("MISS", "HIT"):
        answer = httpd.get(path, {"X-A": "2"})
        assert (answer.cache, answer.body) == (verdict, b"for 2")
