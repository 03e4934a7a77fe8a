# SPDX-License-Identifier: Apache-2.0
"""httpd -t and what remote stores are protected with: nothing is asked of the
network, and whatever is wrong names the file or the way out."""
import re
import subprocess
from pathlib import Path

import pytest

from harness.httpd import BUILD, Httpd

MPMS = ("event",)

FAR = "redis://192.0.2.1"  # nobody's, RFC 5737
NEAR = "redis://127.0.0.1:1"


def check(conf):
    server = Httpd(conf)
    try:
        return server.check()
    finally:
        server.remove()


@pytest.fixture
def secret(tmp_path):
    """A file as the documentation says to make it."""
    path = tmp_path / "secret"
    subprocess.run(f"umask 022; {BUILD}/fcachectl secret > {path}",
                   shell=True, check=True, timeout=20)
    return path


@pytest.mark.parametrize("conf", [
    f"FCacheBackend default {NEAR}\n",
    "FCacheBackend default unix:/nowhere/redis.sock\n",
    f"FCacheBackend default {FAR} integrity=off\n",
    f"FCacheIntegrity off\nFCacheBackend default {FAR}\n",
    f"FCacheSecretFile %s\nFCacheBackend default {FAR}\n",
    f"FCacheBackend default {FAR} secret-file=%s encrypt=on compress=off\n",
    f"FCacheSecretFile %s\nFCacheIntegrity off\nFCacheBackend default {FAR}\n",
])
def test_protected_or_said_not_to_be(secret, conf):
    code, said = check(conf.replace("%s", str(secret)))
    assert (code, said.strip().splitlines()[-1]) == (0, "Syntax OK")


@pytest.mark.parametrize("conf", [
    f"FCacheBackend default {FAR}\n",
    f"FCacheBackend default {NEAR} encrypt=on\n",
    f"FCacheEncrypt on\nFCacheBackend default {FAR} integrity=off\n",
])
def test_without_a_secret_the_way_to_one_is_named(conf):
    code, said = check(conf)
    assert code != 0
    assert "fcachectl secret > FILE" in said and 'FCacheBackend "default"' in said


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_may_read_is_refused(secret, mode):
    secret.chmod(mode)
    code, said = check(f"FCacheSecretFile {secret}\n"
                       f"FCacheBackend default {FAR}\n")
    assert code != 0
    for word in (str(secret), f"{mode:04o}", "0640"):
        assert word in said, said


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "none"
    code, said = check(f"FCacheBackend default {FAR} secret-file={path}\n")
    assert code != 0
    assert f"{path}: No such file" in said


def test_options_are_known(secret):
    code, said = check(f"FCacheBackend default {FAR} secret-file={secret} "
                       "colour=red\n")
    assert code != 0
    for word in ("colour", "secret-file", "compress", "lookup"):
        assert word in said, said


DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("redis", "memcached", "dynamodb", "tiered-store",
         "directives/FCacheBackend", "directives/FCacheSecretFile",
         "directives/FCacheEncrypt", "directives/FCacheIntegrity")


@pytest.mark.parametrize("page", PAGES)
def test_what_the_documentation_shows_is_accepted(page, secret, tmp_path):
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_text("hunter2\n", encoding="ascii")
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    examples = re.findall(r"```apache\n(.*?)```", text, re.S)
    assert examples
    for example in examples:
        example = re.sub(r"/etc/\S*secret", str(secret), example)
        example = example.replace("/etc/fcache/redis", str(password))
        assert check(example) == (0, "Syntax OK\n")
