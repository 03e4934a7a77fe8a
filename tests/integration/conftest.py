# SPDX-License-Identifier: Apache-2.0
"""Each test file says in CONF how its server is set up, and in MPMS on which
MPMs it runs; its tests share that server and one scripted origin."""
import itertools
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # harness; servers

# pylint: disable=wrong-import-position
import pytest

from harness import httpd as servers
from harness.origin import Origin

DEFAULT_MPMS = ("event", "prefork")


def pytest_generate_tests(metafunc):
    if "mpm" in metafunc.fixturenames:
        mpms = getattr(metafunc.module, "MPMS", DEFAULT_MPMS)
        only = os.environ.get("FCACHE_MPM")
        mpms = [m for m in mpms if not only or m in only.split(",")]
        metafunc.parametrize("mpm", mpms, scope="module")


def pytest_collection_modifyitems(items):
    """File by file, MPM by MPM: each server is started once."""
    files = {}
    for item in items:
        files.setdefault(item.path, len(files))

    def order(item):
        spec = getattr(item, "callspec", None)
        mpm = spec.params.get("mpm", "") if spec else ""
        return files[item.path], mpm, item.location[1]
    items.sort(key=order)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: storms, many seconds each")
    if servers.SANITIZER == "asan":
        os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")


@pytest.fixture(scope="module")
def origin():
    scripted = Origin()
    yield scripted
    scripted.stop()


@pytest.fixture(scope="module")
def httpd(request, mpm, origin):
    """The server of this test file, as its CONF and OPTIONS say."""
    module = request.module
    names = {"origin": f"http://127.0.0.1:{origin.port}",
             "origin_port": origin.port}
    extra = getattr(module, "names", None)
    if extra:
        names.update(extra(request))
    options = getattr(module, "OPTIONS", {})
    server = servers.Httpd(module.CONF, mpm, names=names, **options)
    prepare = getattr(module, "prepare", None)
    if prepare:
        prepare(server)
    with server:
        yield server


@pytest.fixture(autouse=True)
def watch_logs():
    """A line in an error log that the test did not announce fails it."""
    for server in servers.LIVE:
        server.log.begin()
    yield
    bad = [line for server in servers.LIVE for line in server.complaints()]
    assert not bad, "error log:\n" + "\n".join(bad)


NUMBERS = itertools.count(1)


@pytest.fixture
def path():
    """A path no other test has used."""
    return f"/t/{next(NUMBERS)}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed pair for localhost: (certificate, key)."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "crt.pem")],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / "crt.pem", folder / "key.pem"
