# SPDX-License-Identifier: Apache-2.0
"""Stores that are not there when the server starts, or go while it runs."""
import socket
import threading
import time

import pytest
import servers as real
from servers import redis

from harness.httpd import Httpd
from harness.origin import counting, ok

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ProxyPass / {origin}/ retry=0
FCacheBackend far redis://127.0.0.1:{store_port} open=100ms open-max=200ms
FCacheBackend near memory: size=8M
FCacheBackend fast tiered: l1=near l2=far
FCacheEnable on
FCacheStore far
<Location /fast>
    FCacheStore fast
</Location>
"""


class Hole:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.taken:
            connection.close()


def conf_names(origin, port):
    return {"origin": f"http://127.0.0.1:{origin.port}", "store_port": port}


def served(server, origin, path):
    """Every request is answered by the origin, none waits for long."""
    for where in ("", "/fast"):
        target = where + path
        origin.on(target, counting())
        for _ in range(10):
            start = time.monotonic()
            answer = server.get(target)
            assert answer.status == 200
            assert answer.body.startswith(b"body ")
            assert time.monotonic() - start < 2


def test_start_and_graceful_with_a_closed_port(mpm, origin, path):
    port, = real.free_ports(1)
    with Httpd(CONF, mpm, names=conf_names(origin, port), **OPTIONS) as server:
        served(server, origin, path)
        server.graceful()
        served(server, origin, path + "/again")


def test_start_and_graceful_with_a_black_hole(mpm, origin, path):
    with Hole() as hole, \
            Httpd(CONF, mpm, names=conf_names(origin, hole.port),
                  **OPTIONS) as server:
        served(server, origin, path)
        assert hole.taken
        server.graceful()
        served(server, origin, path + "/again")


def test_nothing_is_connected_before_the_first_request(mpm, origin, path):
    with Hole() as hole:
        server = Httpd(CONF, mpm, names=conf_names(origin, hole.port),
                       **OPTIONS)
        code, said = server.check()
        assert code == 0, said
        with server:
            server.graceful()
            assert not hole.taken
            origin.on(path, ok())
            server.get(path)
            real.wait_for(lambda: hole.taken, "a connection")


def test_what_did_not_answer_is_not_put_into(mpm, origin, path):
    """A client's next request would wait for it, on top of its look-up."""
    origin.on(path, counting())
    conf = CONF.replace("open=100ms", "failures=1000 open=100ms")
    with Hole() as hole, \
            Httpd(conf, mpm, names=conf_names(origin, hole.port),
                  loglevel="fcache:info", **OPTIONS) as server, \
            server.connect() as connection:
        for _ in range(4):
            assert connection.request(path).cache == "MISS"
        said = server.log.path.read_text()
    assert said.count("FC0105") == 4
    assert "FC0103" not in said


def test_what_is_near_is_served_while_the_store_is_gone(mpm, origin, path,
                                                        tmp_path):
    """And all goes on when it is back."""
    port, = real.free_ports(1)
    path = "/fast" + path
    origin.on(path, counting())
    with redis.server(tmp_path, port) as store, \
            Httpd(CONF, mpm, names=conf_names(origin, port),
                  **OPTIONS) as server:
        server.get(path)
        real.wait_for(lambda: server.get(path).cache == "HIT", "a hit")
        store.kill()
        for _ in range(50):
            answer = server.get(path)
            assert answer.status == 200
            assert answer.cache == "HIT"
        origin.on(path + "/new", counting())
        assert server.get(path + "/new").status == 200
        store.start()
        origin.on(path + "/later", counting())
        real.wait_for(lambda: server.get(path + "/later").cache == "HIT",
                      "a hit")


def test_what_is_stored_is_near_while_the_store_is_gone(mpm, origin, path):
    port, = real.free_ports(1)
    path = "/fast" + path
    origin.on(path, lambda r: ok(r.get("Accept-Language"),
                                 ("Vary", "Accept-Language")))
    origin.on(path + "/plain", counting())
    with Httpd(CONF, mpm, names=conf_names(origin, port), **OPTIONS) as server:
        for target in (path, path + "/plain"):
            real.wait_for(lambda t=target: server.get(
                t, {"Accept-Language": "de"}).cache == "HIT", "a hit")


def test_a_purge_is_not_undone_by_a_store_that_goes(mpm, origin, path,
                                                    tmp_path):
    port, = real.free_ports(1)
    path = "/fast" + path
    origin.on(path, counting())
    with redis.server(tmp_path, port) as store, \
            Httpd(CONF, mpm, names=conf_names(origin, port),
                  **OPTIONS) as server:
        server.log.allow("FC0104")
        server.get(path)
        real.wait_for(lambda: server.get(path).cache == "HIT", "a hit")
        store.kill()
        before = server.get(path)
        assert before.cache == "HIT"
        assert server.post(path, b"x").status == 200
        after = server.get(path)
        assert (after.cache, after.status) == ("MISS", 200)
        assert after.body != before.body


