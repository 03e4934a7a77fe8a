# SPDX-License-Identifier: Apache-2.0
"""What is told about a request: field, variables, notes, log."""
import re
import time

import pytest

from harness.origin import ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
LogFormat "%U|%{FCACHE_STATUS}e|%{FCACHE_STATUS}n|%{FCACHE_REASON}e|%{FCACHE_REASON}n|%{FCACHE_TTL}e|%{FCACHE_AGE}e|%{FCACHE_KEY}e|%{FCACHE_KEY}n|%{usec}t" ours
LogFormat "%U|%{X_STATUS}e|%{X_REASON}n|%{FCACHE_STATUS}e|%{FCACHE_STATUS}n|%{usec}t" renamed
CustomLog "{root}/access.log" ours
CustomLog "{root}/renamed.log" renamed
BufferedLogs off
<Location /named>
    FCacheStatusHeader X-Cache
</Location>
<Location /silent>
    FCacheStatusHeader off
</Location>
<Location /renamed>
    FCacheEnvPrefix X_
</Location>
<Location /noenv>
    FCacheEnvPrefix none
</Location>
<Location /off>
    FCacheEnable off
</Location>
SetEnvIf X-Skip 1 no-cache
SetEnvIf X-Skip 2 no-fcache
"""


def logged(httpd, target, count, name="access"):
    """The `count` log lines of that path, split, in the order in which the
    requests began; written behind the answer, so waited for."""
    path = httpd.root / f"{name}.log"
    deadline = time.monotonic() + 5
    while True:
        found = [line.split("|") for line in path.read_text().splitlines()
                 if line.split("|")[0] == target]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count
            found.sort(key=lambda row: int(row[-1]))
            return [row[:-1] for row in found]
        time.sleep(0.01)


def test_verdict_and_reason_in_env_and_notes(httpd, origin, path):
    origin.on(path, ok())
    for headers in ({}, {}, {"Cache-Control": "no-store"}):
        httpd.get(path, headers)
    rows = logged(httpd, path, 3)
    assert [row[1:5] for row in rows] == [
        ["MISS", "MISS", "stored", "stored"],
        ["HIT", "HIT", "fresh", "fresh"],
        ["BYPASS", "BYPASS", "request-no-store", "request-no-store"]]
    ttl, age, key, note = rows[1][5:]
    assert 58 <= int(ttl) <= 60 and int(age) in (0, 1)
    assert key == note
    assert re.fullmatch(r"fcache:default:[A-Za-z0-9_-]{43}", key), key
    assert rows[0][7] == key


def test_reasons_say_why_nothing_is_stored(httpd, origin, path):
    cases = {"response-no-store": ok(cc="no-store"),
             "response-private": ok(cc="private, max-age=9"),
             "no-lifetime": ok(cc=None),
             "set-cookie": ok("x", ("Set-Cookie", "a=b")),
             "vary-any": ok("x", ("Vary", "*"))}
    for reason, reply in cases.items():
        target = f"{path}/{reason}"
        origin.on(target, reply)
        httpd.get(target)
        assert logged(httpd, target, 1)[0][1:4:2] == ["MISS", reason]


def test_status_header_of_another_name(httpd, origin, path):
    origin.on("/named" + path, ok())
    answers = [httpd.get("/named" + path) for _ in range(2)]
    assert [a.all("X-Cache") for a in answers] == [["MISS"], ["HIT"]]
    assert not any(a.has("X-FCache") for a in answers)


def test_status_header_off(httpd, origin, path):
    origin.on("/silent" + path, ok())
    answers = [httpd.get("/silent" + path) for _ in range(2)]
    assert not any(a.has("X-FCache") for a in answers)
    assert answers[1].has("Age")
    assert [r[1] for r in logged(httpd, "/silent" + path, 2)] == ["MISS",
                                                                  "HIT"]


def test_the_origins_status_header_is_replaced(httpd, origin, path):
    origin.on(path, ok("x", ("X-FCache", "LIE")))
    assert [httpd.get(path).all("X-FCache") for _ in "12"] == [["MISS"],
                                                               ["HIT"]]


@pytest.mark.parametrize("scope,name", [("", "X-FCache"),
                                        ("/named", "X-Cache")])
def test_the_origins_status_header_is_replaced_on_a_bypass(
        httpd, origin, path, scope, name):
    path = scope + path
    origin.on(path, ok("x", ("X-FCache", "LIE"), ("X-Cache", "LIE")))
    for answer in (httpd.post(path, b"", method="DELETE"),
                   httpd.get(path, {"X-Skip": "1"}),
                   httpd.get(path, {"Cache-Control": "no-store"})):
        assert answer.all(name) == ["BYPASS"]


def test_another_env_prefix(httpd, origin, path):
    target = "/renamed" + path
    origin.on(target, ok())
    for _ in range(2):
        httpd.get(target)
    assert [r[1:] for r in logged(httpd, target, 2, "renamed")] == [
        ["MISS", "stored", "-", "-"], ["HIT", "fresh", "-", "-"]]


def test_no_env(httpd, origin, path):
    target = "/noenv" + path
    origin.on(target, ok())
    httpd.get(target)
    assert httpd.get(target).cache == "HIT"
    assert [r[1:3] for r in logged(httpd, target, 2)] == [["-", "-"]] * 2


def test_off_sets_nothing(httpd, origin, path):
    origin.on("/off" + path, ok())
    httpd.get("/off" + path)
    assert set(logged(httpd, "/off" + path, 1)[0][1:]) == {"-"}


def test_env_turns_it_off_for_a_request(httpd, origin, path):
    origin.on(path, ok())
    httpd.get(path)
    for value in "12":
        assert httpd.get(path, {"X-Skip": value}).cache == "BYPASS"
    assert httpd.get(path).cache == "HIT"
    assert logged(httpd, path, 4)[1][3] == "env-no-cache"


def test_no_key_in_any_field(httpd, origin, path):
    """T32: nobody is told the name of an entry."""
    origin.on(path, ok())
    httpd.get(path)
    answer = httpd.get(path)
    digest = logged(httpd, path, 2)[0][7].rsplit(":", 1)[1]
    assert digest.encode() not in answer.head


def test_log_lines_are_escaped(httpd, origin, path):
    """T36: what a client sends cannot make a line of its own."""
    origin.on("/*", ok())
    target = path + "/%0a[fcache:error]%20fake%0d%0a"
    httpd.get(target, {"X-Evil": "a\tb"})
    httpd.get(path + "/%01%7f")
    for line in httpd.log.lines(httpd.log.mark):
        assert line.isprintable(), line
    assert "fake" not in "\n".join(
        line for line in httpd.log.lines(httpd.log.mark)
        if line.startswith("[fcache"))
