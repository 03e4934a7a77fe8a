# SPDX-License-Identifier: Apache-2.0
"""What fields make fresh, end to end, with conf/rfc9111.conf. The grammar has
its own tables in tests/unit; here it is seen that httpd passes on all of it."""
import time
from email.utils import formatdate

import pytest

from harness.httpd import SOURCE
from harness.origin import Reply, ok

CONF = f"""
ProxyPass / {{origin}}/ retry=0
FCacheEnable on
Include "{SOURCE}/conf/rfc9111.conf"
"""
START = time.time()
CDN, CC = "CDN-Cache-Control", "Cache-Control"


def at(seconds):
    """That many seconds from when the tests began."""
    return formatdate(START + seconds, usegmt=True)


FRESH = [
    # RFC 9213: the targeted field goes before the others
    [(CDN, "max-age=3600")],
    [(CDN, "max-age=3600"), ("Expires", at(-100))],
    [(CDN, "max-age=3600"), (CC, "max-age=1"), ("Expires", "0")],
    [(CDN, "max-age=99999999999")],
    [(CDN, "max-age=100"), (CC, "no-store")],
    [(CDN, "max-age=100"), (CC, "private")],
    [(CDN, "foobar, max-age=100")],
    # and is not there when it is not well formed, or empty
    [(CDN, "max-age=0, &&&"), (CC, "max-age=100")],
    [(CDN, "Max-Age=0"), (CC, "max-age=100")],
    [(CDN, ""), (CC, "max-age=100")],
    # RFC 9111 section 5.2
    [(CC, 'max-age="3600"')],
    [(CC, 'max-age=3600, foo="max-age=0"')],
    [(CC, 'foo="\\"max-age=0", max-age=3600')],
    [(CC, "max-age=03600")],
    [(CC, "MAX-AGE=100")],
    [(CC, "max-age=100,,,")],
    [(CC, "max-age=2147483648")],
    [(CC, "s-maxage=100, max-age=0")],
    [(CC, "s-maxage=100"), ("Expires", at(-100))],
    [(CC, 'no-cache="a"'), (CC, "max-age=100")],
    [(CC, 'private="a", max-age=100')],
    [(CC, "must-revalidate, max-age=100")],
    [(CC, "pre-check=0, post-check=0, max-age=100")],
    [("Pragma", "no-cache"), (CC, "max-age=100")],
    # sections 4.2, 5.3
    [("Expires", at(1000)), ("Date", at(0))],
    [("Expires", at(-1000)), (CC, "max-age=100")],
    [("Pragma", "no-cache"), ("Expires", at(1000))],
    [("Date", at(-50)), (CC, "max-age=1000")],
    [("Date", at(500)), (CC, "max-age=100")],
    [("Date", "foo"), (CC, "max-age=100")],
    [("Last-Modified", at(-100000))],
    # section 4.1
    [("Vary", "Foo"), (CC, "max-age=100")],
    [("Vary", ""), (CC, "max-age=100")],
    [("Vary", ","), (CC, "max-age=100")],
]
NOT_FRESH = [
    [(CDN, "max-age=3600"), ("Age", "7200")],
    [(CDN, "max-age=0"), ("Expires", at(1000))],
    [(CDN, "max-age=0"), (CC, "max-age=100")],
    [(CDN, "private"), (CC, "max-age=100")],
    [(CDN, "no-cache"), (CC, "max-age=100")],
    [(CDN, "no-store"), (CC, "max-age=100")],
    [(CDN, "max-age=100, &&&"), (CC, "no-store")],
    [(CDN, 'max-age="100"'), (CC, "max-age=100")],
    [(CC, 'foo="max-age=3600", max-age=0')],
    [(CC, "max-age='3600'")],
    [(CC, "max-age =3600")],
    [(CC, "max-age= 3600")],
    [(CC, "max-age=-1")],
    [(CC, "max-age=100;no-store")],
    [(CC, "max-age=3600"), (CC, "no-store")],
    [(CC, "max-age=3600, no-cache")],
    [(CC, "s-maxage=0, max-age=100")],
    [(CC, "public")],
    [(CC, 'max-age=100, foo="a, no-store')],
    [(CC, 'max-age=100, foo="a, private')],
    [("Expires", at(1000)), (CC, "max-age=0")],
    [("Expires", "0")],
    [("Expires", "")],
    [("Date", at(-1500)), (CC, "max-age=1000")],
    [("Date", at(-5000)), ("Expires", at(-4000))],
    [("Vary", "*"), (CC, "max-age=100")],
    [("Vary", "Foo, *"), (CC, "max-age=100")],
    [("Vary", "Foo"), ("Vary", "*"), (CC, "max-age=100")],
    [("Vary", ""), ("Vary", "*"), (CC, "max-age=100")],
]


# letter by letter (RFC 9110 section 5.6.7); mod_proxy makes dates of some others
DATES = ["Thu, 18 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 GMT",
         "Thu Aug 18 02:01:18 2050", "THU, 18 aug 2050 02:01:18 gMT"]
NO_DATES = ["Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 AEST",
            "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT", "18 Aug 2050 02:01:18 GMT",
            "Thu,  18  Aug  2050 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18",
            "Thu, 18 Aug 2050 02:01:18 +0000", "2050-08-18T02:01:18Z"]


@pytest.mark.parametrize("verdict,date", [
    *(("HIT", date) for date in DATES), *(("MISS", date) for date in NO_DATES)])
def test_expires(httpd, origin, path, date, verdict):
    origin.on(path, Reply(200, (("Expires", date),), b"x",
                          interim=((103, [("Expires", "never")]),)))
    answer = httpd.get(path)
    assert verdict == "HIT" or answer.all("Expires") == [date]
    assert (answer.cache, httpd.get(path).cache) == ("MISS", verdict)


