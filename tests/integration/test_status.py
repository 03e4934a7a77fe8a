# SPDX-License-Identifier: Apache-2.0
"""The stores on mod_status's page."""
import re

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event",)
CONF = """
ProxyPass /server-status !
ProxyPass / {origin}/ retry=0
FCacheBackend default memory: size=16M
FCacheBackend far redis://user:word@127.0.0.1:{port3} failures=1
FCacheBackend fast tiered: l1=default l2=far
<Location />
    FCacheEnable on
</Location>
<Location /server-status>
    FCacheEnable off
    SetHandler server-status
</Location>
<Location /far>
    FCacheStore far
</Location>
"""


def told(server):
    """What ?auto says of the stores: {name: {key: value}}."""
    stores = {}
    text = server.get("/server-status?auto").body.decode()
    for name, key, value in re.findall(
            r"^FCache-([\w.-]+?)-(\w+): (.*)$", text, re.M):
        stores.setdefault(name, {})[key] = value
    return stores


def test_numbers_for_programs(httpd, origin, path):
    before = told(httpd)["default"]
    origin.on(path, counting())
    for _ in range(3):
        httpd.get(path)
    after = told(httpd)["default"]
    assert after["Store"] == "memory:?size=16M"
    assert int(after["Hits"]) - int(before["Hits"]) == 2
    assert int(after["Misses"]) - int(before["Misses"]) == 1
    assert int(after["Entries"]) >= 1
    assert int(after["BytesTotal"]) == httpd.stats()["bytes_total"]
    assert "Error" not in after


def test_every_statistic_has_a_key(httpd):
    names = {name.replace("_", "") for name in httpd.stats()} - {"hitratio"}
    for store, keys in told(httpd).items():
        found = {key.lower() for key in keys} - {"store", "error"}
        assert found == names, store


def test_a_store_that_is_down(httpd, origin, path):
    path = "/far" + path
    origin.on(path, ok())
    for _ in range(3):
        assert httpd.get(path).cache == "MISS"
    far = told(httpd)["far"]
    assert far["Store"].startswith("redis://user@127.0.0.1:")
    assert int(far["Faults"]) > 0
    assert far["Breaker"] == "2"
    assert far["Error"]


def test_a_table_for_people(httpd):
    text = httpd.get("/server-status").body.decode()
    assert "<h1>FCache</h1>" in text
    assert "<th>default</th><th>far</th><th>fast</th>" in text
    assert "memory:?size=16M" in text
    assert "word" not in text


def test_no_mod_status(origin, mpm, path):
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    origin.on(path, counting())
    with Httpd(CONF, mpm, names=names, without=("status",)) as server:
        assert [server.get(path).cache for _ in "12"] == ["MISS", "HIT"]
