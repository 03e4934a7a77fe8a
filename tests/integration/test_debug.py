# SPDX-License-Identifier: Apache-2.0
"""The debug field: for who is to know the key, and nobody else (T32)."""
import json

from harness.origin import Reply, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheDebug "expr=%{HTTP:X-Secret} == 'open sesame'"
SetEnvIf X-Skip . no-cache
<Location /all>
    FCacheDebug on
</Location>
<Location /none>
    FCacheDebug off
</Location>
"""
KNOWS = {"X-Secret": "open sesame"}


def told(answer):
    """The parameters of the debug field, or None."""
    lines = answer.all("X-FCache-Debug")
    assert len(lines) <= 1
    if not lines:
        return None
    pairs = (part.partition("=") for part in lines[0].split("; "))
    return {name: value.strip('"') for name, _, value in pairs}


def explained(httpd, path):
    _, text = httpd.fcachectl("explain", "--json", f"http://localhost{path}")
    return json.loads(text)


def test_it_says_what_explain_says(httpd, origin, path):
    origin.on(path, ok())
    before = explained(httpd, path)
    first = told(httpd.get(path, KNOWS))
    assert first["rule"] == "judge" and first["reason"] == "stored"
    assert first["plan"] == before["plan"] == "ask the origin"
    assert before["rule"] == "decide" and before["reason"] == "absent"
    after = explained(httpd, path)
    hit = told(httpd.get(path, KNOWS))
    for name in ("key", "name", "plan", "rule", "reason"):
        assert hit[name] == after[name], name
    assert hit["name"] == first["name"] and hit["reason"] == "fresh"


def test_only_those_who_know_see_it(httpd, origin, path):
    origin.on(path, ok("x", ("X-FCache-Debug", "of the origin")))
    assert told(httpd.get(path, KNOWS))
    for headers in ({}, {"X-Secret": "x"}, {"X-FCache-Debug": "1"}):
        answer = httpd.get(path, headers)
        assert answer.cache == "HIT" and told(answer) is None
    assert told(httpd.get(path, KNOWS))["reason"] == "fresh"


def test_on_and_off(httpd, origin, path):
    for scope, shown in (("/all", True), ("/none", False)):
        origin.on(scope + path, ok())
        for _ in range(2):
            answer = httpd.get(scope + path, KNOWS)
            assert (told(answer) is not None) == shown


def test_every_path(httpd, origin, path):
    httpd.log.allow("proxy:", "proxy_http:")
    path = "/all" + path
    origin.on(path, Reply(drop=True), ok("x"))
    assert told(httpd.get(path))["reason"] == "absent"
    httpd.get(path)
    tag = httpd.get(path).etag
    assert told(httpd.get(path, {"If-None-Match": tag}))["rule"] == "decide"
    assert told(httpd.get(path, {"Range": "bytes=9-"}))["reason"] == "fresh"
    skipped = told(httpd.get(path, {"X-Skip": "1"}))
    assert skipped == {"rule": "admit", "reason": "env-no-cache"}
    only = told(httpd.get(path + "x", {"Cache-Control": "only-if-cached"}))
    assert only["plan"] == "answer 504"


def test_what_clients_send_is_escaped(httpd, origin, path):
    path = "/all" + path
    origin.on(path, ok())
    field = httpd.get(path + '?a="b;c\\d' + "e" * 3000).get("X-FCache-Debug")
    assert '?a=\\"b;c\\\\' in field, field
    assert len(field) < 2500 and '..."; name="' in field
