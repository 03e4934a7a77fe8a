# SPDX-License-Identifier: Apache-2.0
"""httpd -t -D DUMP_FCACHE."""
import re
import subprocess

from harness.httpd import Httpd, environment

CONF = """
FCacheBackend far redis://user:word@127.0.0.1:{port3}
FCacheExpire 5m
<VirtualHost *:{port}>
    <Location /api>
        FCacheEnable on
        FCacheStore far
    </Location>
</VirtualHost>
<IfModule fcache_module>
    FCacheETag off
</IfModule>
"""


def dump(*options):
    server = Httpd(CONF)
    done = subprocess.run(server.command("-t", *options), env=environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True)
    return server, done.stdout.decode()


def test_stores_and_scopes_are_told():
    server, text = dump("-D", "DUMP_FCACHE")
    text = re.sub(r" \(\S*/httpd\.conf:\d+\)", " (here)", text)
    port, far = server.ports[0], server.ports[2]
    assert text.splitlines() == [
        "FCache stores:",
        f"  far              redis://user@127.0.0.1:{far} (here)",
        "  default          memory: (default)",
        "FCache scopes:",
        "  server",
        "    FCacheExpire 5m (here)",
        f"  <VirtualHost *:{port}> <Location /api>",
        "    FCacheEnable on (here)",
        "    FCacheStore far (here)",
        "  server",
        "    FCacheETag off (here)"]


def test_nothing_is_told_unasked():
    assert dump()[1] == ""
