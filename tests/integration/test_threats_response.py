# SPDX-License-Identifier: Apache-2.0
"""T9 to T17, T34: what an origin says, by mistake or by malice, must not make
the cache serve the wrong thing."""
import email.utils
import time

import pytest

from harness.client import Closed
from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /nolock>
    FCacheLock off
</Location>
<Location /strip>
    FCacheSetCookie strip
</Location>
<Location /store>
    FCacheSetCookie store
</Location>
<Location /default>
    FCacheExpire 60
</Location>
<Location /errors>
    FCacheErrorStatus all
</Location>
<Location /noerrors>
    FCacheErrorStatus none
</Location>
<Location /asdefault>
    FCacheErrorStatus default
</Location>
<Location /named>
    FCacheErrorStatus 404
</Location>
<Location /badage>
    FCacheBadAge ignore
</Location>
<Location /some>
    FCacheErrorStatus 503
</Location>
"""


def verdicts(httpd, path, count=2, headers=()):
    return [httpd.get(path, headers).cache for _ in range(count)]


# ---- T9: Set-Cookie


def test_t9_set_cookie_is_not_stored(httpd, origin, path):
    origin.on(path, counting(("Set-Cookie", "id=1")))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS"] * 2
    assert [a.get("Set-Cookie") for a in answers] == ["id=1"] * 2


def test_t9_set_cookie_stripped(httpd, origin, path):
    path = "/strip" + path
    origin.on(path, counting(("Set-Cookie", "id=1"), ("Set-Cookie", "b=2")))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert not answers[1].has("Set-Cookie")


def test_t9_set_cookie_stored_when_told(httpd, origin, path):
    path = "/store" + path
    origin.on(path, counting(("Set-Cookie", "id=1"), ("Set-Cookie", "b=2")))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert answers[1].all("Set-Cookie") == ["id=1", "b=2"]


# ---- T10: ranges


def part(request):
    body = b"0123456789"
    if request.get("Range"):
        return Reply(206, (("Content-Range", "bytes 0-3/10"),
                           ("Cache-Control", "max-age=60")), body[:4])
    return ok(body, ("ETag", '"v"'))


def test_t10_a_206_is_never_the_whole(httpd, origin, path):
    origin.on(path, part)
    ranged = {"Range": "bytes=0-3"}
    first = httpd.get(path, ranged)
    assert (first.status, first.body) == (206, b"0123")
    assert origin.seen(path)[0].get("Range") == "bytes=0-3"
    whole = httpd.get(path)
    assert (whole.status, whole.cache) == (200, "MISS")
    assert whole.body == b"0123456789"
    assert httpd.get(path).cache == "HIT"


def test_t10_an_unasked_206_is_not_stored(httpd, origin, path):
    origin.on(path, Reply(206, (("Content-Range", "bytes 0-3/10"),
                                ("Cache-Control", "max-age=60")), b"0123"))
    assert verdicts(httpd, path) == ["MISS", "MISS"]


@pytest.mark.parametrize("sent,status,body", [
    ("bytes=0-0", 206, b"0"), ("bytes=-1", 206, b"9"),
    ("bytes=5-", 206, b"56789"), ("bytes=5-999", 206, b"56789"),
    ("bytes=9223372036854775807-", 416, None),
    ("bytes=0-9223372036854775808", None, None),
    ("bytes=-9223372036854775807", None, None),
    ("bytes=4-2", 200, None), ("lines=1-2", 200, None),
    ("bytes=" + ",".join(["0-"] * 1000), None, None),
    ("bytes=" + ",".join(f"{i}-{i}" for i in range(9, -1, -1)), None, None)])
def test_t10_ranges_of_a_hit(httpd, origin, path, sent, status, body):
    whole = b"0123456789"
    origin.on(path, ok(whole, ("ETag", '"v"')))
    httpd.get(path)
    answer = httpd.get(path, {"Range": sent})
    assert origin.count(path) == 1
    assert answer.status in ((status,) if status else (200, 206, 416))
    assert len(answer.body) < 10000
    if body is not None:
        assert answer.body == body
    elif answer.status == 200:
        assert answer.body == whole


@pytest.mark.parametrize("tag,status", [
    ('"v"', 206), ('"w"', 200), ('W/"v"', 200), ("v", 200)])
def test_t10_if_range(httpd, origin, path, tag, status):
    origin.on(path, ok(b"0123456789", ("ETag", '"v"')))
    httpd.get(path)
    answer = httpd.get(path, {"Range": "bytes=1-2", "If-Range": tag})
    assert (answer.status, answer.cache) == (status, "HIT")


# ---- T12: Vary


@pytest.mark.parametrize("vary", [
    ["*"], ["Accept, *"], ["*, Accept"], ["Accept", "*"], ["", "*"], [" * "],
    ["a b"], ["(x)"], [",".join(f"X-{i}" for i in range(17))]])
def test_t12_what_cannot_be_varied_is_not_stored(httpd, origin, path, vary):
    origin.on(path, counting(*[("Vary", v) for v in vary]))
    assert verdicts(httpd, path) == ["MISS"] * 2


def test_t12_variants(httpd, origin, path):
    origin.on(path, lambda r: ok(f"{r.get('X-A')}|{r.get('X-B')}",
                                 ("Vary", "X-A"), ("Vary", "x-b")))
    cases = [{}, {"X-A": "1"}, {"X-B": "1"}, {"X-A": "1", "X-B": "1"},
             {"X-A": "11"}, {"X-A": "1|1"}, {"X-A": ""}]
    for case in cases:
        assert httpd.get(path, case).cache == "MISS", case
    for case in cases:
        answer = httpd.get(path, case)
        assert answer.cache == "HIT"
        want = f"{case.get('X-A')}|{case.get('X-B')}"
        assert answer.body == want.encode()


def test_t12_no_end_of_variants(httpd, origin, path):
    origin.on(path, lambda r: ok(r.get("X-A") or "", ("Vary", "X-A")))
    for number in range(100):
        answer = httpd.get(path, {"X-A": str(number)})
        assert answer.body == str(number).encode()
    answer = httpd.get(path, {"X-A": "99"})
    assert (answer.cache, answer.body) == ("HIT", b"99")


# ---- T14: hostile fields


@pytest.mark.parametrize("field", [
    b"X-A: a\rSet-Cookie: evil=1", b"X-A: a\x00b", b"X A: 1", b"X-A : 1",
    b": nothing", b"X-A: a\r\n folded: evil", b"no colon here",
    b"X-A: \x01\x02", b"X\xff: 1", b"X-A: " + b"a" * 20000,
    b"\r\n".join(b"X-%d: 1" % i for i in range(300)),
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: -5",
    b"Content-Length: 99999999999999999999999"])
def test_t14_nothing_is_injected(httpd, origin, path, field):
    httpd.log.allow("proxy:error", "proxy_http:error", "http:error",
                    "core:error", "proxy_http:warn")
    raw = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n" + field + \
        b"\r\nContent-Length: 5\r\n\r\nhello"
    origin.on(path, Reply(raw=raw))
    answers = []
    for _ in range(3):
        try:
            answers.append(httpd.get(path))
        except Closed:
            pass
    for answer in answers:
        assert not answer.has("Set-Cookie")
        assert not answer.has("folded")
        assert answer.status != 200 or answer.body == b"hello"
        assert b"\x00" not in answer.head
        if answer.cache == "HIT":
            own = ("Age", "Cache-Status", "X-FCache", "Connection",
                       "Keep-Alive", "ETag")
            first = next(each for each in answers if each.status == 200)
            assert answer.without(*own) == first.without(*own)


def test_t14_one_content_type_the_same_for_all(httpd, origin, path):
    origin.on(path, ok("<p>", ("Content-Type", "text/html"),
                       ("content-type", "image/png")))
    answers = [httpd.get(path) for _ in range(3)]
    assert [a.cache for a in answers] in (["MISS"] * 3, ["MISS", "HIT", "HIT"])
    assert {tuple(a.all("Content-Type")) for a in answers} == {("text/plain",)}


@pytest.mark.parametrize("reason", ["Evil\tphrase", "<script>", "O" * 3000])
def test_t14_reason_phrases_of_known_statuses_are_ours(httpd, origin, path,
                                                       reason):
    httpd.log.allow("proxy_http:error", "proxy:error", "http:error")
    origin.on(path, ok("x", reason=reason))
    answers = [httpd.get(path) for _ in range(2)]
    assert answers[1].cache in ("HIT", "MISS")
    if answers[1].cache == "HIT":
        assert answers[1].reason == "OK"


@pytest.mark.parametrize("status", [299, 499, 599])
def test_statuses_httpd_has_no_text_for(httpd, origin, path, status):
    path = "/errors" + path
    origin.on(path, Reply(status, (("Cache-Control", "public, max-age=60"),),
                          b"odd", reason="Odd Thing"))
    answers = [httpd.get(path) for _ in range(2)]
    assert [(a.status, a.body) for a in answers] == [(status, b"odd")] * 2
    assert answers[1].cache == "HIT"


def test_204_is_stored_without_a_body(httpd, origin, path):
    origin.on(path, Reply(204, (("Cache-Control", "max-age=60"),),
                          framing="none"))
    answers = [httpd.get(path) for _ in range(2)]
    assert [a.status for a in answers] == [204] * 2
    assert answers[1].cache == "HIT"


# ---- T15: 304


def test_t15_an_unasked_304_is_not_stored(httpd, origin, path):
    origin.on(path, Reply(304, (("Cache-Control", "max-age=60"),
                                ("ETag", '"x"')), framing="none"),
              ok("the body"))
    assert httpd.get(path).cache == "MISS"
    answer = httpd.get(path)
    assert (answer.status, answer.body) == (200, b"the body")
    assert (answer.cache, httpd.get(path).cache) == ("MISS", "HIT")


@pytest.mark.parametrize("where,asked", [("", 1), ("/nolock", 2)])
def test_t15_the_clients_304_is_not_stored(httpd, origin, path, where, asked):
    """Nor does the origin see its condition when others may wait for this."""
    path = where + path

    def answer(request):
        if request.get("If-None-Match") == '"mine"':
            return Reply(304, (("Cache-Control", "max-age=60"),
                               ("ETag", '"mine"')), framing="none")
        return ok("the body", ("ETag", '"mine"'))
    origin.on(path, answer)
    mine = {"If-None-Match": '"mine"'}
    assert httpd.get(path, mine).status == 304
    answer = httpd.get(path)
    assert (answer.status, answer.body) == (200, b"the body")
    assert httpd.get(path, mine).status == 304
    assert origin.count(path) == asked


def test_t15_a_304_cannot_change_what_the_body_is(httpd, origin, path):
    origin.on(path,
              ok("the body", ("ETag", '"v"'), cc="max-age=1"),
              Reply(304, (("ETag", '"v"'), ("Cache-Control", "max-age=60"),
                          ("Content-Encoding", "gzip"),
                          ("Content-Range", "bytes 0-1/2"),
                          ("Content-Length", "3")), framing="none"))
    httpd.get(path)
    time.sleep(2.1)
    for answer in (httpd.get(path), httpd.get(path)):
        assert (answer.status, answer.body) == (200, b"the body")
        assert answer.get("Content-Length") == "8"
        for name in ("Content-Encoding", "Content-Range"):
            assert not answer.has(name), name


# ---- T16: numbers


@pytest.mark.parametrize("age", ["x", "-1", "1.5", "7200;foo=bar",
                                 "99999999999", "2147483648", "61", "60",
                                 "18446744073709551616"])
def test_t16_old_answers_are_not_fresh(httpd, origin, path, age):
    origin.on(path, counting(("Age", age)))
    assert verdicts(httpd, path) == ["MISS", "MISS"]


@pytest.mark.parametrize("ages,verdict", [
    (["x"], "HIT"), (["-7200"], "HIT"), (["7200.0"], "HIT"),
    (["7200;foo=bar"], "HIT"), (["0, 7200"], "HIT"), (["0", "7200"], "HIT"),
    (["7200, 0"], "MISS"), (["7200", "0"], "MISS"), (["60"], "MISS"),
    (["18446744073709551616"], "MISS")])
def test_bad_ages_as_rfc_9111_says(httpd, origin, path, ages, verdict):
    path = "/badage" + path
    origin.on(path, counting(*[("Age", age) for age in ages]))
    assert verdicts(httpd, path) == ["MISS", verdict]


@pytest.mark.parametrize("cc", ["max-age=99999999999999999999",
                                "max-age=2147483648", "MAX-AGE=60",
                                "max-age=60, max-age=0"])
def test_t16_large_lifetimes_are_fresh(httpd, origin, path, cc):
    origin.on(path, counting(cc=cc))
    assert verdicts(httpd, path) == ["MISS", "HIT"]


@pytest.mark.parametrize("cc", ["max-age=-1", "max-age=1.5", "max-age=",
                                "max-age", "max-age=x60", "s-maxage=x"])
def test_t16_bad_lifetimes_are_none(httpd, origin, path, cc):
    origin.on(path, counting(cc=cc))
    assert verdicts(httpd, path) == ["MISS", "MISS"]


def test_t16_an_old_date_ages(httpd, origin, path):
    date = email.utils.formatdate(time.time() - 120, usegmt=True)
    origin.on(path, counting(("Date", date)))
    assert verdicts(httpd, path) == ["MISS", "MISS"]


# ---- T18: Connection in responses


def test_t18_connection_fields_are_not_stored(httpd, origin, path):
    origin.on(path, ok("x", ("Connection", "X-Hop, close"), ("X-Hop", "1"),
                       ("Keep-Alive", "timeout=99"),
                       ("Proxy-Authenticate", "Basic"), ("TE", "x"),
                       ("Upgrade", "h9"), ("X-Stay", "2"), close=True))
    answers = [httpd.get(path) for _ in range(2)]
    assert answers[1].cache == "HIT"
    for name in ("X-Hop", "Proxy-Authenticate", "TE", "Upgrade"):
        assert not answers[1].has(name), name
    assert "timeout=99" not in (answers[1].get("Keep-Alive") or "")
    assert answers[1].get("X-Stay") == "2"


@pytest.mark.parametrize("cc", ['no-cache="X-Secret", max-age=60',
                                'private="x-secret", max-age=60'])
def test_named_fields_are_kept_from_others(httpd, origin, path, cc):
    origin.on(path, ok("x", ("X-Secret", "1"), ("X-Open", "2"), cc=cc))
    httpd.get(path)
    answer = httpd.get(path)
    assert answer.get("X-Open") == "2"
    assert answer.cache in ("HIT", "MISS")
    if answer.cache == "HIT":
        assert not answer.has("X-Secret")


# ---- T34: error pages


@pytest.mark.parametrize("status", [400, 401, 403, 405, 406, 413, 414, 429,
                                    431, 500, 501, 502, 503, 504])
def test_t34_errors_are_not_stored(httpd, origin, path, status):
    origin.on(path, Reply(status, (("Cache-Control", "public, max-age=60"),),
                          b"bad"), ok("good"))
    bad = httpd.get(path)
    assert (bad.status, bad.cache) == (status, "MISS")
    answer = httpd.get(path)
    assert (answer.status, answer.body) == (200, b"good")


@pytest.mark.parametrize("status", [404, 410])
def test_t34_not_found_is_stored_only_with_a_lifetime(httpd, origin, path,
                                                      status):
    origin.on(path + "/a", Reply(status, (("Cache-Control", "max-age=60"),)))
    origin.on(path + "/b", Reply(status))
    assert verdicts(httpd, path + "/a") == ["MISS", "HIT"]
    assert verdicts(httpd, path + "/b") == ["MISS", "MISS"]


@pytest.mark.parametrize("scope,verdict", [
    ("", "MISS"), ("/asdefault", "MISS"), ("/named", "HIT")])
def test_t34_a_guess_is_for_errors_that_are_named(httpd, origin, path, scope,
                                                  verdict):
    day = email.utils.formatdate(time.time() - 864000, usegmt=True)
    origin.on(scope + path, Reply(404, (("Last-Modified", day),), b"no"))
    assert verdicts(httpd, scope + path) == ["MISS", verdict]


def test_t34_widened_and_narrowed(httpd, origin, path):
    fields = (("Cache-Control", "max-age=60"),)
    for scope, status, verdict in (("/errors", 500, "HIT"),
                                   ("/noerrors", 404, "MISS"),
                                   ("/some", 503, "HIT"),
                                   ("/some", 404, "MISS")):
        target = f"{scope}{path}/{status}"
        origin.on(target, Reply(status, fields, b"x"))
        assert verdicts(httpd, target) == ["MISS", verdict], target


def test_t34_the_default_lifetime_is_not_for_errors(httpd, origin, path):
    path = "/default" + path
    origin.on(path, Reply(500, body=b"bad"), ok("good"))
    assert httpd.get(path).status == 500
    assert httpd.get(path).body == b"good"
    assert httpd.get(path).cache == "HIT"


def test_t34_an_oversized_field_spoils_nothing(httpd, origin, path):
    httpd.log.allow("core:error", "AH")
    origin.on(path, counting())
    assert httpd.get(path, {"X-Big": "x" * 9000}).status == 400
    assert verdicts(httpd, path) == ["MISS", "HIT"]


# ---- invalidation, RFC 9111 §4.4


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_unsafe_methods_invalidate(httpd, origin, path, method):
    origin.on(path, counting())
    assert verdicts(httpd, path) == ["MISS", "HIT"]
    assert httpd.post(path, b"", method=method).status == 200
    assert httpd.get(path).cache == "MISS"


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
@pytest.mark.parametrize("where,verdict", [
    ("{path}/b", "MISS"), ("http://localhost{path}/b", "MISS"),
    ("http://elsewhere{path}/b", "HIT"), ("//elsewhere{path}/b", "HIT")])
def test_t21_a_write_invalidates_what_it_names_here(httpd, origin, path, name,
                                                    where, verdict):
    """RFC 9111 §4.4: of the same origin only."""
    origin.on(path, Reply(201, ((name, where.format(path=path)),)))
    origin.on(path + "/b", counting())
    assert verdicts(httpd, path + "/b") == ["MISS", "HIT"]
    assert httpd.post(path, b"").status == 201
    assert httpd.get(path + "/b").cache == verdict


def test_failed_unsafe_requests_do_not_invalidate(httpd, origin, path):
    origin.on(path, lambda r: ok() if r.method == "GET" else Reply(403))
    assert verdicts(httpd, path) == ["MISS", "HIT"]
    httpd.post(path, b"")
    assert httpd.get(path).cache == "HIT"
