# SPDX-License-Identifier: Apache-2.0
"""fcachectl watch and top while a server works: nothing that happens is left
out, or counted twice."""
import contextlib
import fcntl
import json
import os
import struct
import subprocess
import termios
import time

import pytest

from harness import control
from harness.client import basic
from harness.httpd import Httpd
from harness.origin import ok

MPMS = ("event",)
USAGE, FAULT = 2, 3
CONF = """
ProxyPass /adm !
ProxyPass / {origin}/ retry=0
FCacheBackend second memory: size=8M
FCacheBackend far redis://127.0.0.1:{port3} failures=1
FCacheEnable on
FCacheLock off
<Location /adm/open>
    FCacheEnable off
    SetHandler fcache-admin
    Require local
</Location>
<Location /adm/guarded>
    FCacheEnable off
    SetHandler fcache-admin
    AuthType Basic
    AuthName admin
    AuthUserFile {root}/users
    Require valid-user
</Location>
<Location /items>
    FCacheNamespace items
</Location>
<Location /second>
    FCacheNamespace second
    FCacheStore second
</Location>
<Location /far>
    FCacheStore far
</Location>
""" + "".join(f"<Location /ns{n}>\nFCacheNamespace ns{n}\n</Location>\n"
              for n in range(30))


def prepare(server):
    server.users(root="pass")


@contextlib.contextmanager
def following(*words):
    """Its lines of JSON, one by one, for as long as they are wanted."""
    process = control.start(*words, "--json")

    def lines():
        for _ in range(120):
            yield json.loads(process.stdout.readline())
        raise AssertionError("what was waited for never came")
    try:
        yield lines()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def admin(httpd, name="open"):
    return ["--admin", f"http://127.0.0.1:{httpd.port}/adm/{name}"]


def memory(httpd, name="default"):
    return ["-s", f"memory:{name}?pid={httpd.pid}"]


class Sums:
    """What rates come to, by name and member."""

    def __init__(self, key):
        self.key = key
        self.sums = {}

    def add(self, rows, seconds):
        for row in rows:
            for name, value in row.items():
                if name.endswith("_per_s"):
                    assert value >= 0, row
                    place = (row[self.key], name[:-6])
                    self.sums[place] = self.sums.get(place, 0) + \
                        value * seconds

    def of(self, who):
        return {name: round(value) for (row, name), value in self.sums.items()
                if row == who and round(value)}


def purge(httpd, what):
    answer = httpd.post("/adm/open", json.dumps(what).encode(),
                        {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


def traffic(httpd, origin, path):
    """2 misses, 9 hits, 1 purge in /items; 1 miss, 2 hits in /second."""
    origin.on("/items" + path + "/*", ok("x"))
    origin.on("/second" + path, ok("x"))
    for n in range(9):
        httpd.get(f"/items{path}/{n % 2}")
    for _ in range(3):
        httpd.get("/second" + path)
    httpd.get(f"/items{path}/0")
    httpd.get(f"/items{path}/1")
    purge(httpd, {"tag": "nothing"})


@pytest.mark.parametrize("source", [admin, memory])
def test_watch_tells_all_that_happens(httpd, origin, path, source):
    want = {"default": {"hits": 9, "misses": 2, "puts": 2, "purges": 1},
            "second": {"hits": 2, "misses": 1, "puts": 1}}
    if source is memory:
        name = f"memory:default?pid={httpd.pid}"
        want = {name: want["default"]}
    sums = Sums("store")
    with following("watch", *source(httpd)) as lines:
        first = next(lines)
        sums.add([first], first["interval_s"])
        traffic(httpd, origin, path)
        for row in lines:
            sums.add([row], row["interval_s"])
            check_ratio(row, row["hits_per_s"], row["misses_per_s"])
            if all(sums.of(name) == told for name, told in want.items()):
                break
            for name, told in want.items():
                assert all(told.get(member, 0) >= value for member, value
                           in sums.of(name).items()), sums.of(name)


def check_ratio(row, spared, asked):
    if spared + asked == 0:
        assert row["hit_ratio"] is None
    else:
        assert abs(row["hit_ratio"] - spared / (spared + asked)) < 0.001


def test_top_tells_all_that_happens(httpd, origin, path):
    want = {"requests": 11, "hits": 9, "misses": 2, "stores": 2}
    sums = Sums("namespace")
    with following("top", *admin(httpd)) as turns:
        next(turns)
        traffic(httpd, origin, path)
        for turn in turns:
            rows = turn["namespaces"]
            sums.add(rows, turn["interval_s"])
            rates = [row["requests_per_s"] for row in rows]
            assert rates == sorted(rates, reverse=True)
            for row in rows:
                check_ratio(row, row["hits_per_s"] + row["stale_per_s"],
                            row["misses_per_s"] + row["revalidated_per_s"])
            if sums.of("items") == want and \
                    sums.of("second").get("requests") == 3:
                break
            assert sums.of("items").get("requests", 0) <= 11
    assert {store["store"] for store in turn["stores"]} == {
        "default", "second", "far"}
    assert len(rows) == 33


def test_a_counter_that_falls_began_again(httpd, origin, path):
    """A restart, also a graceful one, forgets what happened in namespaces."""
    origin.on("/items" + path, ok("x"))
    sums = Sums("namespace")
    with following("top", *admin(httpd)) as turns:
        next(turns)
        for count, wanted in ((20, 20), (5, 25)):
            for _ in range(count):
                httpd.get("/items" + path)
            for turn in turns:
                sums.add(turn["namespaces"], turn["interval_s"])
                if sums.of("items").get("requests", 0) == wanted:
                    break
                assert sums.of("items").get("requests", 0) < wanted
            httpd.graceful()


def test_what_a_store_says_of_itself_is_shown(httpd, origin, path):
    origin.on("/far" + path, ok("x"))
    httpd.log.allow("FC0105", "FC0103")
    httpd.get("/far" + path)
    out, _ = control.run("top", "--once", "--json", *admin(httpd))
    told = {row["store"]: row["error"] for row in json.loads(out)["stores"]}
    assert told["default"] is None and told["second"] is None
    assert told["far"]
    out, _ = control.run("top", "--once", *admin(httpd))
    row, = [line for line in out.splitlines() if line.startswith("far ")]
    assert row.endswith(told["far"])


def test_top_on_a_terminal_fits(httpd):
    """The window has 16 lines: of 33 namespaces those that fit are shown."""
    with control.terminal() as (ours, theirs):
        fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 16, 160, 0, 0))
        process = control.start("top", "--once", *admin(httpd), stdout=theirs)
        os.close(theirs)
        _, err = process.communicate(timeout=30)
        shown = control.drain(ours)
    assert (process.returncode, err) == (0, b"")
    assert shown.startswith("\x1b[H\x1b[J")
    lines = shown[6:].splitlines()
    assert len(lines) == 15
    assert lines[6].split()[:2] == ["NAMESPACE", "REQUESTS/S"]


