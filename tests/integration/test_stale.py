# SPDX-License-Identifier: Apache-2.0
"""Stale-while-revalidate (RFC 5861 section 3): the client has its answer at
once, and one refresh behind makes the next one fresh."""
from concurrent.futures import ThreadPoolExecutor
import re
import threading
import time

import pytest

from harness.client import basic, request_bytes
from harness.httpd import Httpd
from harness.origin import Reply, counting, ok

MPMS = ("event", "worker", "prefork")
CONF = """
ProxyPass /file !
ProxyPass /cgi !
ProxyPass / {origin}/ retry=0
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
</Directory>
<Location /file/operator>
    FCacheExpire 60
    FCacheStale while-revalidate=600
</Location>
FCacheEnable on
FCacheMaxObject 4M
SendBufferSize 65536
<Location /operator>
    FCacheStale while-revalidate=600 if-error=600
</Location>
<Location /off>
    FCacheStale off
</Location>
<Location /sorted>
    FCacheKeyBuilder query:sort
</Location>
<Location /appends>
    RequestHeader append X-Hops one
</Location>
<Location /marked>
    SetEnvIf X-Mark (.+) mark=$1
    Require env mark
    RequestHeader unset X-Mark
    FCacheKeyBuilder env:mark
</Location>
<Location /near>
    Require ip 127.0.0.2
</Location>
<Location /known>
    AuthType Basic
    AuthName there
    AuthUserFile "{root}/users"
    Require valid-user
</Location>
"""
OPTIONS = {"loglevel": "fcache:debug"}
ONE_CHILD = {
    "event": "ServerLimit 1\nStartServers 1\nThreadsPerChild 16\n"
             "MaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16",
    "worker": "ServerLimit 1\nStartServers 1\nThreadsPerChild 16\n"
             "MaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16",
    "prefork": "ServerLimit 2\nStartServers 2\nMaxRequestWorkers 2",
}
SWR = "max-age=10, stale-while-revalidate=600"
CGI = """#!/bin/sh
echo run >>"{runs}"
if [ "$QUERY_STRING" = away ] && [ $(wc -l <"{runs}") -gt 1 ]; then
    printf 'Location: /cgi/other\\n\\n'
    exit
fi
printf 'Content-Type: text/plain\\nCache-Control: {cc}\\nAge: 20\\n\\n'
printf 'run %s' $(wc -l <"{runs}")
"""


def prepare(server):
    server.users(ann="secret")
    (server.root / "cgi").mkdir()


def stale(body, *headers, cc=SWR, **knobs):
    """An answer that was fresh for 10 s, 20 s ago."""
    return ok(body, ("Age", "20"), *headers, cc=cc, **knobs)


def eventually(what):
    deadline = time.monotonic() + 15
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


class Gate:
    """Answers that wait for the test."""

    def __init__(self, answer):
        self.answer = answer
        self.event = threading.Event()

    def __call__(self, request):
        self.event.wait(20)
        return self.answer(request) if callable(self.answer) else self.answer

    def open(self):
        self.event.set()


def fill(httpd, target, **knobs):
    answer = httpd.get(target, **knobs)
    assert (answer.status, answer.cache) == (200, "MISS")


def test_the_client_does_not_wait_for_the_origin(httpd, origin, path):
    gate = Gate(ok("new"))
    origin.on(path, stale("old"), gate)
    fill(httpd, path)
    answer = httpd.get(path)  # while the origin sleeps
    assert (answer.status, answer.cache, answer.body) == (200, "STALE", b"old")
    assert answer.age >= 20
    eventually(lambda: origin.count(path) == 2)
    assert httpd.get(path).body == b"old"
    gate.open()
    eventually(lambda: httpd.get(path).cache == "HIT")
    assert httpd.get(path).body == b"new"
    assert origin.count(path) == 2


def test_one_refresh_for_many_at_once(httpd, origin, path):
    gate = Gate(ok("new"))
    origin.on(path, stale("old"), gate)
    fill(httpd, path)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: httpd.get(path), range(200)))
    assert {(a.status, a.cache, a.body) for a in answers} == \
        {(200, "STALE", b"old")}
    gate.open()
    eventually(lambda: httpd.get(path).cache == "HIT")
    assert origin.count(path) == 2


