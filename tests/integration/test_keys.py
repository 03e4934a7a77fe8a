# SPDX-License-Identifier: Apache-2.0
"""Which requests share an entry; what is not in the key is not sent on."""
import pytest

from harness.client import basic
from harness.origin import counting, ok

CONF = """
RewriteEngine on
RewriteRule ^/unescaped/(.*)$ {origin}/unescaped/$1 [P,NE]
RewriteRule ^/rewritten/(.*)$ {origin}/rewritten/$1?a=%{QUERY_STRING} [P]
RewriteRule ^/combined/(.*)$ {origin}/combined/$1?a=1 [P,NE,QSA]
ProxyPassMatch "^/part/(.*=)?(.*)$" {origin}/part/$2 nocanon
ProxyPass /canonical {origin}/canonical retry=0
ProxyPass /encoded {origin}/encoded retry=0 nocanon mapping=encoded
ProxyPass / {origin}/ retry=0 nocanon
FCacheEnable on
SetEnvIf X-Region (.+) REGION=$1
<Location /sort>
    FCacheKeyBuilder query:sort
</Location>
<Location /only>
    FCacheKeyBuilder query:only=a,b
</Location>
<Location /drop>
    FCacheKeyBuilder query:drop=utm_*,ref
</Location>
<Location /encoded>
    FCacheKeyBuilder query:drop=utm_*
</Location>
<ProxyMatch "^{origin}/(late|canonical|unescaped|rewritten|combined|part)/">
    FCacheKeyBuilder query:drop=utm_*
</ProxyMatch>
<Location /none>
    FCacheKeyBuilder query:none
</Location>
<Location /header>
    FCacheKeyBuilder default header:X-Tenant
</Location>
<Location /cookie>
    FCacheKeyBuilder cookie:lang
</Location>
<Location /env>
    FCacheKeyBuilder env:REGION
</Location>
<Location /expr>
    FCacheKeyBuilder "expr=%{HTTP:X-Plan}"
</Location>
<Location /many>
    FCacheKeyBuilder query:drop=x header:X-Tenant env:REGION
</Location>
<Location /hostless>
    FCacheKeyBuilder -host
</Location>
<Location /user>
    FCacheKeyBuilder user
    AuthType Basic
    AuthName x
    AuthUserFile "{root}/users"
    Require valid-user
</Location>
"""


def prepare(server):
    server.users(ann="one", bob="two")


def verdicts(httpd, *targets):
    return [httpd.get(t).cache for t in targets]


def test_queries_are_raw_by_default(httpd, origin, path):
    origin.on(path, counting())
    targets = [path + end for end in (
        "", "?", "?a=1&b=2", "?b=2&a=1", "?a=1&b=2&", "?a=1&&b=2", "?a=%31&b=2",
        "?a=1;b=2", "?A=1&b=2", "?a=1+b", "?a=1%20b")]
    bodies = [httpd.get(t).body for t in targets]
    assert len(set(bodies)) == len(targets)
    assert [httpd.get(t).body for t in targets] == bodies
    assert [r.target for r in origin.seen(path)] == targets


def test_paths_are_raw(httpd, origin, path):
    origin.on(path + "*", counting())
    targets = [path + end for end in (
        "/x", "/X", "/%78", "/x/", "/x;y", "/x%3By", "/x%20y", "/x.", "/x//y",
        "/x/y")]
    bodies = [httpd.get(t).body for t in targets]
    assert len(set(bodies)) == len(targets)
    assert verdicts(httpd, *targets) == ["HIT"] * len(targets)


def test_sorted(httpd, origin, path):
    path = "/sort" + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?b=2&a=1&c", path + "?a=1&b=2&c",
                    path + "?c&b=2&a=1") == ["MISS", "HIT", "HIT"]
    assert [r.query for r in origin.seen(path)] == ["a=1&b=2&c"]


def test_only(httpd, origin, path):
    path = "/only" + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?a=1&x=9", path + "?a=1&y=7", path + "?a=1",
                    path + "?a=2&x=9") == ["MISS", "HIT", "HIT", "MISS"]
    assert [r.query for r in origin.seen(path)] == ["a=1", "a=2"]


def test_drop(httpd, origin, path):
    path = "/drop" + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?id=1&utm_source=x&ref=y", path + "?id=1",
                    path + "?utm_medium=q&id=1", path + "?id=1&utm=1") == [
                        "MISS", "HIT", "HIT", "MISS"]
    assert [r.query for r in origin.seen(path)] == ["id=1", "id=1&utm=1"]


@pytest.mark.parametrize("query", [
    "id=1;utm_source=evil", "id=1&utm%5Fsource=evil", "id=1&UTM_source=evil",
    "utm_source=a;id=2&id=1", "id=1&utm_source=evil&id=2", "ref&id=1",
    "id=1&utm_x=&utm_y", "&&id=1&&", "=&id=1"])
def test_no_parameter_cloaking(httpd, origin, path, query):
    """T4: whatever counts as dropped, the origin never sees more than the key
    holds: equal keys mean equal forwarded bytes."""
    path = "/drop" + path
    origin.on(path, counting())
    httpd.get(f"{path}?{query}")
    sent = origin.seen(path)[0].query
    answer = httpd.get(path + (f"?{sent}" if sent is not None else ""))
    assert answer.cache == "HIT"
    assert origin.count(path) == 1


@pytest.mark.parametrize("scope", ["/late", "/canonical", "/encoded",
                                   "/unescaped"])
