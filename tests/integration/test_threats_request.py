# SPDX-License-Identifier: Apache-2.0
"""T1 to T6, T18: what one client sends must not reach another by the cache."""
import pytest

from harness.client import exchange, fetch, request_bytes
from harness.origin import Reply, counting, ok

CONF = """
<VirtualHost 127.0.0.1:{port}>
    ServerName localhost
    ServerAlias other.example
    ProxyPass / {origin}/ retry=0 nocanon
    AllowEncodedSlashes NoDecode
    FCacheEnable on
</VirtualHost>
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName known.example
    ServerAlias alias.example
    ProxyPass / {origin}/ retry=0
    FCacheEnable on
</VirtualHost>
Listen 127.0.0.1:{port3}
<VirtualHost 127.0.0.1:{port3}>
    ServerName example.com
    ProxyPreserveHost on
    ProxyPass / {origin}/ retry=0
    FCacheEnable on
</VirtualHost>
"""


def reflect(name):
    return lambda request: ok(f"value={request.get(name)}")


@pytest.mark.parametrize("name", [
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
    "X-Forwarded-Prefix", "Forwarded", "X-Host", "X-Forwarded-Server",
    "X-Forwarded-Scheme"])
def test_t1_forwarding_fields_isolate_the_attacker(httpd, origin, path, name):
    origin.on(path, reflect(name))
    evil = httpd.get(path, {name: "evil.example"})
    victim = httpd.get(path)
    assert b"evil.example" in evil.body or name == "X-Forwarded-Host" \
        or name == "X-Forwarded-Server"
    assert b"evil.example" not in victim.body
    assert b"evil.example" not in httpd.get(path, {name: "good"}).body
    again = httpd.get(path)
    assert b"evil.example" not in again.body and again.cache == "HIT"
    assert httpd.get(path, {name: "evil.example"}).body == evil.body


@pytest.mark.parametrize("name", [
    "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
    "X-Original-URL", "X-Rewrite-URL", "x-http-method-override"])
def test_t2_override_fields_bypass(httpd, origin, path, name):
    origin.on(path, reflect(name))
    answers = [httpd.get(path, {name: "/evil"}) for _ in range(2)]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert b"evil" not in httpd.get(path).body
    assert httpd.get(path, {name: "/evil"}).cache == "BYPASS"
    assert httpd.get(path).cache == "HIT"


def test_t3_a_get_with_a_body_bypasses(httpd, origin, path):
    origin.on(path, lambda r: ok(b"you sent " + r.body))
    fat = [request_bytes(path, body=b"evil"),
           request_bytes(path, headers={"Transfer-Encoding": "chunked"}) +
           b"4\r\nevil\r\n0\r\n\r\n",
           request_bytes(path, headers={"Transfer-Encoding": "chunked"}) +
           b"0\r\n\r\n"]
    for _ in range(2):
        for data in fat:
            assert exchange(httpd.port, data).cache == "BYPASS"
    assert httpd.get(path).body == b"you sent "
    assert httpd.get(path, {"Content-Length": "0"}).cache == "HIT"


@pytest.mark.parametrize("target", [
    "http://localhost{path}", "http://localhost{path}?x",
    "HTTP://localhost{path}"])
def test_t4_targets_that_are_no_path_bypass(httpd, origin, path, target):
    httpd.log.allow("AH01136")  # mod_proxy refuses nocanon for these
    origin.on(path, counting())
    target = target.format(path=path)
    answers = [httpd.get(target) for _ in range(2)]
    assert not any(a.cache in ("HIT", "MISS") for a in answers)
    assert httpd.get(path).cache == "MISS"


@pytest.mark.parametrize("target", ["{path}#frag", "{path}#/../x", "{path}?a#b"])
def test_t4_fragments_never_share(httpd, origin, path, target):
    httpd.log.allow("AH", "core:error")
    origin.on(path, counting())
    first = httpd.get(target.format(path=path))
    assert first.status == 400 or first.cache == "BYPASS"


MUTANTS = [";x.css", "/x.css", "/.css", "%00.css", "%0a.css", "%23x.css",
           "%3fx.css", "/%2e%2e/x.css", "/..%2fx.css", "?x.css", "%2f.js",
           "/a/../b.css", ".css", "//x.png", "/;/x.ico", "%5c.css", "/x.css?y",
           ";jsessionid=1", "/%2e/x.js", "!.css", "~.css", "/favicon.ico"]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_t5_no_name_makes_a_private_page_storable(httpd, origin, path, mutant):
    httpd.log.allow("core:error", "AH")
    origin.on("/*", counting(cc="private"))
    answers = [httpd.get(path + "/me" + mutant) for _ in range(2)]
    origin.on("/*", counting(cc=None))
    answers += [httpd.get(path + "/you" + mutant) for _ in range(2)]
    assert not any(a.cache == "HIT" for a in answers)
    assert all(a.cache or a.status in (400, 404) for a in answers)


def test_t6_hosts_are_apart(httpd, origin, path):
    origin.on(path, counting())
    bodies = [httpd.get(path, host=h).body for h in (
        "localhost", "other.example", "other.example:8080")]
    assert len(set(bodies)) == 3
    assert httpd.get(path, host="OTHER.example").body == bodies[1]


def test_t6_a_host_nobody_knows_is_not_stored(httpd, origin, path):
    port = httpd.ports[1]
    origin.on(path, counting())

    def ask(host):
        return exchange(port, request_bytes(path, host=host))
    assert [ask("evil.example").cache for _ in "12"] == ["BYPASS"] * 2
    assert ask("known.example").cache == "MISS"
    assert ask("alias.example").cache == "MISS"
    assert ask("known.example").cache == "HIT"


SPELLINGS = ["example.com", "EXAMPLE.com", "example.com.",
             "example.com:80", "Example.COM.:80"]


