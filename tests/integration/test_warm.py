# SPDX-License-Identifier: Apache-2.0
"""fcachectl warm, and what the cache has afterwards."""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from harness import control, tls
from harness.origin import Reply, ok

MPMS = ("event",)
FAULT = 3
names = tls.names
NONE = {"BYPASS": 0, "MISS": 0, "HIT": 0, "STALE": 0, "REVALIDATED": 0,
        "ERROR": 0, "no_verdict": 0, "stored": 0, "failed": 0, "failures": [],
        "repeated": 0, "skipped": 0}

CONF = tls.CONF + """
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog {root}/access.log combined
<Location /status>
    FCacheStatusHeader off
</Location>
<Location /other>
    FCacheStatusHeader X-Cache
    FCacheCacheStatus "a; hit, \\"b\\""
</Location>
<Location /mute>
    FCacheStatusHeader off
    FCacheCacheStatus off
</Location>
<Location /open>
    FCacheEnable off
</Location>
"""


@pytest.fixture
def base(httpd):
    return f"http://127.0.0.1:{httpd.port}"


def summary(text):
    told = json.loads(text)
    assert told.pop("took_s") >= 0
    return told


def warm(base, paths, *options, code=0):
    out, err = control.run("warm", "-", "--json", "-b", base, *options,
                           stdin="".join(path + "\n" for path in paths),
                           code=code)
    assert (err == "") == (code == 0), err
    return summary(out), err


def test_what_was_warmed_is_a_hit(httpd, origin, base, path):
    paths = [f"{path}/{n}" for n in range(10)]
    for each in paths:
        origin.on(each, ok(each))
    want = {**NONE, "urls": 10, "requests": 10}
    assert warm(base, paths)[0] == {**want, "MISS": 10, "stored": 10}
    assert [origin.count(each) for each in paths] == [1] * 10
    assert warm(base, paths + paths)[0] == {**want, "HIT": 10, "repeated": 10}
    for each in paths:
        answer = httpd.get(each, host=f"127.0.0.1:{httpd.port}")
        assert (answer.cache, answer.body) == ("HIT", each.encode())


def test_the_servers_own_log(httpd, origin, base, path):
    """All that went well is asked for again, once, as it was asked for."""
    targets = [path + "/a%20b?x=%22&y=[1]", path + "/./c/../d//", path + "/?"]
    origin.on(path + "/*", ok("x", ("Vary", "User-Agent")))
    origin.on(path + "/gone", Reply(410))
    for target in targets * 2 + [path + "/gone"]:
        httpd.get(target)
    httpd.post(path + "/")
    httpd.head(path + "/")
    lines = logged(httpd, path, 9)
    out, _ = control.run("warm", "-", "-b", base, "--json",
                         stdin="\n".join(lines))
    assert summary(out) == {**NONE, "urls": 3, "repeated": 3, "skipped": 3,
                            "requests": 3, "MISS": 3, "stored": 3}
    more = collections.Counter(map(request, logged(httpd, path, 12)))
    more.subtract(map(request, lines))
    assert +more == {f"GET {target} HTTP/1.1": 1 for target in targets}


def request(line):
    return line.split('"')[1]


def logged(httpd, path, count):
    """That many lines of the access log, which come behind the answers."""
    deadline = time.monotonic() + 20
    while True:
        text = (httpd.root / "access.log").read_text()
        lines = [line for line in text.splitlines() if path in line]
        if len(lines) >= count and text.endswith("\n"):
            assert len(lines) == count
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.01)


def test_header_fields_are_sent(origin, base, path):
    """Host among them: one server may be warmed under another's name."""
    origin.on(path, ok("x", ("Vary", "Accept-Language")))
    for language in ("de", "en"):
        told, _ = warm(base, [path], "-H", "Accept-Language: " + language,
                       "-H", "X-Empty:", "-H", "Host: api.example")
        assert told["MISS"] == 1
    seen = origin.seen(path)
    assert [r.get("Accept-Language") for r in seen] == ["de", "en"]
    assert [r.get("X-Empty") for r in seen] == ["", ""]
    assert warm(base, [path], "-H", "Accept-Language: de", "-H",
                "Host: API.example")[0]["HIT"] == 1
    assert warm(base, [path], "-H", "Accept-Language: de")[0]["MISS"] == 1


# ---- what the cache said


@pytest.mark.parametrize("scope, first, second", [
    ("", "MISS", "HIT"), ("/status", "MISS", "HIT"), ("/other", "MISS", "HIT"),
    ("/mute", "no_verdict", "no_verdict"),
    ("/open", "no_verdict", "no_verdict"),
])
def test_the_verdict_is_that_of_either_field(origin, base, path, scope, first,
                                             second):
    origin.on(scope + path, ok("x"))
    for want in (first, second):
        told, _ = warm(base, [scope + path])
        assert verdict(told) == want


