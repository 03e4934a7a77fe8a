# SPDX-License-Identifier: Apache-2.0
"""Memcached servers."""
import contextlib
import getpass
import os
import socket
import subprocess

from . import PATIENT, Process, free_ports
from .redis import certificate

USER, PASSWORD = "cache", "a password of the tests"


def command(*more):
    return ["memcached", "-u", getpass.getuser(), "-t", "1", "-m", "64", *more]


def server(folder, port, *more, env=None):
    return Process(command("-l", "127.0.0.1", "-p", port, *more), folder,
                   ("127.0.0.1", port), env)


def text(folder):
    port, = free_ports(1)
    with server(folder, port):
        yield f"memcached://127.0.0.1:{port}?{PATIENT}"


def binary(folder):
    port, = free_ports(1)
    with server(folder, port):
        yield f"memcached://127.0.0.1:{port}?{PATIENT}&protocol=binary"


def two(folder):
    ports = free_ports(2)
    with contextlib.ExitStack() as stack:
        for port in ports:
            stack.enter_context(server(folder, port))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        yield f"memcached://{hosts}?{PATIENT}"


def unix(folder):
    path = str(folder / "memcached.sock")
    with Process(command("-s", path, "-a", "0600"), folder, path):
        yield f"memcached:{path}?{PATIENT}"


def tls(folder):
    port, = free_ports(1)
    ca, cert, key = certificate(folder)
    with server(folder, port, "-Z", "-o",
                f"ssl_chain_cert={cert},ssl_key={key}"):
        yield f"memcached://127.0.0.1:{port}?{PATIENT}&tls=on&tls-ca={ca}"


def sasl(folder):
    """Binary protocol; users are in a database of SASL's own."""
    port, = free_ports(1)
    database = folder / "users"
    (folder / "memcached.conf").write_text(
        "mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
        f"sasldb_path: {database}\n", encoding="ascii")
    subprocess.run(["saslpasswd2", "-p", "-f", database, "-a", "memcached",
                    "-c", "-u", socket.gethostname(), USER],
                   input=PASSWORD.encode(), check=True)
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n", encoding="ascii")
    secret.chmod(0o600)
    with server(folder, port, "-S",
                env={**os.environ, "SASL_CONF_PATH": str(folder)}):
        yield (f"memcached://127.0.0.1:{port}?{PATIENT}&protocol=binary"
               f"&user={USER}&password-file={secret}")


KINDS = {"memcached": text, "memcached-binary": binary, "memcached-two": two,
         "memcached-unix": unix, "memcached-tls": tls, "memcached-sasl": sasl}
