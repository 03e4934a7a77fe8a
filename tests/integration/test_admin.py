# SPDX-License-Identifier: Apache-2.0
"""The handler fcache-admin and the method PURGE: who may, and what it does
(T20)."""
import json
import subprocess
import time

import pytest

from harness import client
from harness.client import basic
from harness.httpd import Httpd
from harness.origin import counting, ok

ME = "127.0.0.2"  # the address that may
TOKEN = {"X-Token": "secret"}
JSON = {"Content-Type": "application/json"}
GUARDED = ("user", "ip", "expr", "env", "any")
OPEN = ("late", "htaccess/method/", "htaccess/all/", "rewritten")
OPTIONS = {"override": "FileInfo AuthConfig"}

CONF = """
SetEnvIf X-Token secret HAS_TOKEN
RewriteEngine on
RewriteRule ^/adm/rewritten$ - [H=fcache-admin]
ProxyPass /adm !
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheInvalidate tag:everything
FCacheBackend second memory: size=8M
<LocationMatch "^/adm/(?!htaccess)">
    Require all granted
</LocationMatch>
<Location /adm/user>
    AuthType Basic
    AuthName admin
    AuthUserFile {root}/users
    SetHandler fcache-admin
    Require valid-user
</Location>
<Location /adm/ip>
    SetHandler fcache-admin
    Require ip 127.0.0.2
</Location>
<Location /adm/expr>
    SetHandler fcache-admin
    Require expr %{HTTP:X-Token} == 'secret'
</Location>
<Location /adm/env>
    SetHandler fcache-admin
    Require env HAS_TOKEN
</Location>
<Location /adm/any>
    AuthType Basic
    AuthName admin
    AuthUserFile {root}/users
    SetHandler "fcache-admin"
    <RequireAny>
        Require user root
        Require ip 127.0.0.2
    </RequireAny>
</Location>
<Location /adm/late>
    SetHandler fcache-admin
    Require ip 127.0.0.2
</Location>
<Location /adm/late>
    Require all granted
</Location>
<Location /adm/other>
    SetHandler fcache-admin
    Require ip 127.0.0.2
    FCacheStore second
</Location>
<LocationMatch "^/(t|ns)">
    Require all granted
</LocationMatch>
<Location /ns>
    FCacheNamespace ns
</Location>
<Location /p>
    FCachePurge on
    Require ip 127.0.0.2
</Location>
<Location /p/both>
    FCachePurge on
    <RequireAny>
        Require method GET HEAD POST PUT DELETE
        Require ip 127.0.0.2
    </RequireAny>
</Location>
<Location /p/open>
    Require all granted
</Location>
"""


def fetch(*words, **knobs):
    """Not more purges in a second than are let through."""
    while True:
        answer = client.fetch(*words, **knobs)
        if answer.status != 429:
            return answer
        time.sleep(float(answer.get("Retry-After")) / 4)


def prepare(server):
    server.users(root="pass", joe="word")
    folder = server.root / "htdocs" / "adm" / "htaccess"
    for name, words in (("all", "all granted"),
                        ("method", "method GET POST DELETE")):
        (folder / name).mkdir(parents=True)
        (folder / name / ".htaccess").write_text(
            f"SetHandler fcache-admin\nRequire {words}\n")


def permit(name):
    """What lets a request in: source and fields."""
    source = ME if name in ("ip", "any", "late", "other") else "127.0.0.1"
    headers = dict(TOKEN)
    headers.update(basic("root", "pass"))
    return source, headers


def order(httpd, what, name="ip", headers=(), **knobs):
    source, fields = permit(name)
    answer = fetch(httpd.port, f"/adm/{name}", "POST",
                   {**fields, **JSON, **dict(headers)},
                   json.dumps(what).encode(), source=source, **knobs)
    return answer.status, json.loads(answer.body)


@pytest.fixture
def cached(httpd, origin, path):
    """A URL that is in the cache, with a tag of that name."""
    origin.on(path, counting(("Cache-Tag", "all-of-them," + path.strip("/")),
                             ("Vary", "X-A")))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    return path


# ---- who may --------------------------------------------------------------


