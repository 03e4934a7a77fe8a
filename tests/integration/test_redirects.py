# SPDX-License-Identifier: Apache-2.0
"""T33: a redirect inside of httpd leads to its target's own access control,
each time."""
import pytest

from harness.httpd import apxs

CONF = """
LoadModule actions_module {modules}/mod_actions.so
FCacheEnable on
FCacheExpire 60
FCacheMethods GET POST
FCacheMaxRequestBody 1000
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
</Directory>
<Location /internal>
    Require ip 127.0.0.2
</Location>
<Directory "{root}/htdocs/front">
    RewriteEngine on
    RewriteRule ^ /cgi/echo
</Directory>
<Directory "{root}/htdocs/middle">
    FCacheEnable off
    RewriteEngine on
    RewriteRule ^ /front/
</Directory>
<Directory "{root}/htdocs/chain">
    RewriteEngine on
    RewriteRule ^ /middle/
</Directory>
Action echo /cgi/echo virtual
<Location /action>
    SetHandler echo
</Location>
<Location /failing>
    ErrorDocument 404 /cgi/echo
</Location>
"""
SECRET = b"the secret"
INSIDE, OUTSIDE = "127.0.0.2", "127.0.0.1"
ECHO = r"""#!/bin/sh
printf 'Content-Type: text/plain\n\n%s got: ' $REQUEST_METHOD
cat
"""


def names(_):
    return {"modules": apxs("LIBEXECDIR")}


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
    (server.root / "cgi/echo").write_text(ECHO)
    (server.root / "cgi/echo").chmod(0o755)
    for name in ("front", "middle", "chain"):
        (server.root / "htdocs" / name).mkdir()


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


# ---- bodies


@pytest.mark.parametrize("scope", ["/front", "/action", "/chain"])
def test_a_body_goes_where_the_redirect_leads(httpd, path, scope):
    """And is in the key there: no answer is taken for that of another body."""
    bodies = [b"one", b"two", b"one", b"two"]
    answers = [httpd.post(scope + path, body) for body in bodies]
    assert [a.body for a in answers] == [b"POST got: " + b for b in bodies]
    assert [a.cache for a in answers] == ["MISS", "MISS", "HIT", "HIT"]


@pytest.mark.parametrize("scope", ["/front", "/action", "/chain"])
@pytest.mark.parametrize("size", [1001, 30000])
def test_a_body_over_the_limit_goes_there_whole(httpd, path, scope, size):
    body = b"".join(b"%d," % i for i in range(10000))[:size]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
        body[:900], body[900:20000], body[20000:]) if part) + b"0\r\n\r\n"
    for fields, sent in (({}, body), ({"Transfer-Encoding": "chunked"},
                                      chunks)):
        answer = httpd.post(scope + path, sent, fields)
        assert answer.body == b"POST got: " + body
        assert answer.cache == "BYPASS"


def test_a_page_for_an_error_gets_no_body(httpd, path):
    for body in (b"one", b"two"):
        answer = httpd.post("/failing" + path, body)
        assert (answer.status, answer.body) == (404, b"GET got: ")
