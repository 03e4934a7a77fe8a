# SPDX-License-Identifier: Apache-2.0
"""A PHP-FPM of its own."""
import pathlib
import shutil
import socket
import subprocess
import time

from .httpd import ROOT

CONF = """[global]
error_log = {root}/php.log
daemonize = no
[www]
{identity}
listen = {root}/php.sock
listen.mode = 0666
pm = static
pm.max_children = 2
"""


def binary():
    found = shutil.which("php-fpm") or next(
        (str(p) for p in sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))),
        None)
    assert found, "php-fpm is not installed (package php-fpm)"
    return found


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


class Php:
    """Listens on {root}/php.sock of a server."""

    def __init__(self, root):
        identity = "user = www-data\ngroup = www-data" if ROOT else ""
        conf = root / "php-fpm.conf"
        conf.write_text(CONF.format(root=root, identity=identity))
        self.process = subprocess.Popen(
            [binary(), "--nodaemonize", "--fpm-config", str(conf)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not answers(root / "php.sock"):
            assert self.process.poll() is None, "php-fpm does not run: " + \
                (root / "php.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