def tries(httpd, name, source, headers, tag):
    """Every way to purge; the statuses."""
    target = "/adm/" + name
    body = json.dumps({"tag": tag}).encode()
    ways = [("POST", target, {**headers, **JSON}, body),
            ("DELETE", target + "?tag=" + tag, headers, None)]
    return [fetch(httpd.port, where, method, fields, content,
                  source=source).status
            for method, where, fields, content in ways]


@pytest.mark.parametrize("name", GUARDED)
def test_who_is_permitted_purges(httpd, cached, name):
    source, headers = permit(name)
    assert tries(httpd, name, source, headers, "other") == [200, 200]
    assert httpd.get(cached).cache == "HIT"
    assert tries(httpd, name, source, headers,
                 cached.strip("/")) == [200, 200]
    assert httpd.get(cached).cache == "MISS"


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("headers", [
    {}, {"X-Token": "guess"}, basic("root", "guess"), basic("nobody", "x"),
    {"Origin": "null"}])
def test_nobody_else_does(httpd, cached, name, headers):
    httpd.log.allow("AH01630", "AH01617", "AH01618")
    statuses = tries(httpd, name, "127.0.0.1", headers, cached.strip("/"))
    statuses.append(fetch(httpd.port, f"/adm/{name}", headers=headers).status)
    assert set(statuses) <= {401, 403}, statuses
    assert httpd.get(cached).cache == "HIT"


@pytest.mark.parametrize("name", OPEN)
def test_where_anybody_may_nobody_may(httpd, cached, name):
    """Start-up could not see it; each request does."""
    httpd.log.expect("FC0108: refused: without a Require")
    for source in ("127.0.0.1", ME):
        statuses = tries(httpd, name, source, permit(name)[1],
                         cached.strip("/"))
        statuses.append(fetch(httpd.port, f"/adm/{name}",
                              source=source).status)
        assert statuses == [403] * 3
    assert httpd.get(cached).cache == "HIT"


REFUSED = [
    "<Location /x>\nSetHandler fcache-admin\n</Location>",
    "<Location /x>\nSetHandler fcache-admin\nRequire all granted\n</Location>",
    '<Location /x>\nSetHandler "fcache-admin"\nrequire  all  Granted\n'
    "</Location>",
    "<Location /x>\nSetHandler fcache-admin\n<RequireAny>\n"
    "Require all granted\n</RequireAny>\n</Location>",
    "<Location /x>\nSetHandler fcache-admin\n<RequireAll>\n"
    "Require all granted\nRequire not ip 10.0.0.1\n</RequireAll>\n</Location>",
    "<Location />\nRequire ip 10.0.0.1\n</Location>\n"
    "<Location /x>\nSetHandler fcache-admin\n</Location>",
    "<VirtualHost *>\n<Location /x>\nsethandler FCACHE-ADMIN\n</Location>\n"
    "</VirtualHost>",
    "<IfModule fcache_module>\n<Location /x>\nSetHandler fcache-admin\n"
    "</Location>\n</IfModule>",
    "<Location /x>\nSetHandler fcache-admin\nRequire method POST\n"
    "</Location>",
    "<Location /x>\nSetHandler fcache-admin\nRequire ssl\n</Location>",
    "<Location /x>\nFCachePurge on\n</Location>",
    "<Location /x>\nFCachePurge On\nRequire all granted\n</Location>",
    "FCachePurge on",
    "<VirtualHost *>\nFCachePurge on\n<Location /x>\nRequire ip 10.0.0.1\n"
    "</Location>\n</VirtualHost>"]


@pytest.mark.parametrize("conf", REFUSED)
def test_start_is_refused_without_require(conf):
    status, text = Httpd(conf).check()
    assert status != 0 and "FC0006" in text, text
    assert "anybody could purge" in text


@pytest.mark.parametrize("conf", [
    "<Location /x>\nSetHandler fcache-admin\nRequire ip 10.0.0.1\n</Location>",
    "<Location /x>\nRequire valid-user\nSetHandler fcache-admin\n</Location>",
    "<Location /x>\nSetHandler fcache-admin\n<RequireAll>\n"
    "Require all granted\nRequire local\n</RequireAll>\n</Location>",
    "<Location /x>\nSetHandler server-status\n</Location>",
    "FCachePurge off",
    "<Location /x>\nFCachePurge on\nRequire all denied\n</Location>"])
