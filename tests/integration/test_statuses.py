# SPDX-License-Identifier: Apache-2.0
"""Every status that an origin may send, with conf/rfc9111.conf: fresh, stale,
guessed, understood or not."""
import time

import pytest

from harness.httpd import SOURCE
from harness.origin import Reply, counting

CONF = f"""
ProxyPass / {{origin}}/ retry=0
FCacheEnable on
Include "{SOURCE}/conf/rfc9111.conf"
"""
NO_BODY = (204, 205, 304)
KNOWN = [200, 201, 202, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404,
         405, 406, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426,
         500, 501, 502, 503, 504, 505]
UNKNOWN = [299, 399, 418, 420, 451, 499, 509, 599]
GUESSED = (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
OLD = ("Last-Modified", "Fri, 15 Jan 2021 08:00:00 GMT")


def reply(status, *fields):
    number = 0

    def answer(_):
        nonlocal number
        number += 1
        body = b"" if status in NO_BODY else b"body %d" % number
        return Reply(status, (("Content-Type", "text/plain"), *fields), body,
                     reason="Of Mine",
                     framing="none" if status in NO_BODY else "length")
    return answer


def verdicts(httpd, path):
    return [httpd.get(path).cache for _ in "12"]


@pytest.mark.parametrize("status", KNOWN + UNKNOWN)
def test_fresh(httpd, origin, path, status):
    origin.on(path, reply(status, ("Cache-Control", "max-age=60")))
    first, second = httpd.get(path), httpd.get(path)
    assert (second.cache, second.status) == ("HIT", status)
    assert second.body == first.body
    if status in (299, 499, 599):  # httpd has its own for the others
        assert second.reason == first.reason
    assert origin.count(path) == 1


@pytest.mark.parametrize("line", ["599 ", "499 ", "299 ", "599"])
def test_without_a_phrase(httpd, origin, path, line):
    """RFC 9112 section 4: it may be empty."""
    origin.on(path, Reply(raw=b"HTTP/1.1 %s\r\nCache-Control: max-age=60\r\n"
                          b"Content-Length: 2\r\n\r\nhi" % line.encode()))
    first, second = httpd.get(path), httpd.get(path)
    assert (first.cache, second.cache) == ("MISS", "HIT")
    for answer in (first, second):
        assert (answer.status, answer.reason) == (int(line), "")


def test_stale(httpd, origin, path):
    """Asked for again, and the new answer stored."""
    for status in KNOWN + UNKNOWN:
        origin.on(f"{path}/{status}",
                  reply(status, ("Cache-Control", "max-age=1")))
        httpd.get(f"{path}/{status}")
    time.sleep(1.5)
    for status in KNOWN + UNKNOWN:
        answer = httpd.get(f"{path}/{status}")
        assert (answer.cache, answer.status) == ("MISS", status)
        if status not in NO_BODY:
            assert answer.body == b"body 2"
        assert origin.count(f"{path}/{status}") == 2


@pytest.mark.parametrize("status", KNOWN + UNKNOWN)
def test_guesses(httpd, origin, path, status):
    """RFC 9110 section 15.1, and with public any."""
    for name, fields, stored in (
            ("plain", (OLD,), status in GUESSED),
            ("public", (OLD, ("Cache-Control", "public")), True),
            ("nothing", (), False)):
        origin.on(f"{path}/{name}", reply(status, *fields))
        wanted = ["MISS", "HIT" if stored else "MISS"]
        assert verdicts(httpd, f"{path}/{name}") == wanted, name


@pytest.mark.parametrize("status", KNOWN + UNKNOWN)
def test_must_understand(httpd, origin, path, status):
    """RFC 9111 section 5.2.2.3: it takes no-store back from who does."""
    cc = "no-store, must-understand, max-age=60"
    origin.on(path, reply(status, ("Cache-Control", cc)))
    assert verdicts(httpd, path) == [
        "MISS", "HIT" if status in KNOWN else "MISS"]


@pytest.mark.parametrize("status", [100, 199, 600, 700, 999])
def test_what_is_no_final_status(httpd, origin, path, status):
    httpd.log.allow("proxy:", "proxy_http:", "http:", "core:")
    origin.on(path, Reply(raw=b"HTTP/1.1 %d Odd\r\nCache-Control: max-age=60"
                              b"\r\nContent-Length: 0\r\n\r\n" % status),
              counting())
    assert httpd.get(path).cache != "HIT"
    assert httpd.get(path).cache != "HIT"


@pytest.mark.parametrize("status", [102, 103])
def test_interim_answers_leave_nothing(httpd, origin, path, status):
    """RFC 9111 section 3: they are not stored, and their fields are not those
    of the answer."""
    interim = ((status, (("X-Interim", "1"), ("Cache-Control", "max-age=9"),
                         ("ETag", '"interim"'))),)
    origin.on(path, Reply(200, (("Cache-Control", "max-age=60"),), b"final",
                          interim=interim))
    first, second = httpd.get(path), httpd.get(path)
    assert [each.status for each in first.interim] == [status]
    assert not first.interim[0].has("X-FCache")
    assert (second.cache, second.body, second.interim) == ("HIT", b"final", [])
    for answer in (first, second):
        assert not answer.has("X-Interim")
        assert answer.etag != '"interim"'
        assert answer.directives == {"max-age": "60"}


def test_interim_answers_without_a_lifetime_behind_them(httpd, origin, path):
    origin.on(path, Reply(200, (), b"final", interim=(
        (103, (("Cache-Control", "max-age=60"),)),)))
    assert verdicts(httpd, path) == ["MISS", "MISS"]


def test_trailers_are_no_fields(httpd, origin, path):
    """RFC 9110 section 6.5: what comes behind the body changes nothing."""
    origin.on(path, Reply(200, (("Cache-Control", "max-age=60"),
                                ("Trailer", "X-Trailer, Cache-Control")),
                          b"body", framing="chunked",
                          trailers=(("X-Trailer", "1"),
                                    ("Cache-Control", "no-store"))))
    first, second = httpd.get(path), httpd.get(path)
    assert (second.cache, second.body) == ("HIT", b"body")
    assert not second.has("X-Trailer") and not second.has("Trailer")
    assert first.directives == second.directives == {"max-age": "60"}
