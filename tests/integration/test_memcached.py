# SPDX-License-Identifier: Apache-2.0
"""Two servers that share two memcacheds."""
import contextlib
import os

import pytest
from servers import free_ports, memcached, wait_for

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ServerName api.example
LimitRequestLine 16000
ProxyPass / {origin}/ retry=0
FCacheBackend far {store} open=100ms open-max=200ms
FCacheEnable on
FCacheStore far
FCacheMaxObject 4M
LogFormat "%U|%{FCACHE_REASON}e" ours
CustomLog "{root}/access.log" ours
BufferedLogs off
"""


@pytest.fixture(scope="module", name="stores")
def start_stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memcached")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(memcached.server(folder, port))
               for port in free_ports(2)]


@pytest.fixture(scope="module", name="pair")
def start_pair(mpm, origin, stores):
    hosts = ",".join(f"127.0.0.1:{store.address[1]}" for store in stores)
    names = {"origin": f"http://127.0.0.1:{origin.port}",
             "store": f"memcached://{hosts}"}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as one:
        with Httpd(CONF, mpm, names=names, **OPTIONS) as two:
            yield one, two


def reason(server, target, wanted):
    """Waits until the log says so of that target."""
    wait_for(lambda: f"{target}|{wanted}\n" in
             (server.root / "access.log").read_text(), f"{target}: {wanted}")


def shared(one, two, target):
    """A miss on one becomes a hit on the other."""
    assert one.get(target).status == 200
    wait_for(lambda: two.get(target).cache == "HIT", f"a hit of {target}")


def test_a_miss_on_one_is_a_hit_on_the_other(pair, origin, path):
    one, two = pair
    for i in range(20):
        origin.on(f"{path}/{i}", counting())
        shared(one, two, f"{path}/{i}")


def test_urls_of_2000_characters(pair, origin, path):
    one, two = pair
    long = path + "/" + "x" * (2000 - len(path))
    origin.on(long, ok("long"))
    shared(one, two, long)
    assert two.get(long).body == b"long"


def test_items_of_any_size_or_told_to_be_too_large(pair, origin, path):
    one, two = pair
    fits, large = os.urandom(1000000), os.urandom(1200000)
    origin.on(path + "/fits", ok(fits))
    shared(one, two, path + "/fits")
    assert two.get(path + "/fits").body == fits
    origin.on(path + "/large", ok(large))
    for _ in "12":
        answer = one.get(path + "/large")
        assert (answer.cache, answer.body) == ("MISS", large)
    reason(one, path + "/large", "too-large")


def test_a_write_is_seen_by_the_other(pair, origin, path):
    one, two = pair
    origin.on(path, counting())
    shared(one, two, path)
    before = two.get(path).body
    assert one.post(path, b"x").status == 200
    assert two.get(path).body != before


def test_a_server_dies_and_returns(pair, stores, origin, path):
    one, two = pair
    targets = [f"{path}/{i}" for i in range(20)]
    for target in targets:
        origin.on(target, counting())
        shared(one, two, target)
    stores[1].kill()
    try:
        for _ in range(5):
            for target in targets:
                assert one.get(target).status == 200
                assert two.get(target).status == 200
        for target in targets:
            shared(one, two, target)
    finally:
        stores[1].start()
    for target in targets:
        shared(one, two, target)
