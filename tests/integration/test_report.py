# SPDX-License-Identifier: Apache-2.0
"""What is told about a request: field, variables, notes, log."""
import re
import time

from harness.origin import ok

OPTIONS = {"loglevel": "fcache:trace8"}
CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
LogFormat "%U|%{FCACHE_STATUS}e|%{FCACHE_STATUS}n|%{FCACHE_REASON}e|%{FCACHE_REASON}n|%{FCACHE_TTL}e|%{FCACHE_AGE}e|%{FCACHE_KEY}e|%{FCACHE_KEY}n" ours
LogFormat "%U|%{X_STATUS}e|%{X_REASON}n|%{FCACHE_STATUS}e|%{FCACHE_STATUS}n" renamed
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


def logged(httpd, target, *asked, name="access"):
    """Asks once for each of these headers; the log lines, split. They are
    written behind the answers, so each is waited for."""
    path = httpd.root / f"{name}.log"
    for number, headers in enumerate(asked, 1):
        httpd.get(target, headers)
        deadline = time.monotonic() + 5
        while True:
            found = [line.split("|") for line in path.read_text().splitlines()
                     if line.split("|")[0] == target]
            if len(found) == number:
                break
            assert time.monotonic() < deadline and len(found) < number
            time.sleep(0.01)
    return found


def test_verdict_and_reason_in_env_and_notes(httpd, origin, path):
    origin.on(path, ok())
    rows = logged(httpd, path, {}, {}, {"Cache-Control": "no-store"})
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
        assert logged(httpd, target, {})[0][1:4:2] == ["MISS", reason]


def test_status_header_of_another_name(httpd, origin, path):
    origin.on("/named" + path, ok())
    answers = [httpd.get("/named" + path) for _ in range(2)]
    assert [a.all("X-Cache") for a in answers] == [["MISS"], ["HIT"]]
    assert not any(a.has("X-FCache") for a in answers)


def test_status_header_off(httpd, origin, path):
    origin.on("/silent" + path, ok())
    rows = logged(httpd, "/silent" + path, {}, {})
    assert [row[1] for row in rows] == ["MISS", "HIT"]
    answer = httpd.get("/silent" + path)
    assert answer.has("Age") and not answer.has("X-FCache")


def test_the_origins_status_header_is_replaced(httpd, origin, path):
    origin.on(path, ok("x", ("X-FCache", "LIE")))
    assert [httpd.get(path).all("X-FCache") for _ in "12"] == [["MISS"],
                                                               ["HIT"]]


def test_another_env_prefix(httpd, origin, path):
    target = "/renamed" + path
    origin.on(target, ok())
    rows = logged(httpd, target, {}, {}, name="renamed")
    assert [row[1:] for row in rows] == [
        ["MISS", "stored", "-", "-"], ["HIT", "fresh", "-", "-"]]


def test_no_env(httpd, origin, path):
    target = "/noenv" + path
    origin.on(target, ok())
    rows = logged(httpd, target, {}, {})
    assert [row[1:3] for row in rows] == [["-", "-"]] * 2
    assert httpd.get(target).cache == "HIT"


def test_off_sets_nothing(httpd, origin, path):
    origin.on("/off" + path, ok())
    assert set(logged(httpd, "/off" + path, {})[0][1:]) == {"-"}


def test_env_turns_it_off_for_a_request(httpd, origin, path):
    origin.on(path, ok())
    rows = logged(httpd, path, {}, {"X-Skip": "1"}, {"X-Skip": "2"}, {})
    assert [row[1] for row in rows] == ["MISS", "BYPASS", "BYPASS", "HIT"]
    assert [row[3] for row in rows[1:3]] == ["env-no-cache"] * 2


def test_no_key_in_any_field(httpd, origin, path):
    """T32: nobody is told the name of an entry."""
    origin.on(path, ok())
    digest = logged(httpd, path, {})[0][7].rsplit(":", 1)[1]
    answer = httpd.get(path)
    assert digest.encode() not in answer.head


def test_log_lines_are_escaped(httpd, origin, path):
    """T36: what a client or an origin sends cannot make a line of its own."""
    origin.on("/*", ok("x", ("X-Evil", "e\tf\xe4")))
    target = path + "/%0a[fcache:error]%20fake%0d%0a%01%7f%c3%a4"
    for _ in range(2):
        answer = httpd.get(target, {"X-Evil": "a\tb\xe4", "Cookie": "secret=1",
                                    "Authorization": "Basic c2VjcmV0"})
        assert answer.status == 200
    httpd.log.wait("FC0")
    lines = httpd.log.lines(httpd.log.mark)
    assert all(line.isprintable() for line in lines), lines
    assert not any(line.startswith("[fcache") for line in lines)
    assert not any("secret" in line or "c2VjcmV0" in line for line in lines)