def test_one_refresh_without_a_lock(mpm, origin, path):
    """A child knows its own, for stores that cannot lock or have forgotten."""
    gate = Gate(ok("new"))
    names = {"origin": f"http://127.0.0.1:{origin.port}"}
    origin.on(path, stale("old"), gate)
    with Httpd("ProxyPass / {origin}/ retry=0\nFCacheEnable on", mpm,
               names=names, tuning=ONE_CHILD[mpm]) as httpd:
        fill(httpd, path)
        eventually(lambda: httpd.get(path).cache == "STALE" and
                   origin.count(path) == 2)
        if mpm != "prefork":  # whose only child is refreshing
            lock = re.search(r"(fcache:default:[\w-]{43}) .* refresh=",
                             httpd.fcachectl("ls", "--long")[1])[1]
            assert httpd.fcachectl("del", lock)[0] == 0
            for _ in range(3):
                assert httpd.get(path).cache == "STALE"
        gate.open()
        eventually(lambda: httpd.get(path).cache == "HIT")
        assert origin.count(path) == 2


def test_one_who_reads_slowly_starts_no_second(httpd, origin, path):
    """It was served stale, and by the time it has all, another was, too."""
    body = b"x" * (3 << 20)
    origin.on(path, stale(body), ok("new"))
    fill(httpd, path)
    with httpd.connect() as slow:
        slow.send(request_bytes(path))
        assert slow.read_head().cache == "STALE"
        assert httpd.get(path).cache == "STALE"
        eventually(lambda: httpd.get(path).cache == "HIT")
        before = refreshes(httpd)
        assert slow.stream.read(len(body)) == body
    eventually(lambda: refreshes(httpd) > before)
    assert origin.count(path) == 2


def test_the_refresh_asks_what_the_client_asked(httpd, origin, path):
    """T22: byte for byte the request that a miss made, credentials too; but
    for the client's conditions, in whose place are those of the entry."""
    fields = [("X-Thing", "one"), ("X-Thing", "two"), ("Cookie", "a=b"),
              ("Cache-Control", "max-stale=1000, only-if-cached"),
              ("Accept-Language", "de"), ("Authorization", "Basic Zm9v")]
    conditions = [("If-None-Match", '"mine"'), ("Range", "bytes=0-1"),
                  ("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")]
    target = path + "?q=1&a=%2f"
    origin.on(path, stale("old", ("ETag", '"theirs"'), cc=SWR + ", public"),
              ok("new"))
    fill(httpd, target, headers=[f for f in fields
                                 if f[0] != "Cache-Control"] +
         [("Cache-Control", "max-stale=1000")])
    assert httpd.get(target, headers=fields + conditions).cache == "STALE"
    eventually(lambda: origin.count(path) == 2)
    miss, refresh = [r.head.decode().lower().replace(", only-if-cached", "")
                     for r in origin.seen(path)]
    refresh = refresh.split("\r\n")
    refresh.remove('if-none-match: "theirs"')
    assert sorted(refresh) == sorted(miss.split("\r\n"))
    assert origin.seen(path)[1].target == target


def test_a_head_is_refreshed_by_a_get(httpd, origin, path):
    origin.on(path, stale("old"), ok("new"))
    fill(httpd, path)
    assert httpd.head(path).cache == "STALE"
    eventually(lambda: httpd.get(path).cache == "HIT")
    assert [r.method for r in origin.seen(path)] == ["GET", "GET"]


def test_a_304_renews_the_entry(httpd, origin, path):
    origin.on(path, stale("old", ("ETag", '"a"')),
              Reply(304, (("ETag", '"a"'), ("Cache-Control", "max-age=60"),
                          ("X-New", "yes")), framing="none"))
    fill(httpd, path)
    assert httpd.get(path).cache == "STALE"
    eventually(lambda: httpd.get(path).cache == "HIT")
    answer = httpd.get(path)
    assert (answer.body, answer.get("X-New")) == (b"old", "yes")
    assert origin.seen(path)[1].get("If-None-Match") == '"a"'
    assert origin.count(path) == 2


