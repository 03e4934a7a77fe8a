# SPDX-License-Identifier: Apache-2.0
"""Whatever makes the answer: proxy, CGI, PHP-FPM, a file, server-status."""
import re

import pytest

from harness.client import Closed
from harness.httpd import apxs
from harness.origin import counting, ok
from harness.php import Php

CONF = """
LoadModule proxy_balancer_module {modules}/mod_proxy_balancer.so
LoadModule lbmethod_byrequests_module {modules}/mod_lbmethod_byrequests.so
LoadModule slotmem_shm_module {modules}/mod_slotmem_shm.so
<Proxy "balancer://php">
    BalancerMember "unix:{root}/php.sock|fcgi://localhost"
</Proxy>
<Proxy "balancer://http">
    BalancerMember "{origin}"
</Proxy>
ProxyPass /balanced balancer://http/balanced
FCacheEnable on
FCacheExpire 60 404=60
ProxyPass /proxied {origin}/proxied retry=0
<Location /nocache>
    FCacheExpire origin
    FCacheHeuristic off
</Location>
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
</Directory>
# httpd drops the length that a script gives unless it is told to trust it
SetEnvIf Request_URI ^/cgi/short ap_trust_cgilike_cl=yes
<FilesMatch "\\.php$">
    SetHandler "proxy:unix:{root}/php.sock|fcgi://localhost"
</FilesMatch>
<Directory "{root}/htdocs/members">
    <FilesMatch "\\.php$">
        SetHandler "proxy:balancer://php"
    </FilesMatch>
</Directory>
<Location /cgi/limited>
    FCacheMethods GET POST
    LimitRequestBody 10
</Location>
<Location /status>
    SetHandler server-status
</Location>
DirectoryIndex index.html
ErrorDocument 404 /error.html
RewriteEngine on
RewriteRule ^/rewritten/(.*)$ {origin}/proxied/$1 [P]
RewriteRule ^/inside/(.*)$ /$1 [PT]
"""

COUNT = """n=$(cat "$0.n" 2>/dev/null || echo 0); n=$((n + 1)); echo $n >"$0.n"
"""

SCRIPTS = {
    "plain": COUNT + 'printf "Content-Type: text/plain\\n\\nrun $n"',
    "length": COUNT + 'printf "Content-Type: text/plain\\n'
                      'Content-Length: 5\\n\\nrun $n"',
    "short": COUNT + 'printf "Content-Type: text/plain\\n'
                     'Content-Length: 50\\n\\nrun $n"',
    "status": COUNT + 'printf "Status: 404 Gone Fishing\\n'
                      'Content-Type: text/plain\\n\\nrun $n"',
    "nostore": COUNT + 'printf "Content-Type: text/plain\\n'
                       'Cache-Control: no-store\\n\\nrun $n"',
    "dies": COUNT + "exit 1",
    "limited": COUNT + 'printf "Content-Type: text/plain\\n\\nrun $n "; cat',
}

PHP = """<?php
$file = __FILE__ . '.n';
$n = (int)@file_get_contents($file) + 1;
file_put_contents($file, $n);
header('X-Powered-By: tests');
if (isset($_GET['big'])) { echo str_repeat('x', 100000); }
echo "run $n " . ($_GET['q'] ?? '') . file_get_contents('php://input');
"""


def names(_):
    return {"modules": apxs("LIBEXECDIR")}


def prepare(server):
    cgi = server.root / "cgi"
    cgi.mkdir(mode=0o777)
    cgi.chmod(0o777)
    for name, text in SCRIPTS.items():
        (cgi / name).write_text("#!/bin/sh\n" + text)
        (cgi / name).chmod(0o755)
    server.file("php/count.php", PHP)
    (server.root / "htdocs/php").chmod(0o777)
    server.file("members/count.php", PHP)
    (server.root / "htdocs/members").chmod(0o777)
    server.file("index.html", "the index")
    server.file("sub/index.html", "the sub index")
    server.file("error.html", "not here, sorry")


@pytest.fixture(scope="module")
def php(httpd):
    process = Php(httpd.root)
    yield
    process.stop()


