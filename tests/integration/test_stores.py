# SPDX-License-Identifier: Apache-2.0
"""Prefixes, namespaces and stores, seen through fcachectl."""
import json

import pytest

from harness.client import fetch
from harness.httpd import Httpd
from harness.origin import counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend second memory: size=8M
FCacheEnable on
<Location /a>
    FCacheNamespace alpha
</Location>
<Location /b>
    FCacheNamespace beta
</Location>
<Location /second>
    FCacheStore second
</Location>
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName other
    ProxyPass / {origin}/ retry=0
    FCachePrefix site2
    FCacheEnable on
</VirtualHost>
"""


@pytest.fixture(autouse=True)
def empty(httpd):
    for store in ("default", "second"):
        code, text = httpd.fcachectl("clear", "--all", store=store)
        assert code == 0, text


def listed(httpd, store="default"):
    """prefix:namespace of each stored item."""
    code, text = httpd.fcachectl("--json", "ls", "--long", store=store)
    assert code == 0, text
    return sorted(item["name"].rsplit(":", 1)[0] for item in json.loads(text))


def fill(httpd, path, *targets):
    for target in targets:
        assert httpd.get(target).cache == "MISS"
        assert httpd.get(target).cache == "HIT"


def test_names_have_prefix_and_namespace(httpd, origin, path):
    targets = [path, "/a" + path, "/b" + path]
    origin.on("/*", ok())
    fill(httpd, path, *targets)
    assert listed(httpd) == ["fcache:alpha", "fcache:beta", "fcache:default"]


def test_a_prefix_of_a_vhost(httpd, origin, path):
    origin.on("/*", ok())
    host = f"other:{httpd.ports[1]}"
    assert [fetch(httpd.ports[1], path, host=host).cache
            for _ in "12"] == ["MISS", "HIT"]
    assert listed(httpd) == ["site2:default"]


def test_one_namespace_is_cleared(httpd, origin, path):
    origin.on("/*", counting())
    fill(httpd, path, "/a" + path, "/b" + path)
    code, text = httpd.fcachectl("--namespace", "alpha", "clear")
    assert code == 0, text
    assert httpd.get("/b" + path).cache == "HIT"
    assert httpd.get("/a" + path).cache == "MISS"


def test_all_is_cleared_in_every_child(httpd, origin, path):
    origin.on("/*", counting())
    targets = [f"{path}/{i}" for i in range(20)]
    fill(httpd, path, *targets)
    httpd.fcachectl("clear", "--all")
    assert {httpd.get(t).cache for t in targets} == {"MISS"}


def test_stores_are_apart(httpd, origin, path):
    origin.on("/*", counting())
    fill(httpd, path, path, "/second" + path)
    assert listed(httpd, "default") == ["fcache:default"]
    assert listed(httpd, "second") == ["fcache:default"]
    httpd.fcachectl("clear", "--all", store="second")
    assert httpd.get(path).cache == "HIT"
    assert httpd.get("/second" + path).cache == "MISS"


def test_statistics_count_answers_not_gets(httpd, origin, path):
    """A variant takes two gets, and storing it one more."""
    origin.on("/*", counting(("Vary", "Accept-Language")))
    before = httpd.stats()
    for language in ("de", "de", "en"):
        httpd.get(path, {"Accept-Language": language})
    after = httpd.stats()
    assert after["hits"] - before["hits"] == 1
    assert after["misses"] - before["misses"] == 2


def test_statistics_count(httpd, origin, path):
    origin.on("/*", counting())
    before = httpd.stats()
    fill(httpd, path, path)
    after = httpd.stats()
    assert after["hits"] - before["hits"] == 1
    assert after["misses"] - before["misses"] == 1
    assert after["puts"] - before["puts"] == 2  # the lock of who asks, too
    assert after["entries"] >= 1  # cleared ones count until they are dropped
    assert after["bytes_total"] > 32 << 20
    assert httpd.stats("second")["bytes_total"] <= 8 << 20


def test_a_small_store_evicts_and_goes_on(mpm, origin, path):
    """2 MiB of room, 12 MiB of bodies: every answer stays right."""
    origin.on("/*", lambda r: ok(r.path.encode() * 6000))
    conf = "FCacheBackend default memory: size=2M\n" + CONF.split(
        "Listen")[0].replace("ProxyPass", "FCacheMaxObject 1M\nProxyPass")
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    with Httpd(conf, mpm, names=names) as small:
        for _ in range(2):
            for number in range(100):
                target = f"{path}/{number}"
                answer = small.get(target)
                assert answer.body == target.encode() * 6000
        assert small.get(target).cache == "HIT"


def test_an_entry_survives_the_child_that_stored_it(httpd, origin, path):
    """One region for all children: many connections, one MISS."""
    origin.on(path, counting())
    verdicts = [httpd.get(path).cache for _ in range(40)]
    assert verdicts == ["MISS"] + ["HIT"] * 39
