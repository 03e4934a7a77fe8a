# SPDX-License-Identifier: Apache-2.0
"""The stores that faults are tried on: how each is started behind a Link, what
its server could say that is wrong, and a way to what it holds round the cache."""
import contextlib
import socket
import sys
from pathlib import Path
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# pylint: disable=wrong-import-position
from servers import Process, free_ports
from servers.dynamodb import REGION, dynalite, make_table, url_of

from link import Link


class Kind:
    name = None

    def __init__(self, folder):
        self.folder = folder
        self.port, = free_ports(1)
        self.server = self.start()
        self.link = Link(self.port)

    def start(self):
        raise NotImplementedError

    def restart(self):
        """The same server, empty."""
        self.server.kill()
        self.server.start()

    def stop(self):
        self.link.stop()
        self.server.stop()

    def entries(self):
        """Names of the entries held."""
        return [name for name in self.names() if name.startswith("fcache:")]


class Redis(Kind):
    name = "redis"

    def start(self):
        return Process(["redis-server", "--port", self.port, "--bind",
                        "127.0.0.1", "--save", "", "--dir", self.folder],
                       self.folder, ("127.0.0.1", self.port))

    def url(self, port, scheme="redis"):
        return f"{scheme}://127.0.0.1:{port}"

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def call(self, *words):
        """One command, round the link."""
        with self.connect() as wire:
            return self.call_on(wire, *words)

    def call_on(self, wire, *words):
        words = [w if isinstance(w, bytes) else str(w).encode()
                 for w in words]
        wire.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.reply(wire.makefile("rb"))

    def reply(self, stream):
        line = stream.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply(stream) for _ in range(int(rest))]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        return rest

    def names(self):
        return [name.decode() for name in self.call("KEYS", "*")]

    def get(self, name):
        return self.call("GET", name)

    def set(self, name, value):
        self.call("SET", name, value)

    def flush(self):
        self.call("FLUSHALL")

    wrong_replies = {
        "F10 garbage": [bytes(range(256)) * 4],
        "F11 wrong protocol": [b"HTTP/1.1 400 Bad Request\r\n\r\n",
                               b"220 mail ESMTP\r\n"],
        "F12 lengths": [b"$2147483648\r\nx", b"$9223372036854775807\r\nx",
                        b"$-2\r\n", b"*2147483647\r\n", b"*-7\r\n",
                        b"*2\r\n$99999999999999999999\r\n"],
        "F13 nesting": [b"*1\r\n" * 10000],
        "F14 wrong type": [b":1\r\n", b"+OK\r\n", b"*2\r\n:1\r\n*0\r\n"],
    }
    errors = {f"F22 {text.split()[0]}": [b"-" + text.encode() + b"\r\n"]
              for text in (
                  "LOADING Redis is loading the dataset in memory",
                  "READONLY You can't write against a read only replica.",
                  "MOVED 3999 127.0.0.1:1", "ASK 3999 127.0.0.1:1",
                  "CLUSTERDOWN The cluster is down",
                  "OOM command not allowed when used memory > 'maxmemory'.",
                  "NOAUTH Authentication required.",
                  "WRONGPASS invalid username-password pair",
                  "BUSY Redis is busy running a script.",
                  "MASTERDOWN Link with MASTER is down",
                  "TRYAGAIN Multiple keys request during rehashing of slot")}


