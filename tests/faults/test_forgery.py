# SPDX-License-Identifier: Apache-2.0
"""Who may write to the store cannot make httpd serve anything but what it put
there under that very name: every bit of an entry flipped, every truncation,
entries of other names, entries from before a purge (F17 to F21, T24, T25)."""
import base64
import os
import subprocess

import pytest

import kinds
from harness.httpd import BUILD
from servers import wait_for
from stand import Stand, body_of

# A probe finds what is stored, and stores nothing itself.
PROBE = {"X-Probe": "1"}
PROBES = """
<If "req_novary('X-Probe') == '1'">
    FCacheMaxObject 1
</If>
"""

MODES = {"checksum": "integrity=off", "secret": "secret-file={secret}",
         "encrypted": "secret-file={secret}&encrypt=on"}


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with kinds.started("redis", tmp_path_factory.mktemp("s")) as kind:
        yield kind


@pytest.fixture(scope="module")
def stand(mode, store, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "secret"
    secret.touch(0o600)
    secret.write_bytes(base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"="))
    store.flush()
    url = store.url(store.link.port) + "?compress=off&" + \
        MODES[mode].format(secret=secret)
    with Stand(url, PROBES) as one:
        yield one


def stored(stand, store, target):
    """Name and bytes of that path's entry."""
    for name in store.entries():
        store.call("DEL", name)
    others = set(store.entries())  # of requests that were just answered

    def found():  # locks come and go, and are small
        return [name for name in set(store.entries()) - others
                if len(store.get(name) or b"") > 1000]
    stand.httpd.get(target)
    wait_for(found, "the entry")
    name, = found()
    assert stand.httpd.get(target).cache == "HIT"
    return name, store.get(name)


def test_forged(stand, store):
    """Of a 2 KiB entry, in turn: each bit the other way round, each length."""
    target = "/on/n1"
    name, good = stored(stand, store, target)
    assert 1500 < len(good) < 2600
    served = []
    with stand.httpd.connect() as connection:
        def ask(what, value):
            store.set(name, value)
            answer = connection.request(target, headers=PROBE)
            assert answer.status == 200 and answer.body == body_of("n1")
            if answer.cache != "MISS":
                served.append(what)

        for place in range(len(good) * 8):
            flipped = bytearray(good)
            flipped[place // 8] ^= 1 << place % 8
            ask(f"bit {place}", bytes(flipped))
        for length in range(len(good)):
            ask(f"length {length}", good[:length])
        for more in (b"\0", good):
            ask("longer", good + more)
        store.set(name, good)
        assert connection.request(target, headers=PROBE).cache == "HIT"
    assert not served, f"{len(served)} served: {served[:20]}"


def test_swapped(stand, store):
    """Each under the name of the other."""
    first, value = stored(stand, store, "/on/n2")
    second, other = stored(stand, store, "/on/n3")
    store.set(first, other)
    store.set(second, value)
    for path in ("n2", "n3"):
        answer = stand.httpd.get(f"/on/{path}", PROBE)
        assert (answer.cache, answer.body) == ("MISS", body_of(path))


def test_from_before_a_purge(stand, store):
    """An entry that was kept aside and is put back after everything went."""
    target = "/on/n4"
    name, value = stored(stand, store, target)
    clear = subprocess.run(
        [str(BUILD / "fcachectl"), "-s",
         stand.httpd.names["url"], "clear", "--all"], check=False,
        capture_output=True, text=True)
    assert clear.returncode == 0, clear.stdout + clear.stderr
    store.set(name, value)
    assert stand.httpd.get(target, PROBE).cache == "MISS"
