# SPDX-License-Identifier: Apache-2.0
"""Refreshing behind a client that came over TLS: the refresh has no such
connection, and is yet all that the client's request was."""
from harness import tls
from harness.client import fetch
from harness.origin import ok

from test_stale import SWR, eventually, stale

MPMS = ("event", "worker", "prefork")
CONF = "ProxyPass /cgi !" + tls.CONF + """
<VirtualHost 127.0.0.1:{port2}>
    ServerName secure.example
    SSLEngine on
    SSLCertificateFile {crt}
    SSLCertificateKeyFile {key}
    SSLOptions +StdEnvVars
    RewriteEngine on
    RewriteCond %{HTTPS} off
    RewriteRule . /insecure [R,L]
    ProxyPass / {origin}/ retry=0
    ScriptAlias /cgi/ "{root}/cgi/"
    <Directory "{root}/cgi">
        Require all granted
    </Directory>
    FCacheEnable on
    FCacheKeyBuilder "expr=%{SSL_PROTOCOL}"
    <Location />
        SSLRequireSSL
        Require ssl
        RequestHeader set X-TLS "%{SSL_PROTOCOL}s %{HTTPS}s %{SSL_CIPHER}e"
        RequestHeader set X-Host "expr=%{SERVER_NAME} %{REQUEST_SCHEME}"
    </Location>
</VirtualHost>
"""
# the certificate is for localhost
OPTIONS = {"loglevel": "fcache:debug ssl:error"}
names = tls.names
SCRIPT = """#!/bin/sh
echo run >>"$0.runs"
printf 'Content-Type: text/plain\\nCache-Control: %s\\nAge: 20\\n\\n' \\
    'max-age=10, stale-while-revalidate=600'
printf '%s' "$REQUEST_SCHEME $HTTPS $SERVER_NAME $REMOTE_ADDR $FCACHE_STATUS \
$SSL_PROTOCOL"
"""
HOST = "secure.example"


def prepare(server):
    script = server.root / "cgi" / "script"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    runs = script.with_suffix(".runs")
    runs.touch()
    runs.chmod(0o666)


def check(origin, path, get):
    """A miss, a stale answer, and a hit; and twice the same request."""
    origin.on(path, stale("old"), ok("new"))
    assert [get().cache for _ in range(2)] == ["MISS", "STALE"]
    eventually(lambda: get().cache == "HIT")
    assert get().body == b"new"
    miss, refresh = origin.seen(path)
    assert miss.head == refresh.head
    return refresh


def test_over_tls(httpd, origin, path):
    refresh = check(origin, path, lambda: fetch(
        httpd.ports[1], path, tls=True, host=HOST))
    assert refresh.get("X-TLS").startswith("TLSv1")
    assert "on TLS" in refresh.get("X-TLS")
    assert refresh.get("X-Host") == HOST + " https"


def test_with_one_host_for_names_and_one_for_numbers(httpd, origin, path):
    check(origin, path, lambda: fetch(httpd.ports[1], path, tls=True))
    # what was stored over TLS is not what is asked for without
    assert httpd.get(path).cache == "MISS"


def test_a_handler_sees_what_it_saw(httpd):
    """The scheme and the variables of TLS, though there is none by then."""
    runs = httpd.root / "cgi" / "script.runs"
    start = httpd.log.mark
    for number in (0, 1, 2):
        answer = fetch(httpd.ports[1], "/cgi/script", tls=True, host=HOST)
        assert answer.cache == ("STALE" if number else "MISS")
        assert answer.body.startswith(
            f"https on {HOST} 127.0.0.1 MISS TLSv1".encode())
        eventually(lambda: sum("FC0106" in line for line in
                               httpd.log.lines(start)) == number)
    assert runs.read_text().count("run") == 3


def test_a_connection_that_is_kept(httpd, origin, path):
    """The next request on it does not wait for the refresh either."""
    origin.on(path, stale("old", cc=SWR), ok("new", delay=0.2))
    with httpd.connect() as connection:
        assert connection.request(path).cache == "MISS"
        answer = connection.request(path)
        assert answer.cache == "STALE"
        if httpd.mpm == "prefork":
            assert answer.get("Connection") == "close"
            return
        assert connection.request(path).cache == "STALE"
        eventually(lambda: connection.request(path).cache == "HIT")
