# SPDX-License-Identifier: Apache-2.0
"""RFC 9111 section 4.4: a write that the origin took ends what is stored for
its URL, also what is still on its way into the store."""
import threading

import pytest

from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
SetEnvIf X-Skip 1 no-cache
SetEnvIf X-Skip 2 no-fcache
<Location /tenant>
    FCacheKeyBuilder header:X-Tenant
</Location>
<Location /cookie>
    FCacheKeyBuilder cookie:lang
</Location>
<Location /small>
    FCacheMethods GET POST
    FCacheMaxRequestBody 10
</Location>
"""


class Slow:
    """An origin whose answer to the GET is asked for before a POST and ends
    after it."""

    def __init__(self, old, new, first=None):
        self.old, self.new, self.first = old, new, first
        self.asked = threading.Event()
        self.written = threading.Event()

    def __call__(self, request):
        if request.method != "GET":
            return ok("written", cc=None)
        if self.first:
            answer, self.first = self.first, None
            return answer
        if self.written.is_set():
            return self.new
        self.asked.set()
        if self.old.gate is None:
            self.written.wait(10)
        return self.old


def write_while_reading(httpd, path, script):
    """The answer to the GET that the POST came in between of."""
    got = []
    reader = threading.Thread(target=lambda: got.append(httpd.get(path)))
    reader.start()
    assert script.asked.wait(10)
    assert httpd.post(path, b"x").status == 200
    script.written.set()
    reader.join(15)
    return got[0]


def test_a_write_wins_over_a_read_that_waits_for_the_origin(httpd, origin,
                                                            path):
    script = Slow(ok("old"), ok("new"))
    origin.on(path, script)
    assert write_while_reading(httpd, path, script).body == b"old"
    answers = [httpd.get(path) for _ in range(2)]
    assert [(a.body, a.cache) for a in answers] == [(b"new", "MISS"),
                                                    (b"new", "HIT")]


@pytest.mark.parametrize("headers", [(), (("ETag", '"v"'),)])
def test_a_write_wins_over_a_body_that_streams(httpd, origin, path, headers):
    old = ok(b"o" * 200000, *headers, pace=(100000, 0))
    script = Slow(old, ok("new"))
    old.gate = script.written
    origin.on(path, script)
    assert write_while_reading(httpd, path, script).body == old.body
    answer = httpd.get(path)
    assert (answer.body, answer.cache) == (b"new", "MISS")


def test_a_write_wins_over_a_revalidation(httpd, origin, path):
    tag = ("ETag", '"v"')
    renewal = Reply(304, (("Cache-Control", "max-age=60"), tag),
                    framing="none")
    script = Slow(renewal, ok("new"), first=ok("old", tag, cc="no-cache"))
    origin.on(path, script)
    assert httpd.get(path).cache == "MISS"
    answer = write_while_reading(httpd, path, script)
    assert origin.seen(path)[1].get("If-None-Match") == '"v"'
    assert (answer.body, answer.cache) == (b"old", "REVALIDATED")
    answer = httpd.get(path)
    assert (answer.body, answer.cache) == (b"new", "MISS")


@pytest.mark.parametrize("scope,fields", [
    ("", {"X-Forwarded-Proto": "https"}), ("", {"X-Forwarded-Host": "x"}),
    ("/tenant", {"X-Tenant": "a"}), ("/cookie", {"Cookie": "lang=de"}),
    ("", {"Accept-Language": "de"})])
def test_a_write_ends_what_others_fields_made(httpd, origin, path, scope,
                                              fields):
    path = scope + path
    origin.on(path, counting(("Vary", "Accept-Language"),
                             cc="public, max-age=60"))
    assert [httpd.get(path, fields).cache for _ in "12"] == ["MISS", "HIT"]
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    httpd.post(path, b"x")
    assert httpd.get(path, fields).cache == "MISS"
    assert httpd.get(path).cache == "MISS"


def test_a_write_ends_only_its_own_url(httpd, origin, path):
    others = [path + "/x", path + "?q", path + "x", path + "%20"]
    origin.on(path + "*", counting())
    for target in others + [path]:
        assert httpd.get(target).cache == "MISS"
    httpd.post(path, b"x")
    assert [httpd.get(target).cache for target in others] == ["HIT"] * 4
    assert httpd.get(path).cache == "MISS"
    assert httpd.get(path, host="localhost:81").cache == "MISS"
    httpd.post(path, b"x")
    assert httpd.get(path, host="localhost:81").cache == "HIT"


@pytest.mark.parametrize("form,host", [
    ("http://localhost", "localhost"), ("HTTP://LocalHost:80", "other")])
def test_a_write_in_absolute_form_counts(httpd, origin, path, form, host):
    """RFC 9112 section 3.2.2: the target's host stands, not the field's."""
    answer = Reply(201, (("Location", path + "/new"),
                         ("Content-Location", f"http://localhost{path}/moved")))
    for where in (path + "*", "/"):
        origin.on(where, lambda r: answer if r.method == "PUT" else ok())
    targets = [path, path + "?q", "/", path + "/new", path + "/moved"]
    for target in targets:
        httpd.get(target)
    assert [httpd.get(target).cache for target in targets] == ["HIT"] * 5
    for target in (path, path + "?q", ""):
        httpd.get(form + target, method="PUT", body=b"x", host=host)
    assert [httpd.get(target).cache for target in targets] == ["MISS"] * 5


@pytest.mark.parametrize("value", "12")
def test_a_write_that_goes_round_the_cache_counts(httpd, origin, path, value):
    origin.on(path, counting())
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    answer = httpd.post(path, b"x", {"X-Skip": value})
    assert (answer.status, answer.cache) == (200, "BYPASS")
    assert httpd.get(path).cache == "MISS"


def test_a_body_too_large_for_the_key_is_a_write(httpd, origin, path):
    path = "/small" + path
    origin.on(path, counting())
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    assert httpd.post(path, b"x" * 11).cache == "BYPASS"
    assert httpd.get(path).cache == "MISS"