def test_a_client_is_told_304_by_a_stale_entry(httpd, origin, path):
    origin.on(path, stale("old", ("ETag", '"a"')), ok("new"))
    fill(httpd, path)
    answer = httpd.get(path, {"If-None-Match": '"a"'})
    assert (answer.status, answer.cache) == (304, "STALE")
    eventually(lambda: httpd.get(path).body == b"new")


def test_a_failing_refresh_is_not_repeated_by_each_hit(httpd, origin, path):
    """Nor given up: some seconds later it is tried again."""
    httpd.log.allow("proxy:error", "proxy_http:error", "FC0102")
    fails = {"/500": Reply(500), "/drop": Reply(drop=True),
             "/cut": ok("too short", cut=3),
             "/chunked": ok("too short", cut=3, framing="chunked")}
    for name, reply in fails.items():
        origin.on(path + name, stale("old"), reply, ok("new"))
        fill(httpd, path + name)
        assert httpd.get(path + name).cache == "STALE"
        eventually(lambda: origin.count(path + name) == 2)
    for name in list(fails) * 5:
        answer = httpd.get(path + name)
        assert (answer.cache, answer.body) == ("STALE", b"old")
    assert [origin.count(path + name) for name in fails] == [2] * 4
    for name in fails:
        eventually(lambda: httpd.get(path + name).cache == "HIT")
        assert httpd.get(path + name).body == b"new"
        assert origin.count(path + name) == 3


def test_a_refresh_that_may_not_be_stored_ends_the_entry(httpd, origin, path):
    origin.on(path, stale("old"), ok("new", cc="no-store"))
    fill(httpd, path)
    assert httpd.get(path).cache == "STALE"
    eventually(lambda: httpd.get(path).cache == "MISS")
    assert httpd.get(path).body == b"new"


def test_a_personal_answer_does_not_end_the_entry(httpd, origin, path):
    """It is one client's, and says nothing of what all may have."""
    origin.on(path, stale("old", cc=SWR + ", public"), ok("for ann"))
    fill(httpd, path)
    assert httpd.get(path, {"Cookie": "who=ann"}).cache == "STALE"
    httpd.log.wait("FC0106: .* request-cookie ")
    answer = httpd.get(path)
    assert (answer.cache, answer.body) == ("STALE", b"old")


@pytest.mark.parametrize("fields", [(), (("Vary", "X-A"),)])
def test_clients_with_cookies_refresh_what_is_for_all(httpd, origin, path,
                                                      fields):
    """T9, T22: asked with them the origin would answer one person, of whom
    nothing is stored, and the next client would ask again."""
    origin.on(path, lambda r: ok("for ann", *fields) if r.get("Cookie") else
              stale("old", *fields) if origin.count(path) == 1 else
              ok("new", *fields))
    fill(httpd, path)
    ann = {"Cookie": "who=ann"}
    assert httpd.get(path, ann).body == b"old"
    eventually(lambda: httpd.get(path, ann).cache == "HIT")
    assert httpd.get(path).body == httpd.get(path, ann).body == b"new"
    assert origin.count(path) == 2


def test_cookies_that_select_are_repeated(httpd, origin, path):
    origin.on(path, stale("old", ("Vary", "Cookie")),
              ok("new", ("Vary", "Cookie")))
    ann = {"Cookie": "who=ann"}
    fill(httpd, path, headers=ann)
    assert httpd.get(path, ann).cache == "STALE"
    eventually(lambda: httpd.get(path, ann).cache == "HIT")
    assert origin.seen(path)[1].get("Cookie") == "who=ann"


def test_the_window_ends(httpd, origin, path):
    origin.on(path, stale("old", ("ETag", '"a"'),
                          cc="max-age=10, stale-while-revalidate=5"),
              ok("new"))
    fill(httpd, path)
    answer = httpd.get(path)
    assert (answer.cache, answer.body) == ("MISS", b"new")


