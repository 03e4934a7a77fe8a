# SPDX-License-Identifier: Apache-2.0
"""How long: what the origin says, what FCacheExpire and its kin say."""
import email.utils
import time

import pytest

from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /t60>
    FCacheExpire 60
</Location>
<Location /t5m>
    FCacheExpire 5m
</Location>
<Location /t1h>
    FCacheExpire 1h
</Location>
<Location /t1d>
    FCacheExpire 1d
</Location>
<Location /force>
    FCacheExpire 30 force
</Location>
<Location /short>
    FCacheExpire 1 force
</Location>
<Location /capped>
    FCacheMaxExpire 1
</Location>
<Location /status>
    FCacheExpire 100 404=20s 301=40 410=5m
</Location>
<Location /class>
    FCacheExpire origin 4xx=20s
    FCacheErrorStatus all
</Location>
<Location /cap>
    FCacheMaxExpire 10s
    FCacheExpire 60
</Location>
<Location /plain>
    FCacheHeuristic off
</Location>
"""


def hit(httpd, path):
    """The second of two answers, which must be a hit."""
    httpd.get(path)
    answer = httpd.get(path)
    assert answer.cache == "HIT", answer
    return answer


def lifetime(answer):
    """Seconds of freshness a client is told, with the age already taken."""
    return int(answer.directives["max-age"]) + (answer.age or 0)


@pytest.mark.parametrize("scope,seconds", [
    ("/t60", 60), ("/t5m", 300), ("/t1h", 3600), ("/t1d", 86400)])
def test_default_lifetime_and_its_units(httpd, origin, path, scope, seconds):
    origin.on(scope + path, ok(cc=None))
    told = int(hit(httpd, scope + path).directives["max-age"])
    assert seconds - 2 <= told <= seconds


def test_the_origin_goes_before_the_default(httpd, origin, path):
    origin.on("/t5m" + path, ok(cc="max-age=7"))
    answer = hit(httpd, "/t5m" + path)
    assert answer.get("Cache-Control") == "max-age=7"


@pytest.mark.parametrize("cc", ["no-store", "private", "max-age=0"])
def test_the_default_does_not_overrule_the_origin(httpd, origin, path, cc):
    origin.on("/t60" + path, counting(cc=cc))
    answers = [httpd.get("/t60" + path) for _ in range(2)]
    assert [a.body for a in answers] == [b"body 1", b"body 2"]
    assert [a.cache for a in answers] == ["MISS"] * 2


@pytest.mark.parametrize("cc", ["max-age=7", "max-age=0", "max-age=9999"])
def test_force_overrules_the_origins_lifetime(httpd, origin, path, cc):
    origin.on("/force" + path, counting(cc=cc))
    assert hit(httpd, "/force" + path).body == b"body 1"


def test_forced_and_capped_lifetimes_end(httpd, origin, path):
    targets = [scope + path for scope in ("/short", "/capped")]
    for target in targets:
        origin.on(target, counting(cc="max-age=9999"))
        assert hit(httpd, target).body == b"body 1"
    time.sleep(2.1)
    for target in targets:
        assert httpd.get(target).body == b"body 2"


@pytest.mark.parametrize("status,seconds", [
    (200, 100), (404, 20), (301, 40), (410, 300)])
def test_lifetime_by_status(httpd, origin, path, status, seconds):
    origin.on("/status" + path, Reply(status, body=b"x"))
    told = int(hit(httpd, "/status" + path).directives["max-age"])
    assert seconds - 2 <= told <= seconds


def test_lifetime_by_class_of_status(httpd, origin, path):
    origin.on("/class" + path + "/403", Reply(403, body=b"x"))
    origin.on("/class" + path + "/200", counting(cc=None))
    assert hit(httpd, "/class" + path + "/403").status == 403
    httpd.get("/class" + path + "/200")
    assert httpd.get("/class" + path + "/200").body == b"body 2"


def test_the_default_is_capped_too(httpd, origin, path):
    origin.on("/cap" + path, ok(cc=None))
    assert int(hit(httpd, "/cap" + path).directives["max-age"]) <= 10


def test_nothing_said_is_not_stored(httpd, origin, path):
    origin.on(path, counting(cc=None))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.body for a in answers] == [b"body 1", b"body 2"]
    assert [a.cache for a in answers] == ["MISS"] * 2


def test_heuristic_and_its_switch(httpd, origin, path):
    modified = ("Last-Modified",
                email.utils.formatdate(time.time() - 864000, usegmt=True))
    for where in (path, "/plain" + path):
        origin.on(where, counting(modified, cc=None))
        httpd.get(where)
    assert httpd.get(path).cache == "HIT"
    assert httpd.get("/plain" + path).cache != "HIT"


def test_expires_counts_against_date(httpd, origin, path):
    now = time.time()
    at = {n: email.utils.formatdate(now + n, usegmt=True)
          for n in (-60, 0, 60)}
    origin.on(path + "/fresh", ok("x", ("Expires", at[60]), cc=None))
    origin.on(path + "/past", ok("x", ("Expires", at[-60]), cc=None))
    origin.on(path + "/zero", ok("x", ("Expires", "0"), cc=None))
    origin.on(path + "/odd", ok("x", ("Expires", "in a minute"), cc=None))
    assert hit(httpd, path + "/fresh").body == b"x"
    for name in ("/past", "/zero", "/odd"):
        httpd.get(path + name)
        assert httpd.get(path + name).cache != "HIT", name


def test_s_maxage_goes_before_max_age(httpd, origin, path):
    origin.on(path + "/a", counting(cc="max-age=0, s-maxage=60"))
    assert hit(httpd, path + "/a").body == b"body 1"
    origin.on(path + "/b", counting(cc="max-age=60, s-maxage=0"))
    httpd.get(path + "/b")
    assert httpd.get(path + "/b").body == b"body 2"


def test_an_entry_expires(httpd, origin, path):
    origin.on(path, counting(cc="max-age=1"))
    assert httpd.get(path).body == b"body 1"
    assert httpd.get(path).cache == "HIT"
    time.sleep(2.1)
    answer = httpd.get(path)
    assert (answer.body, answer.cache) == (b"body 2", "MISS")
    assert not answer.has("Age")
    assert httpd.get(path).body == b"body 2"


def test_revalidation_renews_an_entry(httpd, origin, path):
    """RFC 9111 §4.3: our validator goes out, the 304 keeps the body."""
    def answer(request):
        if request.get("If-None-Match") == '"v1"':
            return Reply(304, (("ETag", '"v1"'), ("X-Round", "2"),
                               ("Cache-Control", "max-age=60")),
                         framing="none")
        return ok("the body", ("ETag", '"v1"'), ("X-Round", "1"),
                  cc="max-age=1")
    origin.on(path, answer)
    assert httpd.get(path).cache == "MISS"
    time.sleep(2.1)
    renewed = httpd.get(path)
    assert (renewed.status, renewed.cache) == (200, "REVALIDATED")
    assert renewed.body == b"the body"
    after = httpd.get(path)
    assert (after.status, after.cache) == (200, "HIT")
    assert after.body == b"the body"
    assert after.get("Content-Length") == "8"
    assert after.get("X-Round") == "2"
    assert origin.count(path) == 2


def test_revalidation_that_brings_new_content(httpd, origin, path):
    origin.on(path, ok("old", ("ETag", '"1"'), cc="max-age=1"),
              ok("new content", ("ETag", '"2"'), cc="max-age=60"))
    httpd.get(path)
    time.sleep(2.1)
    answer = httpd.get(path)
    assert (answer.body, answer.cache) == (b"new content", "MISS")
    assert origin.seen(path)[1].get("If-None-Match") == '"1"'
    assert httpd.get(path).body == b"new content"


def test_revalidation_keeps_the_clients_condition_apart(httpd, origin, path):
    """The client's tag matches nothing; the origin confirms ours: the client
    gets the whole body, not the 304 meant for us."""
    def answer(request):
        if '"ours"' in (request.get("If-None-Match") or ""):
            return Reply(304, (("ETag", '"ours"'),
                               ("Cache-Control", "max-age=60")),
                         framing="none")
        return ok("the body", ("ETag", '"ours"'), cc="max-age=1")
    origin.on(path, answer)
    httpd.get(path)
    time.sleep(2.1)
    got = httpd.get(path, {"If-None-Match": '"theirs"'})
    assert (got.status, got.body) == (200, b"the body")
    assert got.cache in ("REVALIDATED", "MISS")


def test_no_cache_response_is_revalidated_every_time(httpd, origin, path):
    def answer(request):
        if request.get("If-None-Match") == '"v"':
            return Reply(304, (("ETag", '"v"'),), framing="none")
        return ok("kept", ("ETag", '"v"'), cc="no-cache, max-age=60")
    origin.on(path, answer)
    assert httpd.get(path).cache == "MISS"
    for _ in range(2):
        again = httpd.get(path)
        assert (again.status, again.body) == (200, b"kept")
        assert again.cache == "REVALIDATED"
    assert origin.count(path) == 3


# ---- when the origin fails: RFC 9111 §4.2.4, RFC 5861 §4

DROP = Reply(drop=True)
BUSY = Reply(503, body=b"busy")
STALE = (200, b"old", "STALE")


FAILURES = [
    (DROP, "max-age=1", STALE),
    (DROP, "max-age=1, must-revalidate", (502, None, "MISS")),
    (DROP, "max-age=1, proxy-revalidate", (502, None, "MISS")),
    (DROP, "s-maxage=1", (502, None, "MISS")),
    (BUSY, "max-age=1, stale-if-error=60", STALE),
    (BUSY, "max-age=1, stale-if-error=60, must-revalidate",
     (503, b"busy", "MISS")),
    (BUSY, "max-age=1", (503, b"busy", "MISS"))]


def test_a_stale_answer_is_as_old_as_it_is_sent(httpd, origin, path):
    """The time for which the origin was waited for counts (RFC 9111 §4.2.3)."""
    httpd.log.allow("proxy:error", "proxy_http:error")
    origin.on(path, ok("old", cc="max-age=1"), Reply(delay=2, drop=True))
    httpd.get(path)
    time.sleep(1.1)
    answer = httpd.get(path)
    assert (answer.status, answer.body, answer.cache) == STALE
    assert int(answer.get("Age")) >= 3


def test_stale_answers_for_an_origin_that_fails(httpd, origin, path):
    """T19: never past must-revalidate, proxy-revalidate or s-maxage. All grow
    old together."""
    httpd.log.allow("proxy:error", "proxy_http:error")
    for number, (failure, cc, _) in enumerate(FAILURES):
        origin.on(f"{path}/{number}", ok("old", ("ETag", '"v"'), cc=cc),
                  failure)
        assert httpd.get(f"{path}/{number}").body == b"old"
    time.sleep(2.1)
    for number, (_, cc, (status, body, verdict)) in enumerate(FAILURES):
        answer = httpd.get(f"{path}/{number}")
        assert (answer.status, answer.cache) == (status, verdict), cc
        assert answer.body == body or \
            (body is None and answer.body != b"old"), cc


@pytest.mark.parametrize("asked", [
    {}, {"Cookie": "a=b"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize("status,cc", [(404, None), (410, "no-store"),
                                       (200, "no-store"), (200, "private"),
                                       (302, "no-store"), (403, None),
                                       (503, None)])
def test_what_is_no_more_is_not_served_for_an_origin_that_fails(
        httpd, origin, path, asked, status, cc):
    """What takes the place of a stale answer ends it (RFC 9111 section 4.3.3),
    though it is not stored itself; not what may be for one client, or passes."""
    httpd.log.allow("proxy:", "proxy_http:")
    fields = () if cc is None else (("Cache-Control", cc),)
    origin.on(path, ok("old", cc="max-age=1, public"),
              Reply(status, (*fields, ("Location", "/x")), b"instead"),
              Reply(drop=True))
    httpd.get(path)
    time.sleep(1.1)
    assert httpd.get(path, asked).status == status
    ends = status in (200, 404, 410) and not asked
    assert httpd.get(path).status == (502 if ends else 200)
