# SPDX-License-Identifier: Apache-2.0
"""FCacheStoreIf: a condition on answers that could be stored."""
import pytest

from harness.origin import ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheDebug on
<Location /found>
    FCacheStoreIf "expr=%{resp:X-Found} != '0'"
</Location>
<Location /status>
    FCacheStoreIf "expr=%{REQUEST_STATUS} == 200"
</Location>
<Location /asked>
    FCacheStoreIf "expr=%{HTTP:X-Keep} == 'yes'"
</Location>
<Location /frozen>
    FCacheStoreIf off
</Location>
<Location /frozen/not>
    FCacheStoreIf on
</Location>
"""


def verdicts(httpd, path, headers=()):
    return [httpd.get(path, headers).cache for _ in range(2)]


@pytest.mark.parametrize("found, second", [("0", "MISS"), ("7", "HIT")])
def test_a_field_of_the_answer_decides(httpd, origin, path, found, second):
    origin.on(f"/found{path}", ok("x", ("X-Found", found)))
    assert verdicts(httpd, f"/found{path}") == ["MISS", second]
    reason = "store-if" if second == "MISS" else "fresh"
    assert f"reason={reason}" in httpd.get(f"/found{path}").get("X-FCache-Debug")


def test_the_status_decides(httpd, origin, path):
    for status, second in ((200, "HIT"), (404, "MISS")):
        url = f"/status{path}/{status}"
        origin.on(url, ok("x", status=status))
        assert verdicts(httpd, url) == ["MISS", second]


def test_the_request_decides(httpd, origin, path):
    origin.on(f"/asked{path}", ok())
    assert verdicts(httpd, f"/asked{path}") == ["MISS", "MISS"]
    assert verdicts(httpd, f"/asked{path}", {"X-Keep": "yes"}) == ["MISS", "HIT"]
    assert httpd.get(f"/asked{path}").cache == "HIT"


def test_it_is_for_its_scope(httpd, origin, path):
    for scope, second in (("/frozen", "MISS"), ("/frozen/not", "HIT")):
        origin.on(scope + path, ok())
        assert verdicts(httpd, scope + path) == ["MISS", second]


def test_what_is_stored_stays_until_it_is_replaced(httpd, origin, path):
    """A new answer that is refused does not take the old one's place."""
    url = f"/found{path}"
    origin.on(url, ok("old", ("X-Found", "1")))
    httpd.get(url)
    origin.on(url, ok("other", ("X-Found", "0")))
    fresh = httpd.get(url, {"Cache-Control": "no-cache"})
    assert fresh.cache == "MISS" and fresh.body == b"other"
    again = httpd.get(url)
    assert again.cache == "HIT" and again.body == b"old"
