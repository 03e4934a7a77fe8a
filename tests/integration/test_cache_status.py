# SPDX-License-Identifier: Apache-2.0
"""Cache-Status (RFC 9211) on every path."""
import re
import time

import pytest

from harness import client
from harness.origin import Reply, ok
from servers import free_ports

CONF = """
ProxyPass /gone http://127.0.0.1:{closed}/ retry=0
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheKeyBuilder header:X-Long
SetEnvIf X-Skip . no-cache
<Location /named>
    FCacheCacheStatus "edge \\"1\\""
</Location>
<Location /quiet>
    FCacheCacheStatus off
</Location>
<Location /small>
    FCacheMaxObject 1K
</Location>
<Location /page>
    ProxyErrorOverride on
    ErrorDocument 404 /sorry.txt
</Location>
"""
MEMBER = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"|[A-Za-z*][\w*/:.-]*)(.*)')


def names(request):
    return {"closed": free_ports(1)[0]}


def told(answer):
    """Our member's parameters; there is one, and it is the last."""
    member = joined(answer).rsplit(", ", 1)[-1]
    name, rest = MEMBER.fullmatch(member).groups()
    assert name == "mod_fcache", member
    out = {}
    for parameter in filter(None, rest.split("; ")):
        key, _, value = parameter.partition("=")
        out[key] = value or True
    return out


def joined(answer):
    return re.sub(",(?=[^ ])", ", ", ", ".join(answer.all("Cache-Status")))


def near(ttl, wanted):
    return wanted - 3 <= int(ttl) <= wanted


def test_a_stored_answer_and_its_hits(httpd, origin, path):
    origin.on(path, ok(cc="max-age=60"))
    miss, hit, head = (httpd.get(path), httpd.get(path),
                       httpd.get(path, method="HEAD"))
    got = told(miss)
    assert near(got.pop("ttl"), 60)
    assert got == {"fwd": "uri-miss", "fwd-status": "200", "stored": True,
                   "detail": "stored"}
    for answer in (hit, head):
        got = told(answer)
        assert near(got.pop("ttl"), 60)
        assert got == {"hit": True, "detail": "fresh"}
    got = told(httpd.get(path, {"If-None-Match": hit.etag}))
    assert got["hit"] and got["detail"] == "fresh"


def test_an_answer_that_is_not_stored(httpd, origin, path):
    origin.on(path, ok(cc="no-store"))
    for _ in range(2):
        assert told(httpd.get(path)) == {
            "fwd": "uri-miss", "fwd-status": "200",
            "detail": "response-no-store"}


def test_a_body_that_proves_too_large(httpd, origin, path):
    origin.on("/small" + path, ok("x" * 3000, framing="chunked"))
    got = told(httpd.get("/small" + path))
    assert got["fwd"] == "uri-miss" and got["fwd-status"] == "200"
    assert ("stored" in got) == (got["detail"] == "stored")


def test_vary_miss(httpd, origin, path):
    origin.on(path, ok("x", ("Vary", "Foo")))
    httpd.get(path, {"Foo": "1"})
    assert told(httpd.get(path, {"Foo": "2"}))["fwd"] == "vary-miss"


def test_what_the_request_wants(httpd, origin, path):
    origin.on(path, ok("x"))
    httpd.get(path)
    for wish in ("no-cache", "max-age=0", "min-fresh=900"):
        got = told(httpd.get(path, {"Cache-Control": wish}))
        assert got["fwd"] == "request", (wish, got)
    assert told(httpd.get(path, {"Cache-Control": "no-store"})) == {
        "fwd": "bypass", "fwd-status": "200", "detail": "request-no-store"}


def test_bypass_and_method(httpd, origin, path):
    origin.on(path, ok("x"))
    assert told(httpd.get(path, {"X-Skip": "1"})) == {
        "fwd": "bypass", "fwd-status": "200", "detail": "env-no-cache"}
    assert told(httpd.get(path, method="POST", body=b"x")) == {
        "fwd": "method", "fwd-status": "200", "detail": "method"}
    long = told(httpd.get(path, {"X-Long": "x" * 8150}))
    assert long["fwd"] == "bypass" and long["detail"] == "key-not-built"


def test_only_if_cached(httpd, path):
    answer = httpd.get(path, {"Cache-Control": "only-if-cached"})
    assert answer.status == 504
    assert told(answer) == {"detail": "only-if-cached"}


def test_revalidated(httpd, origin, path):
    tag = ("ETag", '"a"')
    origin.on(path, ok("x", tag, cc="max-age=0"),
              Reply(304, (tag, ("Cache-Control", "max-age=50")),
                    framing="none"))
    httpd.get(path)
    time.sleep(0.01)
    got = told(httpd.get(path))
    assert near(got.pop("ttl"), 50)
    assert got == {"fwd": "stale", "fwd-status": "304", "stored": True,
                   "detail": "refreshed"}


