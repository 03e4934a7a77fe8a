# SPDX-License-Identifier: Apache-2.0
"""Backends that are down, break off or stall: no part of an answer is stored
or passed on as if it were all."""
from concurrent.futures import ThreadPoolExecutor
from functools import partial
import socket
import threading

import pytest

from harness.client import Closed, request_bytes
from harness.httpd import Httpd, apxs
from harness.origin import Origin, ok

CONF = """
LoadModule proxy_scgi_module {modules}/mod_proxy_scgi.so
Timeout 1
# httpd drops the length that a backend gives unless it is told to trust it
SetEnvIf Request_URI length ap_trust_cgilike_cl=yes
FCacheEnable on
FCacheExpire 60
ProxyPass /scgi/ scgi://127.0.0.1:{scgi}/
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
</Directory>
"""
HALF = "half of it"
SCRIPTS = {
    "stalls": f"printf 'Content-Type: text/plain\\n\\n{HALF}'; exec sleep 5",
    "late": "printf 'Content-Type: text/plain\\n\\n'; "
            f"head -c 200000 /dev/zero; printf '{HALF}'; exec sleep 5",
    "length": "printf 'Content-Type: text/plain\\nContent-Length: 50\\n\\n"
              f"{HALF}'; exec sleep 5",
}


class Scgi:
    """Answers with the same bytes each time, then closes the connection."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self.answer(connection, stream)

    def answer(self, connection, stream):
        size = b""
        while not size.endswith(b":"):
            size += stream.read(1)
        words = stream.read(int(size[:-1]) + 1)[:-1].split(b"\0")
        path = dict(zip(words[::2], words[1::2]))[b"REQUEST_URI"].decode()
        self.asked.append(path)
        field = "Content-Length: 12\r\n" if "/length" in path else ""
        connection.sendall(f"Status: 200 OK\r\nContent-Type: text/plain\r\n"
                           f"{field}\r\nfirst part, ".encode())

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.listener.close()


@pytest.fixture(scope="module")
def scgi():
    server = Scgi()
    yield server
    server.stop()


def names(request):
    return {"modules": apxs("LIBEXECDIR"),
            "scgi": request.getfixturevalue("scgi").port}


def prepare(server):
    (server.root / "cgi").mkdir()
    for name, text in SCRIPTS.items():
        path = server.root / "cgi" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)


@pytest.mark.parametrize("query", ["", "?fcgi://", "?/fcgi://x"])
def test_t35_scgi_without_a_length_is_not_stored(httpd, scgi, path, query):
    target = f"/scgi{path}{query}"
    answers = [httpd.get(target) for _ in range(2)]
    assert [a.body for a in answers] == [b"first part, "] * 2
    assert [a.cache for a in answers] == ["MISS"] * 2
    assert len([p for p in scgi.asked if p == target]) == 2


def test_scgi_with_a_length_is_stored(httpd, path):
    answers = [httpd.get(f"/scgi{path}/length") for _ in range(2)]
    assert [a.body for a in answers] == [b"first part, "] * 2
    assert [a.cache for a in answers] == ["MISS", "HIT"]


def outcome(httpd, target):
    """The status of a whole answer, or 0."""
    try:
        return httpd.get(target, {"Connection": "close"}).status
    except Closed:
        return 0


def test_t35_a_script_that_stalls_gives_no_whole_answer(httpd):
    httpd.log.expect("FC0102")
    httpd.log.allow("cgid?:(error|warn)", "core:error")
    targets = ["/cgi/" + name for name in SCRIPTS]
    with ThreadPoolExecutor() as pool:
        for status in pool.map(partial(outcome, httpd), targets):
            assert status == 0 or status >= 500
    code, text = httpd.fcachectl("ls")
    assert code == 0 and "/cgi/" not in text


def test_t35_the_next_answer_is_not_taken_for_one_that_broke_off(httpd):
    httpd.log.allow("cgid?:(error|warn)", "core:error", "fcache:error")
    httpd.file("other.txt", "the other answer")
    with httpd.connect() as connection:
        connection.send(request_bytes("/cgi/length") +
                        request_bytes("/other.txt"))
        try:
            answer = connection.read()
        except Closed:
            return
    assert answer.status >= 500 and b"other" not in answer.body


DOWN = """
ProxyPass /err.html !
ProxyPass / {origin}/ retry=0
ErrorDocument 503 {document}
FCacheEnable on
"""


@pytest.mark.parametrize("document", ["/err.html", '"down, sorry"', "default"])
def test_stale_answers_go_before_error_documents(mpm, path, document):
    origin = Origin()
    try:
        origin.on(path, ok("old", cc="max-age=60, stale-if-error=600"))
        origin.on(path + "/strict", ok("old", cc="max-age=60, must-revalidate"))
        conf = {"origin": f"http://127.0.0.1:{origin.port}",
                "document": document}
        with Httpd(DOWN, mpm, names=conf) as httpd:
            httpd.log.allow("proxy:error", "proxy_http:error")
            httpd.file("err.html", "down, sorry")
            for target in (path, path + "/strict"):
                assert httpd.get(target).cache == "MISS"
            origin.stop()
            httpd.fcachectl("clear", "--soft", "--all")
            for _ in "12":
                answer = httpd.get(path)
                assert (answer.status, answer.cache) == (200, "STALE")
                assert answer.body == b"old"
                answer = httpd.get(path + "/strict")
                assert answer.status in (503, 504)
                assert (b"down, sorry" in answer.body) == \
                    (document != "default" and answer.status == 503)
                assert answer.cache not in ("HIT", "STALE")
    finally:
        if origin.thread.is_alive():
            origin.stop()
