# SPDX-License-Identifier: Apache-2.0
"""Every kind of purge on every store, and answers that race with purges."""
import contextlib
import json
import random
import threading
import time

import pytest
import servers as real

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork")
STORES = ("memory", "tiered", "redis", "memcached", "dynamodb")
CONF = """
ProxyPass /adm !
ProxyPass / {origin}/ retry=0
FCacheBackend memory memory: size=16M
FCacheBackend tiered tiered: l1=memory:?size=8M l2=redis l1-ttl=100ms
FCacheBackend redis {redis}
FCacheBackend memcached {memcached}
FCacheBackend dynamodb {dynamodb}
FCacheEnable on
<Location /adm>
    SetHandler fcache-admin
    Require local
</Location>
"""
SCOPE = """
<Location /{store}>
    FCacheStore {store}
    FCacheNamespace ns-{store}
    FCacheInvalidate "tag:%{resp:X-Clears}"
</Location>
"""


@pytest.fixture(scope="module", name="remote")
def start_remote(tmp_path_factory):
    """The URLs of servers, by name."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(
            real.start(name, tmp_path_factory.mktemp(name)))
            for name in ("redis", "memcached", "dynamodb")}


@pytest.fixture(scope="module", name="pair")
def start_pair(mpm, origin, remote):
    """Two servers; but for memory they share their stores."""
    conf = CONF + "".join(SCOPE.replace("{store}", s) for s in STORES)
    names = {"origin": f"http://127.0.0.1:{origin.port}", **remote}
    with Httpd(conf, mpm, names=names) as one, \
            Httpd(conf, mpm, names=names) as two:
        yield one, two


def purge(server, **what):
    while True:
        answer = server.post("/adm", json.dumps(what).encode(),
                             {"Content-Type": "application/json"})
        if answer.status != 429:
            break
        time.sleep(0.2)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["purged"]


def until(server, target, verdict):
    """Remote stores are written to behind the client's back."""
    deadline = time.monotonic() + 20
    while True:
        answer = server.get(target)
        if answer.cache == verdict:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.01)


def what_hits(store, target, tag):
    return [{"tag": tag}, {"tag": ["no", tag]}, {"url": target},
            {"namespace": "ns-" + store}, {"prefix": "fcache"}, {"all": True}]


def what_misses(target):
    return [{"tag": "other"}, {"url": target + "?q"}, {"namespace": "other"},
            {"prefix": "other"}]


@pytest.mark.parametrize("store", STORES)
def test_hard(pair, origin, path, store):
    one, two = pair
    seen_by = one if store == "memory" else two
    target, tag = "/" + store + path, path.strip("/")
    origin.on(target, counting(("Cache-Tag", tag)))
    for what in what_hits(store, target, tag):
        until(one, target, "HIT")
        for other in what_misses(target):
            purge(one, store=store, **other)
        body = until(one, target, "HIT").body
        purge(one, store=store, **what)
        if store == "tiered":
            time.sleep(0.15)  # the far server's near tier
        answer = seen_by.get(target)
        assert answer.cache == "MISS", what
        assert answer.body != body


@pytest.mark.parametrize("store", STORES)
def test_soft(pair, origin, path, store):
    """A stale answer for all who ask, and one refresh behind."""
    one, _ = pair
    target, tag = "/" + store + path, path.strip("/")
    origin.on(target, counting(
        ("Cache-Tag", tag), cc="max-age=600, stale-while-revalidate=600"))
    for what in what_hits(store, target, tag):
        fresh = until(one, target, "HIT")
        asked = origin.count(target)
        purge(one, store=store, soft=True, **what)
        stale = one.get(target)
        assert (stale.cache, stale.body) == ("STALE", fresh.body), what
        assert until(one, target, "HIT").body != fresh.body
        assert origin.count(target) == asked + 1


@pytest.mark.parametrize("store", STORES)
def test_a_key(pair, origin, path, store):
    one, _ = pair
    target = "/" + store + path
    origin.on(target, counting())
    until(one, target, "HIT")
    url = one.names.get("redis" if store == "tiered" else store)
    listed = json.loads(one.fcachectl(
        "--json", "ls", "-L", "0", store="memory", url=url)[1])
    names = [row["name"] for row in listed
             if target + " " in row["key"] + " "]
    assert len(names) == 1
    row, = purge(one, store=store, key=names[0])
    assert row["found"]
    assert one.get(target).cache == "MISS"


@pytest.mark.parametrize("store", STORES)
def test_from_the_command_line(pair, origin, path, store):
    """The tool and the server call a URL the same."""
    one, _ = pair
    target = "/" + store + path
    origin.on(target, counting(("Cache-Tag", "cli"), ("Vary", "X-A")))
    url = one.names.get("redis" if store == "tiered" else store)
    for words in (["url=http://localhost" + target],
                  ["url=HTTP://Localhost:80" + target, "tag=other"],
                  ["tag=other", "tag=cli"]):
        until(one, target, "HIT")
        code, said = one.fcachectl("purge", *words, store="memory", url=url)
        assert code == 0, said
        if store == "tiered":
            time.sleep(0.15)  # the near tier
        assert one.get(target).cache == "MISS", words


class Versions:
    """An origin whose content has a version; it looks it up, dawdles, and
    answers."""

    def __init__(self, tag):
        self.current = 0
        self.tag = tag

    def __call__(self, request):
        if request.method == "POST":
            self.current += 1
            return ok("", ("X-Clears", self.tag), cc=None)
        version = self.current
        time.sleep(random.random() * 0.004)
        return ok(str(version), ("Cache-Tag", self.tag), cc="max-age=600")


@pytest.mark.parametrize("store,writes", [
    ("memory", 1000), ("redis", 400), ("memcached", 300), ("dynamodb", 100)])
def test_what_was_computed_before_a_purge_is_never_served_after_it(
        pair, origin, path, store, writes):
    one, two = pair
    two = one if store == "memory" else two
    target = "/" + store + path
    script = Versions(path.strip("/"))
    origin.on(target, script)
    origin.on(target + "/w", script)
    done = {"version": 0}  # cleared up to here, and the writer knows
    over, wrong, hits = threading.Event(), [], []

    def read(server):
        with server.connect() as connection:
            while not over.is_set():
                least = done["version"]
                answer = connection.request(target)
                if int(answer.body) < least:
                    wrong.append((int(answer.body), least, answer.cache))
                if answer.cache == "HIT":
                    hits.append(1)

    readers = [threading.Thread(target=read, args=(s,))
               for s in (one, one, two, two)]
    for reader in readers:
        reader.start()
    with one.connect() as connection:
        for version in range(1, writes + 1):
            answer = connection.request(target + "/w", "POST", body=b"")
            assert answer.status == 200
            done["version"] = version
            time.sleep(random.random() * 0.01)
    over.set()
    for reader in readers:
        reader.join()
    assert not wrong, wrong[:5]
    assert hits, "nothing was cached meanwhile"
