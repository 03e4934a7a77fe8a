# SPDX-License-Identifier: Apache-2.0
"""T33: a redirect inside of httpd leads to its target's own access control,
each time."""
import pytest

CONF = """
FCacheEnable on
FCacheExpire 60
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
</Directory>
<Location /internal>
    Require ip 127.0.0.2
</Location>
"""
SECRET = b"the secret"
INSIDE, OUTSIDE = "127.0.0.2", "127.0.0.1"


def prepare(server):
    server.file("internal/secret.txt", SECRET)
    server.file("open/page.txt", "the page")
    (server.root / "cgi").mkdir()
    for name, target in (("secret", "/internal/secret.txt"),
                         ("page", "/open/page.txt"),
                         ("again", "/cgi/secret")):
        path = server.root / "cgi" / name
        path.write_text(f"#!/bin/sh\nprintf 'Location: {target}\\n\\n'\n")
        path.chmod(0o755)


@pytest.mark.parametrize("target", ["/cgi/secret", "/cgi/again",
                                    "/internal/secret.txt"])
def test_a_hit_is_only_for_who_may_see_the_target(httpd, target):
    httpd.log.allow("authz_core:error")
    assert httpd.get(target, source=OUTSIDE).status == 403
    answers = [httpd.get(target, source=INSIDE) for _ in range(3)]
    assert [a.body for a in answers] == [SECRET] * 3
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
    tag = answers[2].etag
    for method in ("GET", "HEAD"):
        for extra in ({}, {"If-None-Match": tag}, {"Range": "bytes=0-3"},
                      {"Cache-Control": "only-if-cached"}):
            answer = httpd.get(target, extra, method=method, source=OUTSIDE)
            assert answer.status in (403, 504), extra
            assert SECRET not in answer.body and not answer.has("ETag")
            assert answer.cache != "HIT"
    assert httpd.get(target, source=INSIDE).cache == "HIT"


def test_the_refusal_is_not_for_who_may(httpd):
    httpd.log.allow("authz_core:error")
    target = "/cgi/secret?refused-first"
    for _ in range(2):
        assert httpd.get(target, source=OUTSIDE).status == 403
        answer = httpd.get(target, source=INSIDE)
        assert (answer.status, answer.body) == (200, SECRET)
    assert answer.cache == "HIT"


def test_a_redirected_answer_is_a_hit_for_all_who_may(httpd):
    answers = [httpd.get("/cgi/page", source=source)
               for source in (OUTSIDE, INSIDE, OUTSIDE)]
    assert [a.body for a in answers] == [b"the page"] * 3
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
    answer = httpd.get("/open/page.txt")
    assert (answer.body, answer.cache) == (b"the page", "MISS")
