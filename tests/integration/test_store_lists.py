# SPDX-License-Identifier: Apache-2.0
"""However much a write makes stale, a store that is far away is asked once for
all of it, and so are purges."""
import json
import re
import time

import pytest
import servers as real
from servers import redis

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
GROUPS = 60
CONF = """
ProxyPass /fcache !
ProxyPass / {origin}/ retry=0
FCacheBackend default redis://127.0.0.1:{store_port}
FCacheEnable on
<Location /fcache>
    SetHandler fcache-admin
    Require local
</Location>
<Location /rules>
    FCacheInvalidate "tag:%{resp:X-Tags} namespace:a namespace:b"
    FCacheInvalidate "tag:%{resp:X-Soft}" soft
    FCacheInvalidate "namespace:%{resp:X-Bad}"
</Location>
"""


@pytest.fixture(scope="module", name="port")
def start_redis(tmp_path_factory):
    port, = real.free_ports(1)
    with redis.server(tmp_path_factory.mktemp("redis"), port):
        yield port


@pytest.fixture(scope="module", name="far")
def start_httpd(mpm, origin, port):
    names = {"origin": f"http://127.0.0.1:{origin.port}", "store_port": port}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as server:
        yield server


@pytest.fixture(name="clears")
def count_clears(port):
    """How often the store was asked for one since; each is a script, and what
    the look-up of a write may ask for is none."""
    def calls():
        said = re.search(r"cmdstat_eval:calls=(\d+)",
                         redis.ask(port, "info", "commandstats"))
        return int(said[1]) if said else 0
    before = calls()
    return lambda: calls() - before


def fill(server, target, script):
    """Asks until the answer is in the store, counters and all."""
    origin, reply = script
    origin.on(target, reply)
    server.get(target)
    server.wait_stored(target)
    time.sleep(0.05)  # its counters come right after it
    assert server.get(target).cache == "HIT"


def is_kept(server, target):
    """Without asking the origin, whose answer would be stored."""
    answer = server.get(target, {"Cache-Control": "only-if-cached"})
    return answer.status == 200


def test_a_write_asks_once(far, origin, path, clears):
    names = [f'"g{number}"' for number in range(GROUPS)]
    targets = [path, path + "/a", path + "/b", path + "/0", path + "/59"]
    for number, target in enumerate(targets):
        groups = (("Cache-Groups", names[int(target.rsplit("/")[-1])]),) \
            if number > 2 else ()
        fill(far, target, (origin, counting(*groups)))
    before = clears()
    origin.on(path, ok("", ("Location", path + "/a"),
                       ("Content-Location", path + "/b"),
                       ("Cache-Group-Invalidation", ", ".join(names)), cc=None))
    assert far.post(path, b"x").status == 200
    assert clears() == before + 1
    assert [is_kept(far, target) for target in targets] == [False] * 5


def test_rules_ask_once_more(far, origin, path, clears):
    target = "/rules" + path
    names = [path + end for end in ("/1", "/2", "/3")]
    tags = [name.strip("/").replace("/", "-") for name in names]
    for name, tag in zip(names, tags):
        fill(far, name, (origin, counting(("Cache-Tag", tag))))
    origin.on(target, ok("", ("X-Tags", " ".join(tags[:2])),
                         ("X-Soft", tags[2]), ("X-Bad", "a/b"), cc=None))
    before = clears()
    far.log.expect("FC0107: .* namespace:a/b: not cleared: a namespace is")
    assert far.post(target, b"x").status == 200
    assert clears() == before + 2
    assert [is_kept(far, name) for name in names] == [False] * 3


def test_purges_ask_once(far, clears):
    order = {"tag": [f"t{number}" for number in range(30)],
             "namespace": ["n", "m"], "url": ["/x", "/y"]}
    answer = far.post("/fcache/purge", json.dumps(order).encode(),
                      {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    assert len(json.loads(answer.body)["purged"]) == 34
    assert clears() == 1