def test_stale_for_an_origin_that_fails(httpd, origin, path):
    httpd.log.allow("proxy:error", "proxy_http:error")
    origin.on(path, ok("x", cc="max-age=1, stale-if-error=60"),
              Reply(503), Reply(drop=True))
    httpd.get(path)
    time.sleep(1.1)
    failed, dropped = told(httpd.get(path)), told(httpd.get(path))
    for got in (failed, dropped):
        assert int(got["ttl"]) < 0 and got["fwd"] == "stale", got
        assert got["detail"] == "stale-if-error" and "stored" not in got
    assert failed["fwd-status"] == "503"
    taken = told(httpd.get(path, {"Cache-Control": "max-stale=60"}))
    assert taken["hit"] and int(taken["ttl"]) < 0
    assert taken["detail"] == "request-max-stale"


def test_errors(httpd, origin, path):
    httpd.log.allow("proxy:error", "proxy_http:error")
    assert told(httpd.get("/gone" + path)) == {"fwd": "uri-miss",
                                               "detail": "absent"}
    origin.on(path, ok("0123456789"))
    httpd.get(path)
    unmet = httpd.get(path, {"Range": "bytes=50-60"})
    assert unmet.status == 416 and told(unmet)["hit"]
    origin.on("/page" + path, Reply(404, (("Cache-Control", "max-age=9"),)))
    assert told(httpd.get("/page" + path))["fwd"] == "uri-miss"


def test_a_long_line_of_caches(httpd, origin, path):
    """What caches behind us say comes first, on hits as on misses."""
    behind = (("Cache-Status", "Inner; hit"),
              ("Cache-Status", '"Outer, 2"; fwd=miss'))
    tag = ("ETag", '"a"')
    origin.on(path, ok("x", *behind))
    skipped = httpd.get(path, {"X-Skip": "1"})
    origin.on(path, ok("x", *behind, tag, cc="max-age=1"),
              Reply(304, (tag, ("Cache-Control", "max-age=60"),
                          ("Cache-Status", "Inner; fwd=stale")),
                    framing="none"))
    for answer in (skipped, httpd.get(path), httpd.get(path)):
        assert joined(answer).startswith(
            'Inner; hit, "Outer, 2"; fwd=miss, mod_fcache; ')
    time.sleep(2.1)
    assert joined(httpd.get(path)).startswith(
        "Inner; fwd=stale, mod_fcache; fwd=stale;")
    origin.on("/quiet" + path, ok("x", *behind))
    for _ in range(2):
        assert httpd.get("/quiet" + path).all("Cache-Status") == [
            value for _, value in behind]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("lines,kept", [
    (["; hit"], []), (['a; x="open'], []), ([""], []), (["a,"], []),
    (["a b"], []), (["a; hit", "b;;"], ["a; hit"]),
    (['"b c"; hit', "(d)", "e; HIT", "f"], ['"b c"; hit', "f"])])
def test_what_cannot_be_read_is_not_passed_on(httpd, origin, path, lines, kept,
                                              method):
    """RFC 9651 section 4.2: an error in a line would take ours away, too."""
    origin.on(path, ok("x", *(("Cache-Status", line) for line in lines)))
    first = httpd.get(path, method=method)
    for answer in (first, httpd.get(path), httpd.get(path)):
        *others, ours = re.split(", ?", joined(answer))
        assert others == kept and ours.startswith("mod_fcache; ")


def test_an_error_document_in_place_of_the_origins(httpd, origin, path):
    path = "/page" + path
    origin.on(path, Reply(404, (), b"theirs"))
    got = httpd.get(path)
    assert (got.status, got.body != b"theirs") == (404, True)
    assert told(got)["fwd-status"] == "404"


def test_a_range_that_is_not_there(httpd, origin, path):
    """RFC 9110 section 15.5.17: how long it is instead."""
    origin.on(path, ok("x" * 10))
    httpd.get(path)
    answer = httpd.get(path, {"Range": "bytes=10-"})
    assert (answer.status, answer.cache) == (416, "HIT")
    assert answer.all("Content-Range") == ["bytes */10"]
    assert httpd.get(path, {"Range": "bytes=9-"}).all("Content-Range") == [
        "bytes 9-9/10"]


def test_another_name_and_none(httpd, origin, path):
    origin.on("/named" + path, ok())
    for _ in range(2):
        told_ = httpd.get("/named" + path).get("Cache-Status")
        assert told_.startswith('"edge \\"1\\""; '), told_
    origin.on("/quiet" + path, ok())
    for _ in range(2):
        assert not httpd.get("/quiet" + path).has("Cache-Status")


def test_nothing_of_the_request_is_in_it(httpd, origin, path):
    """T32: no key, no host, nothing that a client can choose."""
    origin.on(path, ok())
    for _ in range(2):
        answer = client.fetch(httpd.port, path + "?secret", host="localhost",
                              headers={"X-Long": "mark"})
        line = answer.get("Cache-Status")
        assert not re.search(r"key=|secret|mark|localhost|default:", line)
