# SPDX-License-Identifier: Apache-2.0
"""The same origin once more, behind TLS on {port2}."""

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
Listen 127.0.0.1:{port2}
<VirtualHost 127.0.0.1:{port2}>
    ServerName localhost
    SSLEngine on
    SSLCertificateFile {crt}
    SSLCertificateKeyFile {key}
    ProxyPass / {origin}/ retry=0
    FCacheEnable on
</VirtualHost>
"""


def names(request):
    """What CONF needs, for a test file to take as its own."""
    crt, key = request.getfixturevalue("certificate")
    return {"crt": crt, "key": key}