def test_a_refresh_starts_no_other(httpd, origin, path):
    """What it brings is stale again: nothing happens until someone asks."""
    origin.on(path, counting(("Age", "20"), cc=SWR))
    for number in (1, 2, 3):
        if number == 1:
            fill(httpd, path)
        answer = httpd.get(path)
        assert (answer.cache, answer.body) == ("STALE", b"body %d" % number)
        eventually(lambda: refreshes(httpd) == number)
        assert origin.count(path) == number + 1


def refreshes(httpd):
    """How many have ended."""
    return sum("FC0106" in line for line in httpd.log.lines(httpd.log.mark))


def test_the_operator_may_allow_it(httpd, origin, path):
    target = "/operator" + path
    origin.on(target, stale("old", cc="max-age=10"), ok("new"))
    fill(httpd, target)
    assert httpd.get(target).cache == "STALE"
    eventually(lambda: httpd.get(target).cache == "HIT")
    assert origin.count(target) == 2


def test_what_the_response_says_wins(httpd, origin, path):
    target = "/operator" + path
    origin.on(target, stale("old", ("ETag", '"a"'), cc="max-age=10, "
                            "stale-while-revalidate=0"), ok("new"))
    fill(httpd, target)
    assert httpd.get(target).body == b"new"


def test_a_soft_purge_is_refreshed_behind(httpd, origin, path):
    target = "/operator" + path
    gate = Gate(ok("new"))
    origin.on(target, ok("old"), gate)
    fill(httpd, target)
    assert httpd.get(target).cache == "HIT"
    assert httpd.fcachectl("clear", "--soft", "--all")[0] == 0
    for _ in range(3):
        answer = httpd.get(target)
        assert (answer.cache, answer.body) == ("STALE", b"old")
    gate.open()
    eventually(lambda: httpd.get(target).cache == "HIT")
    assert httpd.get(target).body == b"new"
    assert origin.count(target) == 2


def test_off_is_off(httpd, origin, path):
    httpd.log.allow("proxy:error", "proxy_http:error")
    target = "/off" + path
    origin.on(target, stale("old", ("ETag", '"a"')), Reply(drop=True),
              Reply(503), ok("new"))
    fill(httpd, target)
    assert [httpd.get(target).status for _ in range(3)] == [502, 503, 200]
    assert origin.count(target) == 4


def test_a_body_is_not_repeated(httpd, origin, path):
    """POST is nothing to do behind anybody's back."""
    target = path
    origin.on(target, stale("old"), ok("new"))
    fill(httpd, target)
    assert httpd.post(target, b"x").body == b"new"


def test_variants_are_refreshed_each(httpd, origin, path):
    vary = ("Vary", "Accept-Language")

    def answer(request):
        language = request.get("Accept-Language")
        seen = sum(r.get("Accept-Language") == language
                   for r in origin.seen(path))
        make = stale if seen == 1 else ok
        return make(f"{language} {seen}", vary)
    origin.on(path, answer)
    for language in ("de", "fr"):
        fill(httpd, path, headers={"Accept-Language": language})
    for language in ("de", "fr"):
        fields = {"Accept-Language": language}
        first = httpd.get(path, fields)
        assert (first.cache, first.body) == ("STALE", f"{language} 1".encode())
        eventually(lambda: httpd.get(path, fields).cache == "HIT")
        assert httpd.get(path, fields).body == f"{language} 2".encode()
    assert origin.count(path) == 4


@pytest.mark.parametrize("where, knobs", [
    ("/sorted", {}), ("/appends", {}), ("/near", {"source": "127.0.0.2"}),
    ("/marked", {"headers": {"X-Mark": "one"}}),
    ("/known", {"headers": basic("ann", "secret")})])
def test_what_comes_before_the_handler(httpd, origin, path, where, knobs):
    """Rewritten queries, added fields, access by address and by password."""
    target = f"{where}{path}"
    origin.on(target, stale("old", cc=SWR + ", public"), ok("new", cc="public, "
                                                            "max-age=60"))
    fill(httpd, target + "?b=2&a=1", **knobs)
    assert httpd.get(target + "?b=2&a=1", **knobs).cache == "STALE"
    eventually(lambda: httpd.get(target + "?b=2&a=1", **knobs).cache == "HIT")
    miss, refresh = origin.seen(target)
    assert miss.head == refresh.head


FILES = ("/file/operator/", "/file/operator/index.html")