def verdict(told):
    found = [name for name, value in told.items()
             if value == 1 and (name.isupper() or name == "no_verdict")]
    assert len(found) == 1, told
    return found[0]


@pytest.mark.parametrize("fields, want, stored", [
    (["X-FCache: HIT"], "HIT", 0),
    (["x-fcache:  STALE "], "STALE", 0),
    (["X-FCache: REVALIDATED", "Cache-Status: a; hit"], "REVALIDATED", 0),
    (["Cache-Status: a; fwd=miss; stored", "X-FCache: BYPASS"], "BYPASS", 1),
    (["X-FCache: ERROR"], "ERROR", 0),
    (["X-FCache: HITS"], "no_verdict", 0),
    (["X-FCache: HIT, MISS"], "no_verdict", 0),
    (["X-FCache:"], "no_verdict", 0),
    (["X-FCache: odd", "Cache-Status: a; hit; ttl=4"], "HIT", 0),
    (["Cache-Status: a;hit"], "HIT", 0),
    (["Cache-Status: a; fwd=uri-miss; stored; ttl=9"], "MISS", 1),
    (["Cache-Status: a; fwd=bypass"], "BYPASS", 0),
    (["Cache-Status: a; hit, b; fwd=miss; stored"], "MISS", 1),
    (["Cache-Status: a; fwd=miss; stored", "cache-status: b; hit"], "HIT", 0),
    (["Cache-Status: a; fwd=miss; stored, b; hit"], "HIT", 0),
    (['Cache-Status: "a; fwd=miss; stored, \\" b"; hit'], "HIT", 0),
    (['Cache-Status: a; detail="x; stored"; fwd=miss'], "MISS", 0),
    (["Cache-Status: hit"], "no_verdict", 0),
    (["Cache-Status: a"], "no_verdict", 0),
    (["Cache-Status: a; hits; hit=?0"], "no_verdict", 0),
    (["Cache-Status:"], "no_verdict", 0),
    (['Cache-Status: "a; hit'], "no_verdict", 0),
    (["Cache-Status: a; ;;; hit;"], "HIT", 0),
    (["X-FCache-Debug: HIT"], "no_verdict", 0),
])
def test_what_fields_mean(origin, path, fields, want, stored):
    origin.on(path, ok("x", *[tuple(field.split(":", 1)) for field in fields]))
    told, _ = warm(f"http://127.0.0.1:{origin.port}", [path])
    assert (verdict(told), told["stored"]) == (want, stored)


def test_interim_answers_say_nothing(origin, path):
    origin.on(path, ok("x", interim=((103, [("X-FCache", "HIT")]),)))
    assert verdict(warm(f"http://127.0.0.1:{origin.port}", [path])[0]) == \
        "no_verdict"


# ---- what fails


def test_what_failed_is_told(httpd, origin, path):
    """Straight from the origin, which nothing stands in front of."""
    origin.on(path + "/good", ok("x"))
    origin.on(path + "/gone", Reply(404, (("X-FCache", "MISS"),)))
    origin.on(path + "/bad", Reply(503))
    origin.on(path + "/worse", Reply(503))
    origin.on(path + "/moved", Reply(302, (("Location", "/nowhere"),)))
    origin.on(path + "/cut", ok("x" * 100, cut=10))
    origin.on(path + "/odd", Reply(raw=b"SSH-2.0-odd\r\n"))
    base = f"http://127.0.0.1:{origin.port}"
    closed = f"http://127.0.0.1:{httpd.ports[2]}/"
    paths = [path + "/" + name for name in (
        "good", "gone", "bad", "worse", "moved", "cut", "odd")] + [closed]
    told, err = warm(base, paths, "--parallel", "1", code=FAULT)
    assert (told["requests"], told["failed"]) == (8, 6)
    assert (told["MISS"], told["no_verdict"]) == (1, 4)
    reasons = {row["reason"]: row["count"] for row in told["failures"]}
    assert len(reasons) == 5 and sum(reasons.values()) == 6
    assert (reasons["status 503"], reasons["status 404"]) == (2, 1)
    lines = err.splitlines()
    assert len(lines) == 6
    assert f"fcachectl: {base}{path}/gone: status 404" in lines
    assert all(line.rsplit(": ", 1)[1] in reasons for line in lines)
    assert origin.count("/nowhere") == 0


