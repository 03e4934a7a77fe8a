# SPDX-License-Identifier: Apache-2.0
"""T33: a stored answer goes only to who may have it."""
import pytest

from harness.client import basic
from harness.origin import counting, ok

CONF = """
ProxyPass /files !
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /ip>
    Require ip 127.0.0.1
</Location>
<Location /env>
    SetEnvIf X-Pass sesame let_in
    Require env let_in
</Location>
<Location /expr>
    Require expr "%{HTTP:X-Pass} == 'sesame'"
</Location>
<Location /all>
    <RequireAll>
        Require ip 127.0.0.0/8
        Require not ip 127.0.0.2
    </RequireAll>
</Location>
<Location /basic>
    AuthType Basic
    AuthName "the cellar"
    AuthUserFile "{root}/users"
    Require valid-user
</Location>
<Location /oneuser>
    AuthType Basic
    AuthName "the attic"
    AuthUserFile "{root}/users"
    Require user ann
</Location>
<Location /never>
    FCacheAuthorization never
</Location>
<Location /files>
    FCacheExpire 60 force
</Location>
<Directory "{root}/htdocs/files/closed">
    Require ip 127.0.0.1
</Directory>
<Location /denied>
    Require all denied
</Location>
"""
SECRET = b"the secret"


def prepare(server):
    server.users(ann="one", bob="two")
    server.override = "FileInfo AuthConfig"
    server.file("files/closed/x.txt", SECRET)
    server.file("files/ht/x.txt", SECRET)
    server.file("files/ht/.htaccess", "Require ip 127.0.0.1\n")


def stored(httpd, path, headers=(), **knobs):
    answers = [httpd.get(path, headers, **knobs) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"], answers
    assert answers[1].body == SECRET


def refused(httpd, path, status=403, headers=(), **knobs):
    httpd.log.allow("authz_core:error", "auth_basic:error")
    for method in ("GET", "HEAD"):
        for extra in ({}, {"If-None-Match": "*"}, {"Range": "bytes=0-3"}):
            answer = httpd.get(path, {**dict(headers), **extra},
                               method=method, **knobs)
            assert answer.status == status
            assert SECRET not in answer.body
            assert not answer.has("ETag")
            assert answer.cache not in ("HIT", "REVALIDATED", "STALE")


@pytest.mark.parametrize("scope", ["/ip", "/all"])
def test_by_address(httpd, origin, path, scope):
    origin.on(scope + path, ok(SECRET, ("ETag", '"s"')))
    stored(httpd, scope + path)
    refused(httpd, scope + path, source="127.0.0.2")
    assert httpd.get(scope + path).cache == "HIT"


@pytest.mark.parametrize("scope", ["/env", "/expr"])
def test_by_request(httpd, origin, path, scope):
    origin.on(scope + path, ok(SECRET, ("ETag", '"s"')))
    stored(httpd, scope + path, {"X-Pass": "sesame"})
    refused(httpd, scope + path)
    refused(httpd, scope + path, headers={"X-Pass": "please"})


def test_by_password(httpd, origin, path):
    path = "/basic" + path
    origin.on(path, ok(SECRET, ("ETag", '"s"'), cc="public, max-age=60"))
    stored(httpd, path, basic("ann", "one"))
    assert httpd.get(path, basic("bob", "two")).cache == "HIT"
    refused(httpd, path, 401)
    refused(httpd, path, 401, basic("ann", "two"))
    refused(httpd, path, 401, basic("eve", "one"))


def test_by_user(httpd, origin, path):
    path = "/oneuser" + path
    origin.on(path, ok(SECRET, ("ETag", '"s"'), cc="public, max-age=60"))
    stored(httpd, path, basic("ann", "one"))
    refused(httpd, path, 401, basic("bob", "two"))


def test_refusals_are_not_stored(httpd, origin, path):
    path = "/env" + path
    origin.on(path, ok(SECRET))
    refused(httpd, path)
    stored(httpd, path, {"X-Pass": "sesame"})


def test_denied_to_all_never_asks_the_origin(httpd, origin, path):
    refused(httpd, "/denied" + path)
    assert origin.count("/denied" + path) == 0


@pytest.mark.parametrize("folder", ["closed", "ht"])
def test_of_directories_and_htaccess(httpd, folder):
    stored(httpd, f"/files/{folder}/x.txt")
    refused(httpd, f"/files/{folder}/x.txt", source="127.0.0.2")


# ---- T8: Authorization, RFC 9111 §3.5

AUTH = {"Authorization": "Bearer t0ken"}


@pytest.mark.parametrize("cc,storable", [
    ("max-age=60", False), ("max-age=60, private", False),
    ("public, max-age=60", True), ("s-maxage=60", True),
    ("must-revalidate, max-age=60", True),
    ("proxy-revalidate, max-age=60", False), ("no-store, public", False),
    ('x="public", max-age=60', False), ("no-cache, max-age=60", False)])
def test_authorized_answers(httpd, origin, path, cc, storable):
    origin.on(path, counting(cc=cc))
    assert httpd.get(path, AUTH).body == b"body 1"
    answer = httpd.get(path)
    assert (answer.body == b"body 1") == storable
    assert answer.cache == ("HIT" if storable else "MISS")


def test_an_authorized_request_is_not_answered_by_a_plain_entry(httpd, origin,
                                                                path):
    origin.on(path, counting(cc="max-age=60"))
    httpd.get(path)
    assert httpd.get(path, AUTH).body == b"body 2"
    assert httpd.get(path).body == b"body 1"


def test_authorization_never(httpd, origin, path):
    path = "/never" + path
    origin.on(path, counting(cc="public, s-maxage=60"))
    assert httpd.get(path, AUTH).body == b"body 1"
    assert httpd.get(path).body == b"body 2"
    assert httpd.get(path).body == b"body 2"


def test_two_users_never_see_each_other(httpd, origin, path):
    origin.on(path, lambda r: ok(r.get("Authorization") or "nobody"))
    for _ in range(3):
        for user in ("Bearer a", "Bearer b", None):
            headers = {"Authorization": user} if user else {}
            answer = httpd.get(path, headers)
            assert answer.body == (user or "nobody").encode()
    assert answer.cache == "HIT"