def test_top_elsewhere_is_one_table_behind_the_other(httpd):
    process = control.start("top", *admin(httpd))
    text = b""
    while text.count(b"NAMESPACE ") < 2:
        text += process.stdout.readline()
    process.terminate()
    process.communicate(timeout=20)
    assert text.count(b"\n\n") == 3 and b"\x1b" not in text


# ---- the handler ----------------------------------------------------------


def test_who_may_is_who_may_ask(httpd):
    login = "Authorization: " + basic("root", "pass")["Authorization"]
    assert "status 401" in control.run(
        "top", "--once", *admin(httpd, "guarded"), code=FAULT)[1]
    out, _ = control.run("top", "--once", "--json", "-H", login,
                         *admin(httpd, "guarded"))
    assert len(json.loads(out)["stores"]) == 3


@pytest.mark.parametrize("answer, text", [
    (ok("<html>"), "this is not fcache-admin"),
    (ok(""), "this is not fcache-admin"),
    (ok("[]"), "this is not fcache-admin"),
    (ok('{"stores": {}}'), "this is not fcache-admin"),
    (ok("[" * 100000), "this is not fcache-admin"),
    (ok('{"stores": []' + " " * (4 << 20) + "}"), "more than 4 MiB"),
    (ok("{}", status=404), "status 404"),
    (ok("{}", status=302), "status 302"),
    (ok('{"stores": [', cut=5), "partial"),
])
def test_what_is_no_handler(origin, path, answer, text):
    origin.on(path, answer)
    out, err = control.run(
        "watch", "--admin", f"http://127.0.0.1:{origin.port}{path}", code=FAULT)
    assert out == "" and text in err and err.count("\n") == 1
    assert origin.seen(path)[0].target == path + "?format=json"


def test_odd_numbers_are_no_danger(origin, path):
    """What another version, or somebody else, may answer."""
    odd = [None, 1, "x", [], {}, {"name": 1, "stats": []},
           {"name": "\x1b[2J", "stats": {"hits": "many", "puts": -5}},
           {"name": "a", "stats": {"hits": (1 << 63) - 1}}]
    answers = [{"stores": [], "namespaces": 7},
               {"stores": odd, "namespaces": odd},
               {"stores": odd[::-1], "namespaces": odd}]
    origin.on(path, *[ok(json.dumps(answer)) for answer in answers])
    with following("top", "--admin",
                   f"http://127.0.0.1:{origin.port}{path}") as turns:
        turn = [next(turns) for _ in "123"][-1]
    assert len(turn["stores"]) == len(turn["namespaces"]) == len(odd)
    out, _ = control.run("top", "--once", "--admin",
                         f"http://127.0.0.1:{origin.port}{path}")
    assert "\x1b" not in out and "\\x1B[2J" in out


@pytest.mark.parametrize("url, text", [
    ("/adm", "a URL begins"), ("http://a.example/?x", "without a query"),
    ("http://u:p@a.example/", "no user"),
])
def test_urls_that_are_wrong(url, text):
    assert text in control.run("top", "--admin", url, code=USAGE)[1]


def test_it_goes_on_when_the_server_comes_back(origin, mpm):
    """What it could not ask is said, and is the status if it was the last."""
    with Httpd(CONF, mpm,
               names={"origin": f"http://127.0.0.1:{origin.port}"}) as server:
        prepare(server)
        assert "connect" in control.run(
            "watch", "--admin", f"http://127.0.0.1:{server.ports[1]}/",
            code=FAULT)[1]
        process = control.start("watch", "--json", *admin(server))
        assert process.stdout.readline()
        server.stop()
        assert b"connect" in process.stderr.readline()
        server.start()
        now = int(time.time())
        while json.loads(process.stdout.readline())["time_s"] <= now:
            pass
        process.terminate()
        process.communicate(timeout=20)
        process = control.start("watch", "--count", "2", *admin(server))
        for _ in range(4):  # head and stores
            process.stdout.readline()
        server.stop()
        assert process.wait(30) == FAULT
        process.communicate()
        server.start()