def pair(httpd, path, **knobs):
    answers = [httpd.get(path, **knobs) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert answers[0].body == answers[1].body
    return answers[1]


def test_proxy(httpd, origin, path):
    origin.on("/proxied" + path, counting())
    assert pair(httpd, "/proxied" + path).body == b"body 1"


def test_rewritten_to_a_proxy(httpd, origin, path):
    origin.on("/proxied" + path, counting())
    assert pair(httpd, "/rewritten" + path).body == b"body 1"


@pytest.mark.parametrize("script", ["plain", "length"])
def test_cgi(httpd, script):
    answer = pair(httpd, "/cgi/" + script)
    assert answer.body == b"run 1"
    assert answer.get("Content-Type") == "text/plain"
    assert answer.get("Content-Length") == "5"


def test_cgi_with_a_query(httpd):
    assert pair(httpd, "/cgi/plain?x").body == b"run 2"


def test_cgi_status(httpd):
    answer = pair(httpd, "/cgi/status")
    assert (answer.status, answer.body) == (404, b"run 1")


def test_cgi_that_says_more_than_it_has(httpd):
    """T35: no error is signalled, only the length is wrong."""
    for _ in range(2):
        try:
            assert httpd.get("/cgi/short").cache != "HIT"
        except Closed:
            pass
    code, text = httpd.fcachectl("ls")
    assert code == 0 and "/cgi/short" not in text


def test_cgi_no_store(httpd):
    answers = [httpd.get("/cgi/nostore") for _ in "12"]
    assert [a.body for a in answers] == [b"run 1", b"run 2"]
    assert [a.cache for a in answers] == ["MISS"] * 2


def test_cgi_that_dies(httpd):
    httpd.log.allow("cgid?:error", "End of script output", "core:error")
    answers = [httpd.get("/cgi/dies") for _ in range(2)]
    assert not any(a.cache == "HIT" for a in answers)


@pytest.mark.parametrize("field,body", [
    ("Content-Length: 11", "hello world"),
    ("Transfer-Encoding: chunked", "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n")])
def test_a_body_over_the_limit_runs_no_script(httpd, field, body):
    """T13: neither on a half of it, nor behind the refusal."""
    httpd.log.allow("http:error", "core:error", "cgid?:error")
    runs = httpd.root / "cgi/limited.n"
    before = runs.read_text() if runs.exists() else ""
    with httpd.connect() as connection:
        connection.send("POST /cgi/limited HTTP/1.1\r\nHost: localhost\r\n"
                        f"Connection: close\r\n{field}\r\n\r\n{body}".encode())
        answer = connection.stream.read()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"413"]
    assert answer.count(b"</html>") == 1 and b"hello" not in answer
    assert (runs.read_text() if runs.exists() else "") == before
    allowed = httpd.post("/cgi/limited", f"{len(body)}".encode())
    assert (allowed.status, allowed.cache) == (200, "MISS")


def test_php_fpm(httpd, php):
    answer = pair(httpd, "/php/count.php?q=a")
    assert answer.body == b"run 1 a"
    assert answer.get("X-Powered-By") == "tests"
    assert pair(httpd, "/php/count.php?q=b").body == b"run 2 b"
    assert len(pair(httpd, "/php/count.php?big").body) > 100000


def test_members_of_a_balancer(httpd, origin, php, path):
    """T35: what tells the end of a body is the member's protocol."""
    answer = pair(httpd, "/members/count.php?big")
    assert len(answer.body) > 100000
    path = "/balanced" + path
    origin.on(path, ok("x" * 1000, framing="close"))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS"] * 2
    origin.on(path, ok("x" * 1000, framing="chunked"))
    assert pair(httpd, path).body == b"x" * 1000


def test_php_fpm_post_bypasses_whole(httpd, php):
    body = b"p" * 20000
    answers = [httpd.post("/php/count.php", body) for _ in range(2)]
    assert [a.cache for a in answers] == ["BYPASS"] * 2
    assert all(a.body.endswith(body) for a in answers)
    assert answers[0].body != answers[1].body


@pytest.mark.parametrize("size", [0, 10, 5000, 300000])
def test_static_file(httpd, size):
    name = f"static-{size}.txt"
    httpd.file(name, b"s" * size)
    answers = [httpd.get("/" + name) for _ in range(2)]
    assert [a.cache for a in answers] == ["MISS", "HIT"]
    assert answers[0].etag == answers[1].etag is not None
    httpd.file(name, b"changed")
    assert httpd.get("/" + name).body == b"s" * size
    tag = {"If-None-Match": answers[1].etag}
    assert httpd.get("/" + name, tag).status == 304


def test_range_of_a_stored_file(httpd):
    httpd.file("range.txt", "0123456789" * 100)
    pair(httpd, "/range.txt")
    answer = httpd.get("/range.txt", {"Range": "bytes=5-14"})
    assert (answer.status, answer.body) == (206, b"5678901234")
    assert answer.get("Content-Range") == "bytes 5-14/1000"
    answer = httpd.get("/range.txt", {"Range": "bytes=5000-"})
    assert answer.status == 416


def test_server_status(httpd):
    answer = pair(httpd, "/status?auto")
    assert b"ServerUptimeSeconds" in answer.body


def test_directory_index(httpd):
    for _ in range(3):
        assert httpd.get("/").body == b"the index"
        assert httpd.get("/sub/").body == b"the sub index"
    assert httpd.get("/").cache
    redirect = [httpd.get("/sub") for _ in range(2)][1]
    assert redirect.status == 301
    assert redirect.get("Location").endswith("/sub/")


def test_internal_rewrite(httpd):
    httpd.file("target.txt", "the target")
    assert pair(httpd, "/inside/target.txt").body == b"the target"


def test_error_document(httpd):
    """The page comes by an internal redirect; its status stays 404."""
    for _ in range(3):
        answer = httpd.get("/nothing-there")
        assert (answer.status, answer.body) == (404, b"not here, sorry")
    answer = httpd.get("/error.html")
    assert answer.status == 200


def test_options_and_unknown_methods_on_a_file(httpd):
    httpd.log.allow("AH00135")
    assert httpd.post("/index.html", b"", method="OPTIONS").cache == "BYPASS"
    assert httpd.post("/index.html", b"", method="BREW").status in (405, 501)
