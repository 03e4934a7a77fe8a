# SPDX-License-Identifier: Apache-2.0
"""POST answers that are the content of their own URL (RFC 9110 section
9.3.3)."""
import threading

import pytest

from harness.client import Closed
from harness.origin import Reply, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheExpire 60
<Location /off>
    FCachePostReuse off
</Location>
"""
COOKIE = {"Cookie": "a=b"}


def answers(*fields, cc="max-age=60", body="posted", **knobs):
    """Tells a POST's answer from a GET's by its body."""
    def answer(request):
        if request.method == "POST":
            return ok(body, *fields, cc=cc, **knobs)
        return ok("got", cc="max-age=60")
    return answer


def ask(httpd, path, headers=()):
    got = httpd.get(path, dict(headers))
    return got.cache, got.body


def post(httpd, path, headers=()):
    got = httpd.post(path, b"data", headers=dict(headers))
    assert got.cache == "BYPASS" and got.body
    return got


@pytest.mark.parametrize("reference", [
    "{path}", "http://localhost{path}", "HTTP://LOCALHOST{path}", "{last}"])
def test_is_reused_for_get(httpd, origin, path, reference):
    name = reference.format(path=path, last=path.rsplit("/", 1)[1])
    origin.on(path, answers(("Content-Location", name)))
    first = post(httpd, path)
    assert "stored" in first.get("Cache-Status")
    assert first.get("Cache-Status").startswith("mod_fcache; fwd=method; ")
    hit = httpd.get(path)
    assert (hit.cache, hit.body) == ("HIT", b"posted")
    assert len(hit.all("Cache-Status")) == 1
    assert hit.get("Cache-Status").startswith("mod_fcache; hit; ")
    assert httpd.get(path, method="HEAD").cache == "HIT"
    tag = httpd.get(path).etag
    assert tag and tag == first.etag
    assert httpd.get(path, {"If-None-Match": tag}).status == 304
    assert post(httpd, path).status == 200
    assert origin.count(path) == 2


def test_the_query_is_part_of_it(httpd, origin, path):
    origin.on(path, answers(("Content-Location", path + "?a=1")))
    post(httpd, path + "?a=1")
    assert ask(httpd, path + "?a=1") == ("HIT", b"posted")
    for other in ("", "?", "?a=2"):
        post(httpd, path + other)
        assert ask(httpd, path + other) == ("MISS", b"got"), other


@pytest.mark.parametrize("reply", [
    answers(),
    answers(("Content-Location", "/other")),
    answers(("Content-Location", "http://other{path}")),
    answers(("Content-Location", "https://localhost{path}")),
    answers(("Content-Location", "{path}"), cc=None),
    answers(("Content-Location", "{path}"), cc="no-store, max-age=60"),
    answers(("Content-Location", "{path}"), cc="private, max-age=60"),
    answers(("Content-Location", "{path}"), cc="max-age=0"),
    answers(("Content-Location", "{path}"), ("Set-Cookie", "a=b")),
    answers(("Content-Location", "{path}"), status=201),
    answers(("Content-Location", "{path}"), status=404),
    answers(("Content-Location", "{path}"), framing="close"),
    answers(("Content-Location", "{path}"), ("Vary", "*")),
    answers(("Content-Location", "{path}"), ("Content-Location", "{path}")),
    answers(("Content-Location", "{path}"), ("Content-Location", "/other")),
    answers(("Content-Location", "{path}"), ("Content-Range", "bytes 0-5/6"),
            status=206),
    answers(("Content-Location", "{path}/")),
    answers(("Content-Location", "{path}?")),
    answers(("Content-Location", "{path};x")),
    answers(("Content-Location", "http://localhost:1{path}")),
    answers(("Content-Location", "http://a@localhost{path}")),
    answers(("Content-Location", "//localhost{path}, /x")),
], ids=lambda reply: None)
def test_is_not_reused(httpd, origin, path, reply):
    """Neither a lifetime of ours nor another URL makes it one."""
    def filled(request):
        made = reply(request)
        made.headers = tuple((n, v.replace("{path}", path))
                             for n, v in made.headers)
        return made
    origin.on(path, filled)
    post(httpd, path)
    assert ask(httpd, path) == ("MISS", b"got")


@pytest.mark.parametrize("headers", [
    COOKIE, {"Authorization": "Basic eDp5"}, {"X-HTTP-Method-Override": "PUT"},
    {"Connection": "X-User"}, {"Cache-Control": "no-store"}])
def test_requests_of_someone_are_not_reused(httpd, origin, path, headers):
    origin.on(path, answers(("Content-Location", path)))
    post(httpd, path, headers)
    assert ask(httpd, path) == ("MISS", b"got")


def test_what_varies(httpd, origin, path):
    origin.on(path, answers(("Content-Location", path), ("Vary", "Foo")))
    post(httpd, path, {"Foo": "1"})
    assert ask(httpd, path, {"Foo": "1"}) == ("HIT", b"posted")
    assert ask(httpd, path, {"Foo": "2"}) == ("MISS", b"got")


@pytest.mark.parametrize("method", ["DELETE", "POST", "FOO"])
@pytest.mark.parametrize("other,expected", [
    (None, ("MISS", b"got")), ("/elsewhere", ("HIT", b"posted"))])
def test_a_write_beside_it_wins(httpd, origin, path, other, expected, method):
    """While this one was answered another write came: nobody knows which was
    the last. Those to other URLs do not matter."""
    origin.on("/elsewhere", ok())
    asked, gate = threading.Event(), threading.Event()

    def slow(request):
        asked.set()
        assert gate.wait(10)
        return answers(("Content-Location", path))(request)
    origin.on(path, slow, answers())
    httpd.get("/elsewhere")
    thread = threading.Thread(target=post, args=(httpd, path))
    thread.start()
    assert asked.wait(10)
    assert httpd.post(other or path, b"x", method=method).status == 200
    gate.set()
    thread.join()
    assert ask(httpd, path) == expected


def test_a_body_that_breaks_off(httpd, origin, path):
    httpd.log.allow("proxy:", "proxy_http:", "FC0102")
    fields = ("Content-Location", path)
    origin.on(path, answers(fields, body="x" * 100000, cut=70000),
              answers(fields))
    with pytest.raises(Closed):
        post(httpd, path)
    assert ask(httpd, path) == ("MISS", b"got")


def test_off(httpd, origin, path):
    path = "/off" + path
    origin.on(path, answers(("Content-Location", path)))
    post(httpd, path)
    assert ask(httpd, path) == ("MISS", b"got")


def test_an_origin_that_does_not_answer(httpd, origin, path):
    httpd.log.allow("proxy:", "proxy_http:")
    origin.on(path, Reply(drop=True))
    got = httpd.post(path, b"x")
    assert got.status == 502 and got.cache == "BYPASS"
    assert got.get("Cache-Status") == "mod_fcache; fwd=method; detail=method"