def test_servers_prove_who_they_are(httpd, origin, path, certificate):
    origin.on(path, ok("x"))
    name, address = (f"https://{host}:{httpd.ports[1]}{path}"
                     for host in ("localhost", "127.0.0.1"))
    _, err = control.run("warm", "-", stdin=name, code=FAULT)
    assert "certificate" in err
    trust = {"SSL_CERT_FILE": str(certificate[0])}
    _, err = control.run("warm", "-", stdin=address, code=FAULT, env=trust)
    assert "certificate" in err
    assert origin.count(path) == 0
    for verdict in ("MISS", "HIT"):
        out, _ = control.run("warm", "-", "--json", stdin=name, env=trust)
        assert summary(out)[verdict] == 1


def test_a_request_may_not_take_for_ever(origin, path):
    gate = threading.Event()
    origin.on(path, ok("xx", pace=(1, 0), gate=gate))
    told, _ = warm(f"http://127.0.0.1:{origin.port}", [path], "--timeout", "1",
                   code=FAULT)
    gate.set()
    assert [row["count"] for row in told["failures"]] == [1]
    assert "imeout" in told["failures"][0]["reason"]


# ---- how many at a time, and how fast


@pytest.mark.parametrize("options, most", [
    ([], 4), (["--parallel", "1"], 1), (["--parallel", "3"], 3)])
def test_not_more_at_a_time_than_said(origin, path, options, most):
    """Each answer waits until as many are there as may be, then a moment for
    one too many."""
    state = {"now": 0, "peak": 0}
    lock = threading.Condition()

    def answer(_):
        with lock:
            state["now"] += 1
            state["peak"] = max(state["peak"], state["now"])
            lock.notify_all()
            lock.wait_for(lambda: state["peak"] >= most, 20)
            lock.wait(0.05)
            state["now"] -= 1
        return ok("x")
    origin.on(path + "/*", answer)
    warm(f"http://127.0.0.1:{origin.port}",
         [f"{path}/{n}" for n in range(12)], *options)
    assert state["peak"] == most


def test_the_rate_is_kept(origin, path):
    """A lower bound, which a slow machine keeps too."""
    origin.on(path + "/*", ok("x"))
    base = f"http://127.0.0.1:{origin.port}"
    begun = time.monotonic()
    warm(base, [f"{path}/{n}" for n in range(11)], "--rate", "20/s",
         "--parallel", "11")
    assert time.monotonic() - begun >= 10 / 20
    assert origin.count(path + "/*") == 11


# ---- how it is told


def test_the_summary_is_for_people(origin, base, path):
    origin.on(path, ok("x"))
    out, err = control.run("warm", "-", "-b", base, stdin=path)
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", rows["took_s"]), rows
    assert (rows["urls"], rows["MISS"], rows["failed"], rows["failures"]) == (
        "1", "1", "0", "-")
    assert err == ""


def test_nothing_is_asked_for_in_a_dry_run(origin, base, path):
    out, _ = control.run("warm", "-", "-b", base, "--dry-run", stdin=path)
    assert out == base + path + "\n" and origin.count(path) == 0


def test_nothing_to_do(base):
    assert warm(base, [])[0] == {**NONE, "urls": 0, "requests": 0}


def test_a_terminal_sees_how_far_it_is(origin, base, path):
    origin.on(path + "/*", ok("x"))
    origin.on(path + "/bad", Reply(404))
    paths = [f"{path}/{n}" for n in range(5)] + [path + "/bad"]
    with control.terminal() as (ours, theirs):
        process = control.start("warm", "-", "-b", base, stderr=theirs,
                                stdin=subprocess.PIPE)
        os.close(theirs)
        out, _ = process.communicate("\n".join(paths).encode(), timeout=60)
        shown = control.drain(ours)
    assert process.returncode == FAULT
    assert out.startswith(b"urls ")
    assert "] 6/6, failed 1" in shown and "#" in shown
    assert f"\r\x1b[Kfcachectl: {base}{path}/bad: status 404\r\n" in shown
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_summary(origin, path, number):
    gate = threading.Event()
    origin.on(path + "/0", ok("x"))
    origin.on(path + "/*", ok("xx", pace=(1, 0), gate=gate))
    base = f"http://127.0.0.1:{origin.port}"
    process = control.start("warm", "-", "--json", "-P", "2",
                            stdin=subprocess.PIPE)
    process.stdin.write("".join(f"{base}{path}/{n}\n"
                                for n in range(9)).encode())
    process.stdin.close()
    process.stdin = None
    deadline = time.monotonic() + 30
    while origin.count(path + "/*") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    gate.set()
    assert (process.returncode, err) == (-number, b"")
    told = summary(out)
    assert (told["urls"], told["requests"], told["failed"]) == (9, 1, 0)
    assert origin.count(path + "/*") == 3
