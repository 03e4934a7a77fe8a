# SPDX-License-Identifier: Apache-2.0
"""T8: who is known by a client's certificate, without Authorization, does not
share answers either."""
import subprocess

import pytest

from harness.client import curl

CONF = """
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName localhost
    SSLEngine on
    SSLCertificateFile {crt}
    SSLCertificateKeyFile {key}
    SSLCACertificateFile {folder}/clients.pem
    SSLVerifyClient optional
    SSLUserName SSL_CLIENT_S_DN_CN
    ScriptAlias / "{root}/cgi/"
    FCacheEnable on
    FCacheExpire 60
    <Location /own>
        FCacheKeyBuilder user
    </Location>
</VirtualHost>
Listen 127.0.0.1:{port3}
<VirtualHost 127.0.0.1:{port3}>
    ServerName localhost
    SSLEngine on
    SSLCertificateFile {crt}
    SSLCertificateKeyFile {key}
    SSLCACertificateFile {folder}/alice.crt
    SSLVerifyClient optional_no_ca
    SSLOptions +StdEnvVars
    ScriptAlias / "{root}/cgi/"
    FCacheEnable on
    FCacheExpire 60
    <Location /own>
        FCacheKeyBuilder user
    </Location>
</VirtualHost>
<Directory "{root}/cgi">
    Require all granted
</Directory>
"""
SCRIPTS = {"plain": "", "own": "", "public": "Cache-Control: public\\n"}
NAME = "${REMOTE_USER:-${SSL_CLIENT_S_DN_CN:-nobody}}"


def make_certificate(folder, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-keyout", folder / f"{name}.pem",
         "-out", folder / f"{name}.crt"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(folder / f"{name}.pem", "ab") as both:
        both.write((folder / f"{name}.crt").read_bytes())
    return (folder / f"{name}.crt").read_bytes()


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """A folder with alice.pem and bob.pem."""
    folder = tmp_path_factory.mktemp("clients")
    made = [make_certificate(folder, name) for name in ("alice", "bob")]
    (folder / "clients.pem").write_bytes(b"".join(made))
    return folder


def names(request):
    crt, key = request.getfixturevalue("certificate")
    return {"crt": crt, "key": key,
            "folder": request.getfixturevalue("clients")}


def prepare(server):
    (server.root / "cgi").mkdir()
    for name, field in SCRIPTS.items():
        path = server.root / "cgi" / name
        path.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\n"
                        f"{field}\\n'\nprintf \"{NAME}\"\n")
        path.chmod(0o755)


@pytest.fixture
def ask(httpd, clients):
    httpd.log.allow("AH02227")  # nobody

    def ask_as(name, target, *options, port=1):
        known = ["--cert", str(clients / f"{name}.pem")]
        return curl(f"https://localhost:{httpd.ports[port]}{target}", *options,
                    *(known if name != "nobody" else []))
    return ask_as


def test_each_user_gets_the_own_answer(ask):
    order = ["alice", "bob", "nobody", "alice", "bob", "nobody"]
    answers = [ask(name, "/plain") for name in order]
    assert [a.body.decode() for a in answers] == order
    assert [a.cache for a in answers] == ["MISS"] * 5 + ["HIT"]


def test_with_the_user_in_the_key_each_has_hits(ask):
    order = ["alice", "bob", "nobody", "alice", "bob", "nobody"]
    answers = [ask(name, "/own") for name in order]
    assert [a.body.decode() for a in answers] == order
    assert [a.cache for a in answers] == ["MISS"] * 3 + ["HIT"] * 3


def test_public_answers_are_for_all(ask):
    answers = [ask(name, "/public") for name in ("alice", "bob", "nobody")]
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
    assert {a.body for a in answers} == {b"alice"}


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
@pytest.mark.parametrize("target", ["/plain", "/own"])
def test_a_certificate_that_makes_no_user_shares_nothing(ask, target, http):
    """Nor does one that nobody vouches for; its name is in no key."""
    order = ["alice", "bob", "nobody", "alice", "bob", "nobody"]
    answers = [ask(name, f"{target}?{http}", http, port=2) for name in order]
    assert [a.body.decode() for a in answers] == order
    assert [a.cache for a in answers] == ["MISS"] * 5 + ["HIT"]


def test_public_answers_are_for_all_certificates(ask):
    answers = [ask(name, "/public", port=2)
               for name in ("alice", "bob", "nobody")]
    assert [a.cache for a in answers] == ["MISS", "HIT", "HIT"]