@pytest.mark.parametrize("target", FILES)
def test_files_and_directories(httpd, target):
    """What DirectoryIndex leads to is found again."""
    name = "file/operator/index.html"
    httpd.file(name, "old")
    assert httpd.get(target).body == b"old"
    httpd.file(name, "newer")
    assert httpd.get(target).body == b"old"
    assert httpd.fcachectl("clear", "--soft", "--all")[0] == 0
    assert httpd.get(target).cache == "STALE"
    eventually(lambda: httpd.get(target).cache == "HIT")
    assert httpd.get(target).body == b"newer"


def test_what_a_htaccess_sends_to_a_proxy(httpd, origin, path):
    """The rule is in no section of the configuration, and comes late."""
    target = "/file/rewritten" + path
    httpd.file("file/rewritten/.htaccess", "RewriteEngine on\nRewriteRule (.*) "
               f"http://127.0.0.1:{origin.port}/beyond/$1 [P]\n")
    origin.on("/beyond" + path, stale("old"), ok("new"))
    fill(httpd, target)
    assert httpd.get(target).cache == "STALE"
    eventually(lambda: httpd.get(target).cache == "HIT")
    miss, refresh = origin.seen("/beyond" + path)
    assert miss.head == refresh.head


def script(httpd, name, cc=SWR):
    runs = httpd.root / "cgi" / f"{name}.runs"
    runs.touch()
    runs.chmod(0o666)
    path = httpd.root / "cgi" / name
    path.write_text(CGI.format(runs=runs, cc=cc))
    path.chmod(0o755)
    return runs


def test_a_script_is_refreshed(httpd):
    runs = script(httpd, "plain")
    fill(httpd, "/cgi/plain")
    for number in (1, 2):
        answer = httpd.get("/cgi/plain")
        assert (answer.cache, answer.body) == ("STALE", b"run %d" % number)
        eventually(lambda: refreshes(httpd) == number)
    assert runs.read_text().count("run") == 3


def test_what_cannot_be_stored_is_not_read_to_its_end(httpd, origin, path):
    """A refresh of what is endless by now, two minutes of it here."""
    origin.on(path, ok("x", ("Age", "20"), cc=SWR),
              ok(b"y" * 2**26, cc="no-store", framing="chunked",
                 pace=(2**15, 0.06)))
    httpd.get(path)
    assert httpd.get(path).cache == "STALE"
    httpd.log.wait("FC0106: refreshed behind: MISS response-no-store",
                   timeout=60)


def test_t22_no_redirect_is_followed(httpd, origin, path):
    runs = script(httpd, "moving")
    other = script(httpd, "other")
    fill(httpd, "/cgi/moving?away")
    assert httpd.get("/cgi/moving?away").cache == "STALE"
    httpd.log.wait("FC0106")
    assert runs.read_text().count("run") == 2
    assert other.read_text() == ""
    origin.on(path, stale("old"), Reply(302, (("Location", path + "/on"),)))
    fill(httpd, path)
    assert httpd.get(path).cache == "STALE"
    eventually(lambda: origin.count(path) == 2)
    eventually(lambda: refreshes(httpd) == 2)
    assert origin.count(path + "/on") == 0


def tasks(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(file.read().partition("Threads:")[2].split()[0])


def test_they_are_bounded_and_end(httpd, origin, path):
    """Half of what serves clients is left to them; no thread remains."""
    children = httpd.children()
    before = sum(map(tasks, children))
    gate = Gate(lambda request: ok("new"))
    targets = [f"{path}/{number}" for number in range(60)]
    for target in targets:
        origin.on(target, stale("old"), gate)
        fill(httpd, target)
    for target in targets:
        assert httpd.get(target).cache == "STALE"
    under_way = origin.count(path + "/*") - 60
    most = 17 if httpd.mpm == "prefork" else 8 * len(httpd.children())
    assert 8 <= under_way <= most
    gate.open()
    eventually(lambda: {httpd.get(t).cache for t in targets} == {"HIT"})
    assert origin.count(path + "/*") == 120
    if children == httpd.children():
        eventually(lambda: sum(map(tasks, children)) == before)
