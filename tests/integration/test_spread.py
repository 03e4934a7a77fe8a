# SPDX-License-Identifier: Apache-2.0
"""Refreshes and ends of lifetimes that are spread over time."""
import re

from servers import wait_for

from harness.origin import Reply, counting, ok

MPMS = ("event", "prefork")
CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheEarlyRefresh 50%
<Location /jitter>
    FCacheEarlyRefresh off
    FCacheJitter 50%
</Location>
<Location /off>
    FCacheEarlyRefresh off
</Location>
"""


def ttl_of(answer):
    return int(re.search(r"; ttl=(-?\d+)", answer.get("Cache-Status")).group(1))


def until_new(httpd, path, old):
    """Every answer is a hit, until one has another body."""
    def look():
        answer = httpd.get(path)
        assert answer.cache == "HIT"
        return answer.body != old
    wait_for(look, "the refresh")


def test_hits_refresh_before_the_end(httpd, origin, path):
    origin.on(path, counting(cc="max-age=600"))
    first = httpd.get(path)
    assert first.cache == "MISS"
    until_new(httpd, path, first.body)


def test_what_is_confirmed_lives_anew(httpd, origin, path):
    tag = ("ETag", '"1"')
    origin.on(path, ok("same", tag, ("Age", "500"), cc="max-age=600"),
              Reply(304, (tag, ("Cache-Control", "max-age=600")),
                    framing="none"))
    httpd.get(path)
    assert ttl_of(httpd.get(path)) <= 100

    def look():
        answer = httpd.get(path)
        assert (answer.cache, answer.body) == ("HIT", b"same")
        return ttl_of(answer) > 500
    wait_for(look, "the confirmation")
    assert origin.seen(path)[1].get("If-None-Match") == '"1"'


def test_none_without_the_directive(httpd, origin, path):
    path = "/off" + path
    origin.on(path, counting(cc="max-age=600"))
    httpd.get(path)
    for _ in range(50):
        assert httpd.get(path).body == b"body 1"
    assert origin.count(path) == 1


def test_lifetimes_are_shortened_at_random(httpd, origin, path):
    path = "/jitter" + path
    origin.on(path + "/*", ok("hello", cc="max-age=1000"))
    lives = []
    for number in range(12):
        answer = httpd.get(f"{path}/{number}")
        assert answer.directives["max-age"] == "1000"
        lives.append(ttl_of(answer))
        assert abs(ttl_of(httpd.get(f"{path}/{number}")) - lives[-1]) <= 2
    assert all(498 <= life <= 1000 for life in lives)
    assert max(lives) - min(lives) > 20