class Memcached(Kind):
    name = "memcached"

    def start(self):
        return Process(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p",
                        self.port, "-U", "0", "-m", "64"],
                       self.folder, ("127.0.0.1", self.port))

    def url(self, port):
        return f"memcached://127.0.0.1:{port}"

    def call(self, command, end=b"\r\n"):
        """What comes for a command, up to that end."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as wire:
            wire.sendall(command)
            got = b""
            while not got.endswith(end):
                got += wire.recv(65536)
            return got

    def names(self):
        lines = self.call(b"lru_crawler metadump all\r\n", b"END\r\n")
        return [unquote(word[4:]) for word in lines.decode().split()
                if word.startswith("key=")]

    def flush(self):
        self.call(b"flush_all\r\n")

    wrong_replies = {
        "F10 garbage": [bytes(range(256)) * 4],
        "F11 wrong protocol": [b"HTTP/1.1 400 Bad Request\r\n\r\n",
                               b"+OK\r\n"],
        "F12 lengths": [b"VALUE k 0 2147483648 1\r\nx",
                        b"VALUE k 0 9223372036854775807 1\r\nx",
                        b"VALUE k 0 -2 1\r\n",
                        b"VALUE k 0 18446744073709551614 1\r\nx"],
        "F13 a line without end": [b"VALUE " + b"k" * 100000],
        "F14 wrong type": [b"STORED\r\n", b"VERSION 1\r\n", b"7\r\n"],
    }
    errors = {
        f"F23 {text.split(maxsplit=2)[0]} {text.split()[-1]}":
        [text.encode() + b"\r\n"] for text in (
            "SERVER_ERROR out of memory storing object",
            "CLIENT_ERROR bad data chunk", "ERROR",
            "SERVER_ERROR object too large for cache")}


def http(status, body=b"{}", **fields):
    """An answer as the service would send it."""
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: "
             "application/x-amz-json-1.0", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}"
              for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refusal(status, name):
    """An error of the service, as AWS words its type."""
    kind = b"com.amazonaws.dynamodb.v20120810#" + name.encode()
    return http(status, b'{"__type":"%s","message":"x"}' % kind)


class DynamoDB(Kind):
    name = "dynamodb"

    def start(self):
        server = Process(["node", dynalite() / "cli.js", "--port", self.port,
                          "--host", "127.0.0.1", "--createTableMs", "0",
                          "--deleteTableMs", "0"], self.folder,
                         ("127.0.0.1", self.port))
        make_table(self.port, "faults")
        return server

    def restart(self):
        super().restart()
        make_table(self.port, "faults")

    flush = restart  # it keeps its tables in memory

    def url(self, port):
        credentials = Path(self.folder) / "credentials"
        credentials.write_text("[default]\naws_access_key_id = x\n"
                               "aws_secret_access_key = x\n",
                               encoding="ascii")
        return url_of("faults", region=REGION, credentials="file",
                      endpoint=f"http://127.0.0.1:{port}",
                      **{"credentials-file": str(credentials)})

    wrong_replies = {
        "F10 garbage": [bytes(range(256)) * 4],
        "F11 wrong protocol": [b"+OK\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"],
        "F12 lengths": [
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nx" % length
            for length in (2 ** 31, 2 ** 63 - 1, 2 ** 64, -2)],
        "F13 nesting": [http(200, b"[" * 10000 + b"]" * 10000),
                        http(200, b'{"a":' * 10000 + b"1" + b"}" * 10000)],
        "F14 wrong type": [http(200, b'{"Responses": 7}'), http(200, b"[]"),
                           http(200, b'{"Responses": {"faults": {}}}')],
    }
    errors = {
        f"F24 {name[:28]}": [refusal(status, name)] for status, name in (
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
            (500, "InternalServerError"), (503, "ServiceUnavailable"),
            (400, "ExpiredTokenException"), (400, "ValidationException"),
            (400, "InvalidSignatureException"),
            (400, "ResourceNotFoundException"))}
    errors["F24 all unprocessed"] = [http(
        200, b'{"Responses": {}, "UnprocessedKeys": {"faults": {"Keys": '
             b'[{"n": {"S": "x"}}]}}}')]


KINDS = {kind.name: kind for kind in (Redis, Memcached, DynamoDB)}


@contextlib.contextmanager
def started(name, folder):
    kind = KINDS[name](folder)
    try:
        yield kind
    finally:
        kind.stop()
