# SPDX-License-Identifier: Apache-2.0
"""A remote store is written to when the client has its answer. The store is one
that another module brings: it takes its time, or refuses."""
import json
import time

import pytest

from harness import httpd as servers
from harness.client import curl, fetch
from harness.origin import Reply, counting, ok
from servers import wait_for

MPMS = ("event", "prefork", "worker")
OPTIONS = {"without": ("cgid", "cgi")}
BIG = bytes(range(256)) * 1200
CONF = """
LoadModule fcache_example_module "{example}"
Protocols h2c http/1.1
ProxyPass /adm !
ProxyPass / {origin}/ retry=0
FCacheBackend quick late:
FCacheBackend slow late: delay=700ms
FCacheBackend broken late: fail=put
FCacheEnable on
FCacheStore quick
LogFormat "%U|%{FCACHE_STATUS}e|%{FCACHE_REASON}e|%{FCACHE_REASON}n" ours
CustomLog "{root}/access.log" ours
BufferedLogs off
<Location /slow>
    FCacheStore slow
</Location>
<LocationMatch ^/(broken|adm)>
    FCacheStore broken
</LocationMatch>
<Location /adm>
    SetHandler fcache-admin
    Require ip 127.0.0.1
    LogLevel fcache:info
</Location>
"""


def names(_request):
    return {"example": servers.BUILD / "tests/providers/mod_fcache_example.so"}


def logged(server, target, count=1):
    """The lines of a target, when there are so many."""
    deadline = time.monotonic() + 10
    while True:
        text = (server.root / "access.log").read_text()
        found = [line.split("|")[1:] for line in text.splitlines()
                 if line.split("|")[0] == target]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("fetch", ["http/1.1", "h2"])
def test_the_answer_comes_first(httpd, origin, path, fetch, mpm):
    """Who asks again at once finds nothing stored yet."""
    path = "/slow" + path
    how = ["--http2-prior-knowledge"] if fetch == "h2" and mpm != "prefork" \
        else []
    url = f"http://localhost:{httpd.port}{path}"
    origin.on(path, counting())
    assert [curl(url, *how).cache for _ in "12"] == ["MISS", "MISS"]
    logged(httpd, path, 2)
    probe = ("-H", "Cache-Control: only-if-cached")
    wait_for(lambda: curl(url, *probe).cache == "HIT", "a put that is late")


def test_what_is_put_later_is_right(httpd, origin, path):
    for number, body in enumerate((b"", b"x", BIG)):
        target = f"{path}/{number}"
        origin.on(target, ok(body, ("X-One", "1")))
        first = httpd.get(target)
        httpd.wait_stored(target)
        again = httpd.get(target)
        assert again.cache == "HIT"
        assert first.cache == "MISS"
        assert again.body == first.body == body
        assert again.get("X-One") == "1"


def told(httpd, origin, path):
    """The log's line of a miss; a busy machine may make one late."""
    for number in range(10):
        target = f"{path}/{number}"
        origin.on(target, ok())
        httpd.get(target)
        line, = logged(httpd, target)
        if line[1] != "store-late":
            break
    return line


def test_the_log_tells_what_came_of_it(httpd, origin, path):
    for where, reason in (("", "stored"), ("/broken", "store-fault")):
        assert told(httpd, origin, where + path) == ["MISS", reason, reason]


def test_a_connection_goes_on(httpd, origin, path):
    origin.on("/*", counting())
    with httpd.connect() as connection:
        seen = []
        for number in range(10):
            target = f"{path}/{number}"
            assert connection.request(target).cache == "MISS"
            seen.append(connection.request(target).cache)
    assert seen.count("HIT") > 5  # a busy machine may make some late


@pytest.mark.parametrize("body", [b"small", BIG], ids=["small", "big"])
@pytest.mark.parametrize("how", ["whole", "head", "condition"])
def test_a_renewed_entry_is_put_later(httpd, origin, path, body, how):
    """Its old body is the new one's: it is pinned until then."""
    origin.on(path, lambda r: (
        Reply(304, (("ETag", '"v"'), ("Cache-Control", "max-age=60")),
              framing="none")
        if r.get("If-None-Match") else
        ok(body, ("ETag", '"v"'), cc="no-cache")))
    assert httpd.get(path).cache == "MISS"
    ask = {"whole": httpd.get, "head": httpd.head,
           "condition": lambda t: httpd.get(t, {"If-None-Match": '"v"'})}[how]
    wait_for(lambda: ask(path).cache == "REVALIDATED", "what was put")
    wait_for(lambda: logged(httpd, path)[-1][0] == "REVALIDATED", "its line")
    assert logged(httpd, path)[-1][1] in ("refreshed", "store-late")
    wait_for(lambda: httpd.get(path).cache == "HIT", "what was renewed")
    assert httpd.get(path).body == body


def test_a_client_that_leaves_takes_nothing_along(httpd, origin, path, mpm):
    path = "/slow" + path
    origin.on(path, ok(BIG))
    with httpd.connect() as connection:
        assert connection.request(path).cache == "MISS"
    reason = "stored" if mpm == "prefork" else "store-late"
    assert logged(httpd, path) == [["MISS", reason, reason]]
    httpd.wait_stored(path)
    assert httpd.get(path).body == BIG


def test_a_write_is_told_when_the_store_is_not(httpd, origin, path):
    httpd.log.allow("FC0104")
    target = "/broken" + path
    origin.on(target, ok())
    start = httpd.log.path.stat().st_size
    assert httpd.post(target, b"x").status == 200
    httpd.log.wait("FC0104", start)


def test_a_write_waits_for_its_store_once(httpd, origin, path):
    """All that it made stale is one list, which fails as a whole."""
    httpd.log.allow("FC0104")
    target = "/broken" + path
    origin.on(target, ok("", ("Location", "/a"), ("Content-Location", "/b")))
    origin.on(target + "/last", ok())
    start = httpd.log.path.stat().st_size
    for each in (target, target + "/last"):
        assert httpd.post(each, b"x").status == 200
    said = httpd.log.path.read_text()[start:]
    assert said.count("FC0104") == 1 + 1


def test_a_purge_that_fails_is_noted(httpd):
    """Some of it may be done."""
    httpd.log.allow("FC0109")
    answer = fetch(httpd.port, "/adm", "POST",
                   {"Content-Type": "application/json"}, b'{"tag": "a"}')
    assert answer.status == 503
    assert json.loads(answer.body)["purged"] == []
    noted = json.loads(httpd.get("/adm?format=json").body)["recent"][0]
    assert (noted["kind"], noted["value"], noted["failed"]) == (
        "tag", "a", True)
    assert "FC0109: failed to purge tag a (hard) by 127.0.0.1: late: told" in \
        (httpd.root / "error.log").read_text()
