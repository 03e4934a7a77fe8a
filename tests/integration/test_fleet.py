# SPDX-License-Identifier: Apache-2.0
"""Two servers and one Redis: each behind its own httpd, as on two machines."""
import json
import threading
import time
from urllib.parse import quote

import pytest
import servers as real

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
SYNC = 0.2
CONF = """
ServerName api.example
ProxyPass / {origin}/ retry=0
FCacheBackend near memory: size=8M
FCacheBackend fast tiered: l1=near l2=far sync=200ms l1-ttl=1h
FCacheBackend far {store}
FCacheEnable on
FCacheStore far
<Location /fast>
    FCacheStore fast
</Location>
"""


@pytest.fixture(scope="module", name="store")
def start_redis(tmp_path_factory):
    with real.start("redis", tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module", name="pair")
def start_pair(mpm, origin, store):
    names = {"origin": f"http://127.0.0.1:{origin.port}", "store": store}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as one:
        with Httpd(CONF, mpm, names=names, **OPTIONS) as two:
            yield one, two


def fill(pair, target):
    """One asks; when the other finds it, it is in the store that both have."""
    one, two = pair
    answer = one.get(target)
    assert answer.cache == "MISS"

    def found():
        there = two.get(target, {"Cache-Control": "only-if-cached"})
        return there if there.status != 504 else None
    there = real.wait_for(found, target)
    assert there.cache in ("HIT", "STALE")
    assert there.body == answer.body
    return answer


@pytest.mark.parametrize("where", ["", "/fast"])
def test_a_miss_on_one_is_a_hit_on_the_other(pair, origin, path, where):
    one, two = pair
    path = where + path
    origin.on(path, counting())
    first = fill(pair, path)
    for server in (two, one, two):
        answer = server.get(path)
        assert (answer.cache, answer.body) == ("HIT", first.body)
        assert answer.etag == first.etag is not None
    assert origin.count(path) == 1


@pytest.mark.parametrize("where,waits", [("", 0), ("/fast", SYNC)])
def test_a_write_through_one_is_seen_by_the_other(pair, origin, path, where,
                                                  waits):
    one, two = pair
    path = where + path
    origin.on(path, counting())
    fill(pair, path)
    assert two.get(path).cache == "HIT"
    assert one.post(path, b"x").status == 200
    time.sleep(waits)  # the bound that is promised
    assert two.get(path).cache == "MISS"


@pytest.mark.parametrize("where,waits", [("", 0), ("/fast", SYNC)])
@pytest.mark.parametrize("soft", [False, True])
def test_a_purge_is_seen_by_both(pair, origin, path, store, where, waits, soft):
    one, two = pair
    path = where + path
    origin.on(path, counting())
    fill(pair, path)
    assert two.get(path).cache == "HIT"
    words = ["--namespace", "default", "clear"] + ["--soft"] * soft
    code, text = one.fcachectl(*words, url=store)
    assert code == 0, text
    time.sleep(waits)
    for server in pair:
        assert server.get(path).body != b"body 1"


def test_variants_are_shared(pair, origin, path):
    one, two = pair
    origin.on(path, lambda r: ok(r.get("Accept-Language"),
                                 ("Vary", "Accept-Language")))
    for language in ("de", "en"):
        one.get(path, {"Accept-Language": language})
    real.wait_for(lambda: [two.get(path, {"Accept-Language": language}).cache
                           for language in ("de", "en")] == ["HIT", "HIT"],
                  "both variants")
    assert origin.count(path) <= 6


def test_big_bodies_are_shared(pair, origin, path):
    _, two = pair
    body = bytes(range(256)) * 3000
    for where in ("", "/fast"):
        origin.on(where + path, ok(body))
        fill(pair, where + path)
        for _ in "12":
            answer = two.get(where + path)
            assert (answer.cache, answer.body) == ("HIT", body)


@pytest.mark.parametrize("kind", ["far", "tiered"])
def test_fcachectl_works_on_it(pair, origin, path, store, kind):
    one, two = pair
    origin.on(path, ok("hello"))
    url = store if kind == "far" else \
        f"tiered:?l1=memory:{quote('?size=8M')}&l2={quote(store)}"

    def ctl(*words):
        code, text = one.fcachectl(*words, url=url)
        return code, text.strip()

    fill(pair, path)
    assert ctl("get", f"http://localhost{path}", "--vhost", "api.example")[1] \
        .endswith("hello")
    assert ctl("set", "--ttl", "60", "a", "value")[0] == 0
    assert ctl("get", "a") == (0, "value")
    names = [item["name"] for item in json.loads(ctl("--json", "ls", "-l")[1])]
    assert len(names) >= 2
    assert ctl("del", "a")[0] == 0
    assert ctl("get", "a")[0] == 1
    assert json.loads(ctl("--json", "stats")[1])["entries"] >= 1
    assert ctl("del", f"http://localhost{path}", "--vhost", "api.example") \
        [0] == 0
    assert two.get(path).cache == "MISS"
    assert ctl("clear", "--all")[0] == 0
    assert json.loads(ctl("--json", "ls")[1]) == []


@pytest.mark.parametrize("where", ["", "/fast"])
def test_one_refresh_behind_for_both(pair, origin, path, where):
    """Also where a near store has a stale copy while the far one has what is
    new."""
    path = where + path
    gate = threading.Event()
    origin.on(path, ok("old", ("Age", "20"), cc="max-age=10, "
                       "stale-while-revalidate=600"),
              lambda request: (gate.wait(20), ok("new"))[1])
    fill(pair, path)
    try:
        for server in pair * 4:
            answer = server.get(path)
            assert (answer.cache, answer.body) == ("STALE", b"old")
        real.wait_for(lambda: origin.count(path) == 2, "the refresh")
    finally:
        gate.set()
    for server in pair:
        real.wait_for(lambda: server.get(path).body == b"new", "what is new")
    assert origin.count(path) == 2
