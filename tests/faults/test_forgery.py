# SPDX-License-Identifier: Apache-2.0
"""Who may write to the store cannot make httpd serve anything but what it put
there under that very name: every bit of an entry flipped, every truncation,
entries of other names, of newer versions, from before a purge (F17 to F21, T24,
T25). Redis' entries are tried whole, in all protections; those of other stores,
which the same code reads, in places."""
import base64
import os
import re
import subprocess

import pytest

import faults
import kinds
import table
from harness.httpd import BUILD
from kind import PATIENCE
from stand import Stand, body_of

# A probe finds what is stored, and stores nothing itself.
PROBE = {"X-Probe": "1"}
PROBES = """
FCacheDebug on
<If "req_novary('X-Probe') == '1'">
    FCacheMaxObject 1
</If>
"""

SECRET = "{secret}"
MODES = {"checksum": {"integrity": "off"}, "secret": {"secret-file": SECRET},
         "encrypted": {"secret-file": SECRET, "encrypt": "on"}}
EACH = {"redis": 1, "memcached": 11, "dynamodb": 67}  # of so many bits
VERSION_AT = 4  # docs/entry-format.md


@pytest.fixture(scope="module", params=[
    *(("redis", mode) for mode in MODES), ("memcached", "secret"),
    ("dynamodb", "secret")], ids="-".join)
def stand(request, tmp_path_factory):
    name, mode = request.param
    secret = tmp_path_factory.mktemp("secret") / "secret"
    secret.touch(0o600)
    secret.write_bytes(base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"="))
    options = {key: value.format(secret=secret)
               for key, value in MODES[mode].items()} | PATIENCE
    with kinds.started(name, tmp_path_factory.mktemp("s")) as kind, \
            Stand.of(kind, PROBES, compress="off", **options) as one:
        one.mode, one.options = mode, options
        yield one


def tell(stand, fault, count, served):
    """A row of the table."""
    table.tell(stand.kind.name, f"{fault}, {stand.mode}",
               [f"{len(served)} served: {served[:20]}"] if served else [],
               f"{count:8} {0:6} {len(served):5}")


def stored(stand, path):
    """Name and bytes of the entry of that path, which nobody has asked for."""
    target = f"/on/{path}"
    told = stand.httpd.get(target).get("X-FCache-Debug")
    name = re.search('name="([^"]+)"', told)[1]
    stand.httpd.wait_stored(target)
    return name, stand.kind.get(name)


def is_served(connection, path):
    """Not by the origin."""
    answer = connection.request(f"/on/{path}", headers=PROBE)
    assert answer.status == 200 and answer.body == body_of(path)
    return answer.cache != "MISS"


def forgeries(good, each):
    """The fault, which one it is, and the bytes: of a good entry, in turn, each
    bit the other way round, each length."""
    for place in range(0, len(good) * 8, each):
        flipped = bytearray(good)
        flipped[place // 8] ^= 1 << place % 8
        yield faults.FORGED[0], f"bit {place}", bytes(flipped)
    for length in range(0, len(good), each):
        yield faults.FORGED[1], f"length {length}", good[:length]
    for more in (b"\0", good):
        yield faults.FORGED[1], f"{len(more)} more", good + more


def test_forged(stand):
    store, path = stand.kind, "n1"
    name, good = stored(stand, path)
    assert 1500 < len(good) < 2600
    served = {fault: [] for fault in faults.FORGED[:2]}
    counts = dict.fromkeys(served, 0)
    with stand.httpd.connect() as connection:
        for fault, which, value in forgeries(good, EACH[store.name]):
            store.set(name, value)
            counts[fault] += 1
            if is_served(connection, path):
                served[fault].append(which)
        store.set(name, good)
        assert is_served(connection, path)
    for fault, which in served.items():
        tell(stand, fault, counts[fault], which)
    assert not any(served.values()), served


def test_newer(stand):
    """Not read, and left to those who can."""
    store, path = stand.kind, "n5"
    name, good = stored(stand, path)
    newer = bytearray(good)
    newer[VERSION_AT] += 1
    store.set(name, bytes(newer))
    with stand.httpd.connect() as connection:
        served = [path] * is_served(connection, path)
    tell(stand, faults.FORGED[2], 1, served)
    assert not served
    assert store.get(name) == newer


def test_swapped(stand):
    """Each under the name of the other."""
    store = stand.kind
    first, value = stored(stand, "n2")
    second, other = stored(stand, "n3")
    store.set(first, other)
    store.set(second, value)
    with stand.httpd.connect() as connection:
        assert not is_served(connection, "n2")
        assert not is_served(connection, "n3")


def test_from_before_a_purge(stand):
    """An entry that was kept aside and is put back after everything went."""
    store, path = stand.kind, "n4"
    name, value = stored(stand, path)
    clear = subprocess.run(
        [str(BUILD / "fcachectl"), "-s", store.url(**stand.options), "clear",
         "--all"], check=False, capture_output=True, text=True)
    assert clear.returncode == 0, clear.stdout + clear.stderr
    store.set(name, value)
    with stand.httpd.connect() as connection:
        assert not is_served(connection, path)
