# SPDX-License-Identifier: Apache-2.0
"""Stored parts (RFC 9111 section 3.3): T10 says never as the whole."""
import concurrent.futures
import time

import pytest

from harness.client import Closed
from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /small>
    FCacheMaxObject 1K
</Location>
<Location /off>
    FCachePartial off
</Location>
<Location /json>
    FCacheCoder json
</Location>
"""
WHOLE = bytes(range(48, 58)) * 10000
TAG = ("ETag", '"v1"')


def ranged(*fields, whole=WHOLE, cc="max-age=60"):
    """Answers a single first-last range, else the whole."""
    def answer(request):
        wanted = (request.get("Range") or "").partition("=")[2]
        first, _, last = wanted.partition("-")
        if not first.isdigit() or not last.isdigit():
            return ok(whole, *fields, cc=cc)
        part = whole[int(first):int(last) + 1]
        where = f"bytes {first}-{int(first) + len(part) - 1}/{len(whole)}"
        return ok(part, ("Content-Range", where), *fields, cc=cc, status=206)
    return answer


def ask(httpd, path, wanted, headers=(), **knobs):
    return httpd.get(path, {"Range": f"bytes={wanted}", **dict(headers)},
                     **knobs)


def told(answer):
    return (answer.cache, answer.status, answer.get("Content-Range"),
            answer.body)


@pytest.mark.parametrize("where", ["", "/json"])
def test_ranges_within_a_part(httpd, origin, path, where):
    path = where + path
    origin.on(path, ranged())
    assert ask(httpd, path, "10-70009").cache == "MISS"
    for first, last in ((10, 70009), (10, 10), (70009, 70009), (100, 65000)):
        assert told(ask(httpd, path, f"{first}-{last}")) == (
            "HIT", 206, f"bytes {first}-{last}/100000",
            WHOLE[first:last + 1]), (first, last)
    answer = ask(httpd, path, "20-29")
    assert answer.all("Content-Length") == ["10"]
    assert answer.all("Content-Type") == ["text/plain"] and answer.has("Age")
    assert answer.get("Cache-Status").startswith("mod_fcache; hit; ")
    assert origin.count(path) == 1


def test_what_a_part_has_not_is_asked_for(httpd, origin, path):
    origin.on(path, ranged())
    ask(httpd, path, "10-19")
    for wanted in ("9-19", "10-20", "30-40"):
        first, last = map(int, wanted.split("-"))
        answer = ask(httpd, path, wanted)
        assert answer.cache == "MISS" and answer.body == WHOLE[first:last + 1]
        assert "; fwd=partial; " in answer.get("Cache-Status")
    for number, wanted in enumerate(("10-", "-10", "12-13,15-16")):
        target = f"{path}/{number}"
        origin.on(target, ranged())
        ask(httpd, target, "10-19")
        assert ask(httpd, target, wanted).cache == "MISS", wanted


def test_a_part_is_never_the_whole(httpd, origin, path):
    origin.on(path, ranged(TAG))
    ask(httpd, path, "0-9")
    assert httpd.get(path, {"Range": "bytes=0-9"}).cache == "HIT"
    assert httpd.get(path, method="HEAD").cache == "MISS"
    answer = httpd.get(path)
    assert told(answer) == ("MISS", 200, None, WHOLE)
    assert answer.get("Cache-Status").startswith("mod_fcache; fwd=partial; ")
    assert told(httpd.get(path)) == ("HIT", 200, None, WHOLE)
    assert told(ask(httpd, path, "5-14"))[:3] == (
        "HIT", 206, "bytes 5-14/100000")
    assert origin.seen(path)[-1].get("If-None-Match") is None


def test_a_part_does_not_take_the_place_of_the_whole(httpd, origin, path):
    """Not even when that is stale: it may still be needed."""
    httpd.log.allow("proxy:", "proxy_http:")
    origin.on(path, ok(WHOLE, cc="max-age=1"),
              ranged(), ranged(), Reply(drop=True))
    httpd.get(path)
    time.sleep(1.1)
    for _ in range(2):
        answer = ask(httpd, path, "0-9")
        assert (answer.cache, answer.status) == ("MISS", 206)
    assert told(httpd.get(path)) == ("STALE", 200, None, WHOLE)


def test_conditions(httpd, origin, path):
    origin.on(path, ranged(TAG))
    ask(httpd, path, "0-9")
    same = ask(httpd, path, "2-3", {"If-Range": '"v1"'})
    assert told(same) == ("HIT", 206, "bytes 2-3/100000", WHOLE[2:4])
    assert ask(httpd, path, "2-3", {"If-None-Match": '"v1"'}).status == 304
    for other in ('"v2"', 'W/"v1"', "Fri, 15 Jan 2027 08:00:00 GMT"):
        answer = ask(httpd, path, "2-3", {"If-Range": other})
        assert answer.cache == "MISS", other
        ask(httpd, path, "0-9")


def test_variants_and_users(httpd, origin, path):
    origin.on(path, ranged(("Vary", "Foo")))
    assert ask(httpd, path, "0-9", {"Foo": "1"}).cache == "MISS"
    assert ask(httpd, path, "0-9", {"Foo": "1"}).cache == "HIT"
    assert ask(httpd, path, "0-9", {"Foo": "2"}).cache == "MISS"
    assert ask(httpd, path, "0-9", {"Foo": "1", "Authorization": "x"}
               ).cache == "MISS"


def test_a_stale_part_is_fetched_anew(httpd, origin, path):
    origin.on(path, ranged(TAG, cc="max-age=1"))
    ask(httpd, path, "0-9")
    time.sleep(1.1)
    answer = ask(httpd, path, "0-9")
    assert told(answer) == ("MISS", 206, "bytes 0-9/100000", WHOLE[:10])
    asked = origin.seen(path)[-1]
    assert asked.get("Range") == "bytes=0-9"
    assert asked.get("If-None-Match") is None
    assert ask(httpd, path, "0-9").cache == "HIT"


def test_a_stale_part_for_an_origin_that_fails(httpd, origin, path):
    httpd.log.allow("proxy:", "proxy_http:")
    origin.on(path, ranged(cc="max-age=1"), Reply(drop=True))
    ask(httpd, path, "0-9")
    time.sleep(1.1)
    assert told(ask(httpd, path, "3-4")) == ("STALE", 206, "bytes 3-4/100000",
                                             b"34")
    assert httpd.get(path).status == 502


def test_a_write_forgets_parts(httpd, origin, path):
    origin.on(path, ranged())
    ask(httpd, path, "0-9")
    httpd.get(path, method="DELETE")
    assert ask(httpd, path, "0-9").cache == "MISS"


@pytest.mark.parametrize("fields,body", [
    ([], b"01234"),
    ([("Content-Range", "bytes */10")], b"01234"),
    ([("Content-Range", "bytes 0-4/10"), ("Content-Range", "bytes 5-9/10")],
     b"01234"),
    ([("Content-Range", "bytes 4-0/10")], b"01234"),
    ([("Content-Range", "bytes 0-4/3")], b"01234"),
    ([("Content-Range", "bytes 0-4/10")], b"0123456789"),
    ([("Content-Type", "multipart/byteranges; boundary=B")],
     b"--B\r\nContent-Range: bytes 0-4/10\r\n\r\n01234\r\n--B--\r\n"),
])
def test_odd_parts_are_not_reused(httpd, origin, path, fields, body):
    made = Reply(206, (*fields, ("Cache-Control", "max-age=60")), body)
    origin.on(path, made)
    for _ in range(2):
        answer = ask(httpd, path, "0-4")
        assert (answer.cache, answer.body) == ("MISS", body)


def test_a_part_that_breaks_off(httpd, origin, path):
    httpd.log.allow("proxy:", "proxy_http:", "FC0102")
    origin.on(path, ok(WHOLE[:10], ("Content-Range", "bytes 0-9/100"),
                       status=206, cut=5), ranged())
    with pytest.raises(Closed):
        ask(httpd, path, "0-9")
    assert ask(httpd, path, "0-4").cache == "MISS"


def test_off(httpd, origin, path):
    path = "/off" + path
    origin.on(path, counting(("Content-Range", "bytes 0-5/10"), status=206))
    assert [ask(httpd, path, "0-5").cache for _ in "12"] == ["MISS"] * 2


def test_a_part_is_not_refreshed_behind(httpd, origin, path):
    """That would ask for the whole (T10)."""
    origin.on(path, ranged(TAG, ("Age", "20"),
                           cc="max-age=10, stale-while-revalidate=60"))
    for _ in "12":
        answer = ask(httpd, path, "0-4")
        assert (answer.cache, answer.status) == ("MISS", 206)
    assert [r.get("Range") for r in origin.seen(path)] == ["bytes=0-4"] * 2


@pytest.mark.parametrize("asked,told_fields,cc", [
    ({"Cookie": "a=b"}, (), "max-age=60"),
    ({"Authorization": "Basic eDp5"}, (), "max-age=60"),
    ({"Cache-Control": "no-store"}, (), "max-age=60"),
    ({"X-HTTP-Method-Override": "PUT"}, (), "max-age=60"),
    ({"Connection": "X-User"}, (), "max-age=60"),
    ({}, (("Set-Cookie", "a=b"),), "max-age=60"),
    ({}, (("Vary", "*"),), "max-age=60"),
    ({}, (), "private, max-age=60"),
    ({}, (), "no-store, max-age=60"),
    ({}, (), None),
])
def test_somebodys_parts_are_nobody_elses(httpd, origin, path, asked,
                                          told_fields, cc):
    """What a whole answer needs to be stored, a part needs too."""
    origin.on(path, ranged(*told_fields, cc=cc))
    assert ask(httpd, path, "0-9", asked).status == 206
    assert ask(httpd, path, "0-9").cache == "MISS"
    assert origin.count(path) == 2


def test_a_part_that_nobody_asked_for(httpd, origin, path):
    """Else one 206 in place of a 200 would cut the URL short for all."""
    part = ok("01234", ("Content-Range", "bytes 0-4/10"), status=206)
    origin.on(path, part)
    assert httpd.get(path).status == 206
    assert ask(httpd, path, "0-4").cache == "MISS"
    assert httpd.get(path).cache == "MISS"


def test_parts_of_two_versions_are_not_mixed(httpd, origin, path):
    """Section 3.4: nothing is combined, with or without the same tag."""
    one, two = b"1" * 100, b"2" * 100
    origin.on(path, ranged(TAG, whole=one), ranged(TAG, whole=two))
    assert ask(httpd, path, "0-49").body == one[:50]
    assert ask(httpd, path, "40-89").body == two[:50]
    for first, last in ((0, 49), (45, 55), (0, 89)):
        answer = ask(httpd, path, f"{first}-{last}")
        assert (answer.cache, answer.body) == ("MISS", two[first:last + 1])


def test_a_part_larger_than_an_object_may_be(httpd, origin, path):
    path = "/small" + path
    origin.on(path, ranged())
    for wanted, verdict in (("0-1999", "MISS"), ("0-999", "HIT")):
        ask(httpd, path, wanted)
        assert ask(httpd, path, wanted).cache == verdict


def test_who_wants_the_whole_waits_for_one(httpd, origin, path):
    """A stored part is no way to have the origin asked by everybody at once."""
    def slow(request):
        reply = ranged(whole=WHOLE)(request)
        reply.delay = 0.5
        return reply
    origin.on(path, ranged(), slow)
    ask(httpd, path, "0-9")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpd.get(path), range(8)))
    assert [a.body == WHOLE for a in answers] == [True] * 8
    assert origin.count(path) == 2