def test_rules_that_are_known_late_cut_what_is_forwarded(httpd, origin, path,
                                                         scope):
    """T4: those of a <Proxy>, or of a <Location> when mapping=encoded, are
    known when the URL to forward has been made."""
    path = scope + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?id=1&utm_source=evil", path + "?id=1",
                    path + "?utm_x=evil", path) == ["MISS", "HIT"] * 2
    assert [r.target for r in origin.seen(path)] == [path + "?id=1", path]


@pytest.mark.parametrize("scope,args", [
    ("/rewritten", "?a=utm_x=evil"), ("/combined", "?a=1&utm_x=evil"),
    ("/part", "evil")])
def test_a_query_that_was_made_into_something_else_bypasses(
        httpd, origin, path, scope, args):
    """T4: what is forwarded has it where the rules do not reach."""
    path = scope + path
    origin.on(scope + "/*", counting())
    answers = [httpd.get(path + "?utm_x=evil") for _ in "12"]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert origin.seen(scope + "/*")[-1].target.endswith(args)
    assert verdicts(httpd, path, path) == ["MISS", "HIT"]
    assert "evil" not in origin.seen(scope + "/*")[-1].target


def test_an_encoded_question_mark_begins_no_query(httpd, origin, path):
    path = "/canonical" + path
    origin.on(path + "*", counting())
    target = path + "%3Futm_x"
    assert verdicts(httpd, target + "?utm_x", target) == ["MISS", "HIT"]
    assert [r.target for r in origin.seen(path + "*")] == [target]


def test_none(httpd, origin, path):
    path = "/none" + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?a=1", path, path + "?") == [
        "MISS", "HIT", "HIT"]
    assert [r.query for r in origin.seen(path)] == [None]


@pytest.mark.parametrize("scope", ["/none", "/only"])
def test_no_query_has_no_question_mark(httpd, origin, path, scope):
    """An origin that redirects one to the other would loop."""
    path = scope + path
    origin.on(path, counting())
    assert verdicts(httpd, path + "?", path) == ["MISS", "HIT"]
    assert [r.target for r in origin.seen(path)] == [path]


def test_header(httpd, origin, path):
    path = "/header" + path
    origin.on(path, lambda r: ok(r.get("X-Tenant") or "nobody"))
    for tenant in ("a", "b", "ab", "a,b", ""):
        first = httpd.get(path, {"X-Tenant": tenant})
        assert (first.cache, first.body.decode()) == ("MISS",
                                                      tenant or "nobody")
        assert httpd.get(path, {"X-Tenant": tenant}).body == first.body
    assert httpd.get(path).body == b"nobody"


def test_cookie(httpd, origin, path):
    path = "/cookie" + path
    origin.on(path, counting(cc="public, max-age=60"))
    one = httpd.get(path, {"Cookie": "sid=1; lang=de"})
    assert httpd.get(path, {"Cookie": "lang=de; sid=2"}).body == one.body
    assert httpd.get(path, {"Cookie": "lang=en; sid=1"}).body == b"body 2"
    assert httpd.get(path, {"Cookie": "xlang=de"}).body == b"body 3"


def test_env(httpd, origin, path):
    path = "/env" + path
    origin.on(path, counting())
    assert [httpd.get(path, {"X-Region": r}).body for r in "abab"] == [
        b"body 1", b"body 2", b"body 1", b"body 2"]


def test_expr(httpd, origin, path):
    path = "/expr" + path
    origin.on(path, counting())
    assert [httpd.get(path, {"X-Plan": p}).body for p in "abab"] == [
        b"body 1", b"body 2", b"body 1", b"body 2"]


def test_rules_add_up(httpd, origin, path):
    path = "/many" + path
    origin.on(path, counting())
    base = {"X-Tenant": "a", "X-Region": "b"}
    assert httpd.get(path + "?x=1&y=2", base).cache == "MISS"
    assert httpd.get(path + "?y=2", base).cache == "HIT"
    for changed in ({"X-Tenant": "c"}, {"X-Region": "c"}):
        assert httpd.get(path + "?y=2", {**base, **changed}).cache == "MISS"
    swapped = {"X-Tenant": "b", "X-Region": "a"}
    assert httpd.get(path + "?y=2", swapped).cache == "MISS"


def test_user(httpd, origin, path):
    path = "/user" + path
    origin.on(path, counting(cc="public, max-age=60"))
    ann, bob = basic("ann", "one"), basic("bob", "two")
    assert [httpd.get(path, h).body for h in (ann, bob, ann, bob)] == [
        b"body 1", b"body 2", b"body 1", b"body 2"]
    assert httpd.get(path).status == 401


def test_hosts_are_apart_unless_left_out(httpd, origin, path):
    origin.on(path, counting())
    origin.on("/hostless" + path, counting())
    assert httpd.get(path, host="localhost").body == b"body 1"
    assert httpd.get(path, host="localhost:81").body == b"body 2"
    assert httpd.get("/hostless" + path, host="localhost").body == b"body 1"
    answer = httpd.get("/hostless" + path, host="localhost:81")
    assert answer.body == b"body 1"


def test_host_case_and_default_port_are_one(httpd, origin, path):
    origin.on(path, counting())
    assert httpd.get(path, host="localhost").body == b"body 1"
    assert httpd.get(path, host="LocalHost").body == b"body 1"
    assert httpd.get(path, host="localhost:80").body == b"body 1"


def test_a_long_key_bypasses(httpd, origin, path):
    """T31: more than 8 KiB of key is refused, not cut. (httpd itself stops at
    8190 bytes of request line; fields may be as long again.)"""
    path = "/header" + path
    origin.on(path, counting())
    fields = {"X-Tenant": "t" * 8000}
    answers = [httpd.get(path + "?" + "q" * 500, fields) for _ in range(2)]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert answers[1].body == b"body 2"