def text(fields):
    return "; ".join(f"{name}: {value}" for name, value in fields)


@pytest.mark.parametrize("verdict,fields", [
    *(("HIT", fields) for fields in FRESH),
    *(("MISS", fields) for fields in NOT_FRESH)], ids=lambda value:
    value if isinstance(value, str) else text(value))
def test_freshness(httpd, origin, path, fields, verdict):
    origin.on(path, Reply(200, tuple(fields), b"x"))
    first, second = [httpd.get(path, {"Foo": "1"}) for _ in "12"]
    assert (first.cache, second.cache) == ("MISS", verdict)
    for answer in (first, second):
        assert answer.all(CDN) == [v for n, v in fields if n == CDN]


@pytest.mark.parametrize("asked,tag,status", [
    ('"a"', '"a"', 304), ('"b"', '"a"', 200), ('W/"a"', '"a"', 304),
    ('"a"', 'W/"a"', 304), ('"b", "a"', '"a"', 304), ('"b","a"', '"a"', 304),
    (',, "a"', '"a"', 304), ("*", '"a"', 304), ('"a" ', '"a"', 304),
    ('w/"a"', '"a"', 200), ("a", '"a"', 200), ('"a', '"a"', 200),
    ('"x,a"', '"x,a"', 304), ('"x"', '"x,a"', 200)])
def test_if_none_match(httpd, origin, path, asked, tag, status):
    """RFC 9110 section 13.1.2, before If-Modified-Since; and section 15.4.5:
    the fields of a 304."""
    told = (("ETag", tag), ("Vary", "Abc"), ("Expires", at(1000)),
            ("Content-Location", "/x"), ("Last-Modified", at(-100)))
    origin.on(path, ok("x", *told))
    httpd.get(path)
    answer = httpd.get(path, {"If-None-Match": asked,
                              "If-Modified-Since": at(-50)})
    assert (answer.cache, answer.status) == ("HIT", status)
    if status == 304:
        assert answer.body == b""
        for name in ("ETag", "Vary", CC, "Expires", "Content-Location",
                     "Date"):
            assert answer.has(name), name


def test_if_modified_since(httpd, origin, path):
    """RFC 9110 section 13.1.3, in the three forms of dates."""
    changed = START - 3000
    forms = [time.strftime(form, time.gmtime(changed)) for form in (
        "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y")]
    origin.on(path, ok("x", ("Last-Modified", at(-3000))))
    httpd.get(path)
    for since, status in (*((form, 304) for form in forms), (at(-2000), 304),
                          (at(-5000), 200), ("foo", 200)):
        answer = httpd.get(path, {"If-Modified-Since": since})
        assert (answer.cache, answer.status) == ("HIT", status), since


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO",
                                    "M-SEARCH", "PURGE", "LOCK", "MKCOL"])
def test_writes_and_unknown_methods_invalidate(httpd, origin, path, method):
    """RFC 9111 section 4.4: the URL, its Location and Content-Location."""
    def answer(request):
        if request.method == method:
            return Reply(200, (("Location", path + "/l"),
                               ("Content-Location", path + "/c")), b"done")
        return ok("x")
    origin.on(path + "*", answer)
    targets = [path, path + "/l", path + "/c", path + "/other"]
    for target in targets:
        httpd.get(target)
    assert httpd.post(path, b"x", method=method).status == 200
    assert [httpd.get(target).cache for target in targets] == [
        "MISS", "MISS", "MISS", "HIT"]


@pytest.mark.parametrize("reference,gone", [
    ("{path}/d/x", "x"), ("x", "x"), ("./x", "x"), ("../d/x", "x"),
    ("{path}/../{last}/d/x#f", "x"), ("http://localhost:80{path}/d/x", "x"),
    ("HTTP://LocalHost.{path}/d/x", "x"), ("//localhost{path}/d/x", "x"),
    ("?q=1", "?q=1"), ("https://localhost{path}/d/x", None),
    ("//other{path}/d/x", None), ("http://localhost:81{path}/d/x", None),
    ("http://a@localhost{path}/d/x", None), ("{path}/d/%78", None)])
@pytest.mark.parametrize("field", ["Location", "Content-Location"])
def test_references_of_the_same_origin(httpd, origin, path, field, reference,
                                       gone):
    """Section 4.4, as RFC 3986 section 5.2 resolves them; of another origin
    nothing is invalidated (T21)."""
    told = reference.format(path=path, last=path.rsplit("/", 1)[1])
    origin.on(path + "*", lambda request: ok("x", (field, told)))
    for name in ("x", "?q=1"):
        httpd.get(f"{path}/d/{name}")
    httpd.post(f"{path}/d/", b"x")
    for name in ("x", "?q=1"):
        assert httpd.get(f"{path}/d/{name}").cache == (
            "MISS" if name == gone else "HIT"), name


@pytest.mark.parametrize("cc,verdict", [
    ("max-age=0", "MISS"), ("MAX-AGE=0", "MISS"), ('max-age="0"', "MISS"),
    ("max-age", "MISS"), ("max-age=100", "HIT"), ("no-cache", "MISS"),
    ("foo, no-cache", "MISS"), ("no-cache=foo", "MISS"),
    ("no-store", "BYPASS"), ("min-fresh=10", "HIT"), ("min-fresh=1000", "MISS"),
    ("max-stale=10", "HIT"), ("only-if-cached", "HIT"), ("foo=bar", "HIT")])
def test_what_requests_ask_for(httpd, origin, path, cc, verdict):
    """RFC 9111 section 5.2.1."""
    origin.on(path, ok("x", cc="max-age=100"))
    httpd.get(path)
    time.sleep(0.01)
    assert httpd.get(path, {CC: cc}).cache == verdict
