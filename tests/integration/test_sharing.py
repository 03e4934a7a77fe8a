# SPDX-License-Identifier: Apache-2.0
"""Two users: what the one got goes to the other only where RFC 9111 section
3.5 and the origin allow it (T8, T9)."""
import itertools

import pytest

from harness.origin import ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /never>
    FCacheAuthorization never
</Location>
<Location /strip>
    FCacheSetCookie strip
</Location>
<Location /store>
    FCacheSetCookie store
</Location>
"""
LIFETIMES = ("max-age=60", "public, max-age=60", "s-maxage=60",
             "must-revalidate, max-age=60", "private, max-age=60",
             "no-store", 'private="x-user", max-age=60')
ASKED = ("Authorization", "Cookie", None)


def opens_to_authorized(cc):
    return not opens_to_nobody(cc) and any(
        word in cc for word in ("public", "s-maxage", "must-revalidate"))


def opens_to_nobody(cc):
    return "no-store" in cc or "private," in cc


def opens_to_cookies(cc):
    return not opens_to_nobody(cc) and ("public" in cc or "s-maxage" in cc)


def may_share(cc, first, second, scope):
    """The reference: may the answer to `first` answer `second`?"""
    fields = {first, second}
    if opens_to_nobody(cc):
        return False
    if "Authorization" in fields and (scope == "/never" or
                                      not opens_to_authorized(cc)):
        return False
    if first == "Cookie" and scope != "/store" and not opens_to_cookies(cc):
        return False
    return True


def user(field, name):
    value = {"Authorization": f"Basic {name}", "Cookie": f"session={name}"}
    return {field: value[field]} if field else {}


def whose(request):
    for field in ("Authorization", "Cookie"):
        if request.get(field):
            return request.get(field)
    return "nobody"


@pytest.mark.parametrize("scope", ["/rfc", "/never", "/store"])
@pytest.mark.parametrize("cc", LIFETIMES)
def test_who_shares_with_whom(httpd, origin, path, cc, scope):
    for first, second in itertools.product(ASKED, repeat=2):
        target = f"{scope}{path}/{first}/{second}"
        origin.on(target, lambda r: ok(whose(r), ("X-User", whose(r)), cc=cc))
        made = httpd.get(target, user(first, "alice"))
        got = httpd.get(target, user(second, "bob"))
        shared = may_share(cc, first, second, scope)
        assert (got.cache == "HIT") == shared, (first, second)
        assert got.body == (made.body if shared else
                            (user(second, "bob").get(second) or
                             "nobody").encode()), (first, second)
        if "x-user" in cc and shared:
            assert not got.has("X-User")


@pytest.mark.parametrize("scope,stored,kept", [
    ("", False, None), ("/strip", True, []), ("/store", True, ["id=1"])])
@pytest.mark.parametrize("name", ["Set-Cookie", "SET-COOKIE"])
def test_cookies_that_answers_set(httpd, origin, path, scope, stored, kept,
                                  name):
    target = scope + path
    origin.on(target, ok("x", (name, "id=1")))
    assert httpd.get(target).all("Set-Cookie") == ["id=1"]
    other = httpd.get(target)
    assert (other.cache == "HIT") == stored
    if stored:
        assert other.all("Set-Cookie") == kept


def test_a_304_brings_no_cookie_to_others(httpd, origin, path):
    origin.on(path, lambda r: ok(
        "x", ("ETag", '"a"'), ("Set-Cookie", "id=1"), status=304,
        framing="none") if r.get("If-None-Match") else
        ok("x", ("ETag", '"a"'), cc="no-cache"))
    for verdict, cookies in (("MISS", []), ("REVALIDATED", ["id=1"]),
                             ("HIT", [])):
        answer = httpd.get(path)
        assert (answer.cache, answer.body) == (verdict, b"x")
        assert answer.all("Set-Cookie") == cookies