def test_start_is_granted_with_it(conf):
    status, text = Httpd(conf).check()
    assert status == 0, text


# ---- what other sites may make a browser send ------------------------------


@pytest.mark.parametrize("kind", [
    None, "text/plain", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/jsonx", "text/json"])
def test_what_a_form_can_send_is_refused(httpd, cached, kind):
    body = json.dumps({"tag": cached.strip("/")}).encode()
    headers = {"Content-Type": kind} if kind else {}
    answer = fetch(httpd.port, "/adm/ip", "POST", headers, body, source=ME)
    assert answer.status == 415
    assert httpd.get(cached).cache == "HIT"


@pytest.mark.parametrize("site,status", [
    ("cross-site", 403), ("same-site", 403), ("same-origin", 200),
    ("none", 200), ("", 403)])
def test_browsers_say_who_asks(httpd, cached, site, status):
    tag = {"tag": cached.strip("/")}
    assert order(httpd, tag, headers={"Sec-Fetch-Site": site})[0] == status
    assert httpd.get(cached).cache == ("HIT" if status == 403 else "MISS")
    answer = fetch(httpd.port, "/p/x", "PURGE", {"Sec-Fetch-Site": site},
                   source=ME)
    assert answer.status == status


def test_no_other_method(httpd, cached):
    for method in ("PUT", "PATCH", "PURGE", "OPTIONS", "TRACE"):
        httpd.log.allow("AH01623")
        answer = fetch(httpd.port, "/adm/ip?tag=" + cached.strip("/"), method,
                       source=ME)
        assert answer.status in (405, 403, 200)
        assert answer.status != 200 or method in ("OPTIONS", "TRACE")
        assert not answer.has("Access-Control-Allow-Origin")
    assert httpd.get(cached).cache == "HIT"


# ---- what it does ----------------------------------------------------------


def test_each_kind(httpd, cached):
    def is_gone():
        verdict = httpd.get(cached).cache
        httpd.get(cached)
        return verdict == "MISS"

    tag = cached.strip("/")
    for what, gone in (({"tag": "x"}, 0), ({"tag": tag}, 1),
                       ({"tag": ["x", tag]}, 1),
                       ({"url": f"http://localhost{cached}"}, 1),
                       ({"url": f"https://LOCALHOST:443{cached}#f"}, 1),
                       ({"url": f"http://localhost{cached}?q"}, 0),
                       ({"url": f"http://example{cached}"}, 0),
                       ({"url": cached}, 1), ({"namespace": "ns"}, 0),
                       ({"namespace": "default"}, 1),
                       ({"prefix": "fcache"}, 1), ({"prefix": "other"}, 0),
                       ({"prefix": "other", "tag": tag}, 0),
                       ({"prefix": "fcache", "tag": tag}, 1),
                       ({"tag": tag, "store": "second"}, 0),
                       ({"tag": tag, "store": "default"}, 1),
                       ({"all": True}, 1)):
        status, said = order(httpd, what)
        assert (status, "error" in said) == (200, False), (what, said)
        assert is_gone() == bool(gone), what
        kind = next(k for k in ("url", "tag", "namespace", "all", "prefix")
                    if k in what)
        assert {row["kind"] for row in said["purged"]} == {kind}
        assert said["soft"] is False


def test_the_scope_says_which_store(httpd, cached):
    status, said = order(httpd, {"tag": cached.strip("/")}, "other")
    assert (status, said["store"]) == (200, "second")
    assert httpd.get(cached).cache == "HIT"


def test_all_variants_of_a_url_go(httpd, cached):
    fields = {"X-A": "1"}
    assert [httpd.get(cached, fields).cache for _ in "12"] == ["MISS", "HIT"]
    assert order(httpd, {"url": cached})[0] == 200
    assert httpd.get(cached).cache == "MISS"
    assert httpd.get(cached, fields).cache == "MISS"


def test_a_key(httpd, origin, path):
    origin.on(path, counting())
    httpd.get(path)
    rows = json.loads(httpd.fcachectl("--json", "ls", "--long", "-L", "0")[1])
    names = [row["name"] for row in rows if path in row["key"]]
    assert len(names) == 1
    assert order(httpd, {"key": names[0]})[1]["purged"] == [
        {"kind": "key", "value": names[0], "found": True}]
    assert httpd.get(path).cache == "MISS"
    assert order(httpd, {"key": names[0]})[1]["purged"][0]["found"]
    assert not order(httpd, {"key": names[0]})[1]["purged"][0]["found"]


@pytest.mark.parametrize("query,status", [
    ("tag=TAG", 200), ("tag=x&tag=TAG", 200), ("url=PATH", 200),
    ("url=http%3A%2F%2FlocalhostPATH", 200), ("all=true", 200), ("all", 200),
    ("prefix=fcache", 200), ("tag=TAG&soft=1", 200), ("", 400), ("tag=", 400),
    ("tag=TAG&x=y", 400), ("all=false", 400), ("all=TAG", 400),
    ("tag=%zz", 400), ("tag=%00", 400)])
def test_delete_has_a_query(httpd, cached, query, status):
    query = query.replace("TAG", cached.strip("/")).replace("PATH", cached)
    answer = fetch(httpd.port, "/adm/ip?" + query, "DELETE", source=ME)
    assert answer.status == status, answer.body
    assert httpd.get(cached).cache == ("MISS" if status == 200 else "HIT")


@pytest.mark.parametrize("body", [
    b"", b"x", b"[]", b'"tag"', b"{}", b'{"soft": true}', b'{"tag": 1}',
    b'{"tag": [1]}', b'{"tag": []}', b'{"tag": {"a": "b"}}', b'{"tag": ""}',
    b'{"tag": "a b"}', b'{"tag": "a\\u0000"}', b'{"all": false}',
    b'{"all": "true"}', b'{"all": true, "tag": "a"}', b'{"url": "ftp://h/"}',
    b'{"url": "x"}', b'{"key": "x"}', b'{"namespace": "a b"}',
    b'{"prefix": "a b"}', b'{"prefix": 1}', b'{"tag": "a", "soft": "yes"}',
    b'{"tag": "a", "store": "none"}', b'{"tag": "a", "more": 1}',
    b'{"tag": "a", "tag": "b"}', b'{"tag": "a"', b'{"tag": "\xff"}',
    b'{"tag": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"tag": [' + b'"a",' * 64 + b'"a"]}'], ids=lambda body: str(body[:30]))
def test_nonsense_is_refused(httpd, cached, body):
    answer = fetch(httpd.port, "/adm/ip", "POST", JSON, body, source=ME)
    assert answer.status == 400
    assert list(json.loads(answer.body)) == ["error"]
    assert httpd.get(cached).cache == "HIT"


def test_a_large_body_is_refused(httpd):
    body = b'{"tag": "' + b"a" * 70000 + b'"}'
    answer = fetch(httpd.port, "/adm/ip", "POST", JSON, body, source=ME)
    assert answer.status == 413


def test_answers_are_not_for_caches(httpd):
    for answer in (httpd.get("/adm/ip", source=ME),
                   httpd.get("/adm/ip?format=json", source=ME),
                   fetch(httpd.port, "/adm/ip", "POST", JSON, b"", source=ME)):
        assert answer.get("Cache-Control") == "no-store"
        assert answer.get("X-Content-Type-Options") == "nosniff"


# ---- PURGE -----------------------------------------------------------------


@pytest.fixture
def own(httpd, origin, path):
    path = "/p" + path
    origin.on(path, counting(("ETag", '"v"'),
                             cc="max-age=60, stale-while-revalidate=60"))
    assert [httpd.get(path, source=ME).cache for _ in "12"] == ["MISS", "HIT"]
    return path


def test_purge_purges_its_url(httpd, origin, own):
    assert httpd.get(own + "?q", source=ME).cache == "MISS"
    answer = fetch(httpd.port, own, "PURGE", source=ME)
    assert answer.status == 200
    said = json.loads(answer.body)
    assert said["purged"] == [{"kind": "url", "value": f"http://localhost{own}"}]
    assert httpd.get(own, source=ME).cache == "MISS"
    assert httpd.get(own + "?q", source=ME).cache == "HIT"
    assert {r.method for r in origin.seen(own)} == {"GET"}


def test_a_purge_is_no_write(httpd, origin, path):
    """The rules of a scope are not for it."""
    origin.on(path, counting(("Cache-Tag", "everything")))
    origin.on(path + "/w", ok("x", cc=None))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    assert order(httpd, {"tag": "a"})[0] == 200
    assert fetch(httpd.port, "/p" + path, "PURGE", source=ME).status == 200
    assert httpd.get(path).cache == "HIT"
    httpd.post(path + "/w", b"")
    assert httpd.get(path).cache == "MISS"


def test_purge_may_be_soft(httpd, own):
    answer = fetch(httpd.port, own, "PURGE", {"X-FCache-Purge": "soft"},
                   source=ME)
    assert json.loads(answer.body)["soft"] is True
    answer = httpd.get(own, source=ME)
    assert (answer.cache, answer.body) == ("STALE", b"body 1")
    answer = fetch(httpd.port, own, "PURGE", {"X-FCache-Purge": "x"},
                   source=ME)
    assert answer.status == 400


def test_purge_needs_permission(httpd, own):
    httpd.log.allow("AH01630")
    assert fetch(httpd.port, own, "PURGE").status == 403
    assert httpd.get(own, source=ME).cache == "HIT"
    httpd.log.expect("FC0108")
    assert fetch(httpd.port, "/p/open/x", "PURGE", source=ME).status == 403


def test_all_may_read_and_some_may_purge(httpd, origin, path):
    path = "/p/both" + path
    origin.on(path, counting())
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    httpd.log.allow("AH01630")
    assert fetch(httpd.port, path, "PURGE").status == 403
    assert httpd.get(path).cache == "HIT"
    assert fetch(httpd.port, path, "PURGE", source=ME).status == 200
    assert httpd.get(path).cache == "MISS"


def test_purge_is_nothing_special_elsewhere(httpd, origin, path):
    origin.on(path, ok("from the origin", cc=None))
    answer = fetch(httpd.port, path, "PURGE")
    assert (answer.status, answer.body) == (200, b"from the origin")


# ---- what it shows ---------------------------------------------------------


def test_recent_purges_are_shown(httpd):
    order(httpd, {"tag": "caf\u00e9<b>"}, "user")
    order(httpd, {"namespace": "ns", "soft": True})
    answer = httpd.get("/adm/ip?format=json", source=ME)
    first, second = json.loads(answer.body)["recent"][:2]
    assert (first["kind"], first["value"], first["soft"], first["by"]) == (
        "namespace", "ns", True, ME)
    assert (second["kind"], second["soft"], second["by"]) == (
        "tag", False, "root")
    assert second["value"] == "caf\\xc3\\xa9<b>"


def test_the_stores_are_shown(httpd, cached):
    answer = json.loads(httpd.get("/adm/ip?format=json", source=ME).body)
    stores = {store["name"]: store for store in answer["stores"]}
    assert set(stores) == {"default", "second"}
    stats = httpd.stats()
    stats.pop("hit_ratio")
    assert set(stores["default"]["stats"]) == set(stats)
    assert stores["default"]["stats"]["hits"] >= 1
    assert answer["history"], "no sample"
    assert httpd.get("/adm/ip?format=x", source=ME).status == 400


def test_the_page_needs_nothing_from_elsewhere(httpd):
    answer = httpd.get("/adm/ip", source=ME)
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert b"http:" not in answer.body and b"//cdn" not in answer.body
    assert "default-src 'none'" in answer.get("Content-Security-Policy")
    assert fetch(httpd.port, "/adm/ip", "HEAD", source=ME).status == 200


def test_prometheus_reads_the_numbers(httpd):
    before = httpd.stats()
    answer = fetch(httpd.port, "/adm/ip?format=prometheus", source=ME)
    assert answer.get("Content-Type").startswith("text/plain; version=0.0.4")
    done = subprocess.run(["promtool", "check", "metrics"], check=False,
                          input=answer.body, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, b"")
    samples = dict(line.rsplit(" ", 1)
                   for line in answer.body.decode().splitlines()
                   if not line.startswith("#"))
    stats = httpd.stats()
    for name in ("hits", "misses", "puts", "clears"):
        told = int(samples[f'fcache_{name}_total{{store="default"}}'])
        assert before[name] <= told <= stats[name]
    assert samples['fcache_up{store="second"}'] == "1"
    assert sum("{store=" in name for name in samples) == 2 * len(stats)