@pytest.mark.parametrize("first", SPELLINGS)
def test_t6_the_origin_sees_the_host_as_it_is_keyed(httpd, origin, path,
                                                    first):
    def ask(host):
        return fetch(httpd.ports[2], path, host=host)
    origin.on(path, lambda r: ok(" ".join(
        r.get(name) for name in ("Host", "X-Forwarded-Host"))))
    assert ask(first).cache == "MISS"
    for host in SPELLINGS:
        answer = ask(host)
        assert answer.cache == "HIT", host
        assert answer.body == b"example.com example.com"
    assert origin.count(path) == 1
    other = ask("EXAMPLE.com.:8080")
    assert other.cache == "MISS"
    assert other.body == b"example.com:8080 example.com:8080"


@pytest.mark.parametrize("data", [
    "Host: a\r\nHost: localhost\r\n", "Host: localhost\r\nHost: b\r\n",
    "Host: local host\r\n", "Host: localhost/x\r\n", "Host: a@localhost\r\n"])
def test_t6_odd_hosts_are_refused_or_bypass(httpd, origin, path, data):
    httpd.log.allow("core:error", "AH")
    origin.on(path, counting())
    request = f"GET {path} HTTP/1.1\r\n{data}Connection: close\r\n\r\n"
    for _ in range(2):
        answer = exchange(httpd.port, request.encode())
        assert answer.status == 400 or answer.cache == "BYPASS"
    assert httpd.get(path).cache == "MISS"


@pytest.mark.parametrize("named", [
    "X-Tenant", "Cookie", "Authorization", "Accept-Encoding", "Host",
    "close, X-Tenant", "Cache-Control", "Accept", "x-tenant"])
def test_t18_connection_naming_a_field_bypasses(httpd, origin, path, named):
    """The origin never sees the named field, so the key must not either."""
    def answer(request):
        return ok(f"tenant={request.get('X-Tenant')}", ("Vary", "X-Tenant"))
    origin.on(path, answer)
    fields = {"X-Tenant": "acme", "Connection": named}
    assert httpd.get(path, fields).cache == "BYPASS"
    clean = {"X-Tenant": "acme"}
    assert httpd.get(path, clean).body == b"tenant=acme"
    assert httpd.get(path, fields).cache == "BYPASS"
    assert httpd.get(path, clean).body == b"tenant=acme"


@pytest.mark.parametrize("value", ["close", "keep-alive", "Keep-Alive, TE",
                                   "", "close, close"])
def test_t18_ordinary_connection_options_do_not(httpd, origin, path, value):
    origin.on(path, ok())
    assert httpd.get(path).cache == "MISS"
    assert httpd.get(path, {"Connection": value}).cache == "HIT"


def test_upgrades_do_not_break(httpd, origin, path):
    origin.on(path, ok())
    httpd.get(path)
    answer = httpd.get(path, {"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.cache


@pytest.mark.parametrize("prefix", [
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Content-Length: 0\r\nContent-Length: 40\r\n",
    "Content-Length: +4\r\n", "Content-Length: 4, 4\r\n",
    "Content-Length: 0x4\r\n", "\tContent-Length: 4\r\n", "X\x00Y: 1\r\n", "X: a\rb\r\n"])
def test_t13_odd_framing_stores_nothing(httpd, origin, path, prefix):
    """Whatever the smuggled request is, the page it names stays clean."""
    httpd.log.allow("core:error", "http:error", "proxy:error", "AH")
    origin.on(path, counting())
    origin.on(path + "/evil", ok("evil"))
    smuggled = f"GET {path}/evil HTTP/1.1\r\nHost: localhost\r\n\r\n"
    data = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{prefix}\r\n" \
        f"0\r\n\r\n{smuggled}"
    with httpd.connect(timeout=3) as connection:
        connection.send(data.encode("latin-1"))
        answer = connection.read()
        assert answer.status >= 400 or answer.cache == "BYPASS"
    assert b"evil" not in httpd.get(path).body
    assert b"evil" not in httpd.get(path).body


@pytest.mark.parametrize("method", ["PURGE", "BAN", "REFRESH", "DELETE"])
def test_t20_no_method_purges(httpd, origin, path, method):
    def answer(request):
        if request.method != "GET":
            return Reply(405, body=b"no")
        return ok("kept")
    origin.on(path, answer)
    httpd.get(path)
    refused = httpd.post(path, b"", method=method)
    assert refused.status == 405
    assert httpd.get(path).cache == "HIT"
    assert [r.method for r in origin.seen(path)] == ["GET", method]


# ---- T9: cookies of requests


@pytest.mark.parametrize("cc,vary,storable", [
    ("max-age=60", None, False), ("public, max-age=60", None, True),
    ("s-maxage=60", None, True), ("max-age=60", "Cookie", True),
    ("max-age=60", "Accept", False)])
def test_t9_answers_to_requests_with_cookies(httpd, origin, path, cc, vary,
                                             storable):
    extra = [("Vary", vary)] if vary else []
    origin.on(path, counting(*extra, cc=cc))
    cookie = {"Cookie": "session=1"}
    httpd.get(path, cookie)
    assert httpd.get(path, cookie).cache == ("HIT" if storable else "MISS")


def test_t9_what_a_session_got_stays_with_it(httpd, origin, path):
    """A page without Vary made for nobody in particular may go to all."""
    origin.on(path, lambda r: ok(f"for {r.get('Cookie')}"))
    for _ in range(2):
        for cookie in ("s=1", "s=2", None):
            headers = {"Cookie": cookie} if cookie else {}
            body = httpd.get(path, headers).body.decode()
            assert body in (f"for {cookie}", "for None")
    assert httpd.get(path).cache == "HIT"