def test_a_purge_ends_what_is_under_way_without_the_store(mpm, origin, path,
                                                          tmp_path):
    """Its connection waits for what it stored, before the next request."""
    port, = real.free_ports(1)
    path = "/fast" + path
    asked, gate = threading.Event(), threading.Event()

    def slow(_request):
        asked.set()
        assert gate.wait(10)
        return ok("old")
    origin.on(path, slow, ok("new"))
    origin.on(path + "/other", ok())
    with redis.server(tmp_path, port) as store, \
            Httpd(CONF, mpm, names=conf_names(origin, port),
                  **OPTIONS) as server, server.connect() as connection:
        server.log.allow("FC0104")
        assert connection.request(path + "/other").cache == "MISS"
        under_way = threading.Thread(
            target=lambda: connection.request(path))
        under_way.start()
        assert asked.wait(10)
        store.kill()
        assert server.post(path, b"x").status == 200
        gate.set()
        under_way.join()
        for _ in range(3):
            assert connection.request(path).body == b"new"
        real.wait_for(lambda: server.get(path).cache == "HIT", "a hit")


# ---- secrets -----------------------------------------------------------------

FAR = "FCacheBackend x redis://cache.invalid\n"
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U\n"


def check(conf, mode=0o600, text=SECRET):
    server = Httpd(conf)
    try:
        secret = server.root / "secret"
        secret.write_text(text)
        secret.chmod(mode)
        server.root.chmod(0o755)
        code, said = server.check()
    finally:
        server.remove()
    return code, said


@pytest.mark.parametrize("conf,said", [
    (FAR, "fcachectl secret"),
    (FAR + "FCacheEncrypt on\nFCacheIntegrity off\n", "encrypt"),
    (FAR + 'FCacheSecretFile "{root}/nosuch"\n', "nosuch"),
    ("FCacheBackend x redis://127.0.0.1 encrypt=on\n", "secret"),
    ("FCacheBackend x tiered: l1=memory: l2=redis://cache.invalid\n",
     "fcachectl secret"),
])
def test_stores_without_their_secret_are_refused(conf, said):
    code, text = check(conf)
    assert code != 0
    assert "/httpd.conf:" in text
    assert said in text


@pytest.mark.parametrize("conf", [
    FAR + 'FCacheSecretFile "{root}/secret"\n',
    'FCacheSecretFile "{root}/secret"\n' + FAR + "FCacheEncrypt on\n",
    FAR.strip() + " integrity=off\n",
    FAR + "FCacheIntegrity off\n",
    'FCacheSecretFile "{root}/nosuch"\n' + FAR.strip() +
    " secret-file={root}/secret\n",
    'FCacheSecretFile "{root}/secret"\n'
    "FCacheBackend x tiered: l1=memory: l2=redis://cache.invalid\n",
    'FCacheSecretFile "{root}/nosuch"\nFCacheBackend x memory:\n',
])
def test_stores_with_their_secret_are_taken(conf):
    code, text = check(conf)
    assert code == 0, text


@pytest.mark.parametrize("store", [
    "redis://u:hunter2@h:x", "redis://u:hun?ter2@h", "redis://u:hunter2",
    "redis://u:hun ter2@h", "memcached://u:hunter2@h", "//u:hunter2@h",
    "tiered: l1=memory: l2=redis://u:hunter2@h:x"])
def test_a_password_is_not_told(store):
    code, said = check(f"FCacheBackend x {store}\n")
    assert code != 0
    assert "/httpd.conf:" in said
    assert "hun" not in said and "ter2" not in said


@pytest.mark.parametrize("mode,text,said", [
    (0o644, SECRET, "secret"),
    (0o660, SECRET, "secret"),
    (0o600, "short\n", "secret"),
    (0o600, "", "secret"),
])
def test_a_secret_file_that_is_no_good_is_refused(mode, text, said):
    code, told = check(FAR + 'FCacheSecretFile "{root}/secret"\n', mode, text)
    assert code != 0
    assert "/httpd.conf:" in told
    assert said in told
    assert SECRET.strip() not in told


def test_a_secret_seals_what_is_shared(mpm, origin, path, tmp_path):
    """Another secret, another world; the same one, the same."""
    conf = CONF.replace("open=100ms", "secret-file={root}/secret open=100ms")
    port, = real.free_ports(1)
    origin.on(path, ok())
    found = []
    with redis.server(tmp_path, port):
        for text in (SECRET, SECRET, SECRET.replace("c2Vj", "AAAA")):
            server = Httpd(conf, mpm, names=conf_names(origin, port), **OPTIONS)
            (server.root / "secret").write_text(text)
            (server.root / "secret").chmod(0o600)
            with server:
                found.append(server.get(path).cache)
                real.wait_for(lambda s=server: s.get(path).cache == "HIT",
                              "a hit")
    assert found == ["MISS", "HIT", "MISS"]
