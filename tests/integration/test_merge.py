# SPDX-License-Identifier: Apache-2.0
"""Scopes: server, virtual host, Location, .htaccess; the nearer one wins and
the rest is inherited."""
import pytest

from harness.client import fetch
from harness.httpd import Httpd
from harness.origin import counting, ok

CONF = """
FCacheExpire 100
FCacheStatusHeader X-Server
FCacheNamespace server
FCacheEnable on
ProxyPass /t {origin}/t retry=0
ProxyPass /loc {origin}/loc retry=0
<Location /loc>
    FCacheExpire 50
</Location>
<Location /loc/deep>
    FCacheStatusHeader X-Deep
</Location>
<Location /loc/off>
    FCacheEnable off
</Location>
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName second
    ProxyPass / {origin}/ retry=0
    FCacheExpire 70
    <Location /loc>
        FCacheStatusHeader X-Loc
    </Location>
    <Location /off>
        FCacheEnable off
    </Location>
</VirtualHost>
Listen 127.0.0.1:{port3}
<VirtualHost 127.0.0.1:{port3}>
    ServerName third
    ProxyPass / {origin}/ retry=0
    FCacheEnable off
    <Location /on>
        FCacheEnable on
    </Location>
</VirtualHost>
"""


def prepare(server):
    server.file("a/file.txt", "content of a")
    server.file("b/file.txt", "content of b")
    server.file("b/.htaccess", "FCacheExpire 20\nFCacheStatusHeader X-Access\n")
    server.file("c/file.txt", "content of c")
    server.file("c/.htaccess", "FCacheEnable off\n")


def second_of_two(port, target, field, **knobs):
    """The hit, by the name its status field must have."""
    answers = [fetch(port, target, **knobs) for _ in range(2)]
    assert [a.all(field) for a in answers] == [["MISS"], ["HIT"]]
    return answers[1]


def told(answer):
    return int(answer.directives["max-age"])


@pytest.mark.parametrize("scope,field,seconds", [
    ("", "X-Server", 100),
    ("/loc", "X-Server", 50),
    ("/loc/deep", "X-Deep", 50)])
def test_main_server(httpd, origin, path, scope, field, seconds):
    origin.on(scope + path, ok(cc=None))
    answer = second_of_two(httpd.port, scope + path, field)
    assert seconds - 2 <= told(answer) <= seconds


@pytest.mark.parametrize("scope,field,seconds", [
    ("", "X-Server", 70), ("/loc", "X-Loc", 50)])  # a Location goes before
def test_virtual_host_inherits_and_overrides(httpd, origin, path, scope,
                                             field, seconds):
    origin.on(scope + path, ok(cc=None))
    port = httpd.ports[1]
    answer = second_of_two(port, scope + path, field, host=f"second:{port}")
    assert seconds - 2 <= told(answer) <= seconds


@pytest.mark.parametrize("where,target", [(0, "/loc/off"), (1, "/off"),
                                          (2, "")])
def test_off_at_every_scope(httpd, origin, path, where, target):
    origin.on(target + path, counting())
    port = httpd.ports[where]
    host = f"{('localhost', 'second', 'third')[where]}:{port}"
    answers = [fetch(port, target + path, host=host) for _ in range(2)]
    assert answers[1].body == b"body 2"
    assert not any(n.startswith("X-") for a in answers for n, _ in a.headers)


def test_on_again_below_off(httpd, origin, path):
    origin.on("/on" + path, counting())
    port = httpd.ports[2]
    second_of_two(port, "/on" + path, "X-Server", host=f"third:{port}")


def test_htaccess_overrides(httpd):
    answer = second_of_two(httpd.port, "/b/file.txt", "X-Access")
    assert answer.body == b"content of b"
    assert 18 <= told(answer) <= 20
    answer = second_of_two(httpd.port, "/a/file.txt", "X-Server")
    assert answer.body == b"content of a"


def test_htaccess_turns_it_off(httpd):
    for _ in range(2):
        answer = httpd.get("/c/file.txt")
        assert answer.body == b"content of c"
        assert not answer.has("X-Server")


@pytest.mark.parametrize("line", [
    "FCacheStore default", "FCachePrefix x", "FCacheNamespace x",
    "FCacheMaxObject 1M", "FCacheMaxExpire 1h", "FCacheKeyBuilder query:sort",
    "FCacheSetCookie store", "FCacheAuthorization never", "FCacheMethods GET",
    "FCacheErrorStatus all", "FCacheBackend x memory:", "FCacheEnvPrefix X_"])
def test_what_htaccess_must_not(httpd, line):
    """An author of files cannot loosen what guards others."""
    httpd.log.expect(line.split()[0] + " not allowed here")
    httpd.file("d/.htaccess", line + "\n")
    httpd.file("d/file.txt", "x")
    assert httpd.get("/d/file.txt").status == 500


def test_htaccess_needs_the_override(mpm):
    server = Httpd("FCacheExpire 9\nFCacheEnable on", mpm, override="Limit")
    server.file("e/.htaccess", "FCacheEnable off\n")
    server.file("e/file.txt", "x")
    with server:
        server.log.expect("FCacheEnable not allowed here")
        assert server.get("/e/file.txt").status == 500
