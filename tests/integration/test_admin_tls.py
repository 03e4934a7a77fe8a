# SPDX-License-Identifier: Apache-2.0
"""Who may purge by a client's certificate: TLS alone is no permission (T20)."""
import pytest

from harness.client import curl

from test_users import clients, names  # pylint: disable=unused-import

CONF = """
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName localhost
    SSLEngine on
    SSLCertificateFile {crt}
    SSLCertificateKeyFile {key}
    SSLCACertificateFile {folder}/clients.pem
    SSLVerifyClient optional
    DocumentRoot "{root}/htdocs"
    <Location /verified>
        SetHandler fcache-admin
        Require ssl-verify-client
    </Location>
    <Location /alice>
        SetHandler fcache-admin
        Require expr %{SSL_CLIENT_S_DN_CN} == 'alice'
    </Location>
</VirtualHost>
"""
OPTIONS = {"override": "FileInfo AuthConfig"}


def prepare(server):
    folder = server.root / "htdocs" / "tls"
    folder.mkdir()
    (folder / ".htaccess").write_text(
        "SetHandler fcache-admin\nRequire ssl\n")


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
@pytest.mark.parametrize("where,name,status", [
    ("verified", None, 403), ("verified", "alice", 200),
    ("verified", "bob", 200), ("alice", None, 403), ("alice", "alice", 200),
    ("alice", "bob", 403), ("tls/", None, 403)])
def test_a_certificate_permits(httpd, clients, where, name, status, http):
    httpd.log.allow("AH01630", "FC0108")
    options = ["--cert", str(clients / f"{name}.pem")] if name else []
    if where == "tls/":
        httpd.log.expect("FC0108")
    answer = curl(f"https://localhost:{httpd.ports[1]}/{where}?tag=a", http,
                  "-X", "DELETE", *options)
    assert answer.status == status, answer.body
