# SPDX-License-Identifier: Apache-2.0
"""A store that faults are tried on: how it is started behind a Link, and a way to
what it holds round the cache. DynamoDB's is in kind_dynamodb.py."""
import re
import socket
from pathlib import Path
from urllib.parse import unquote

from servers import PATIENT, Process, free_ports

import replies
from certificates import Certificates
from link import Link


PATIENCE = dict(option.split("=") for option in PATIENT.split("&"))


class Kind:
    """`way` httpd goes: "tcp" to an address, "name" to a name, "tls"."""
    name = None
    scheme = None
    read_request = None   # pattern of the bytes that ask for entries
    worst_ms = 100        # wanted of a request, over the origin
    store_ms = 250        # option `store`: how long storing may take
    store = "far"         # which backend of the stand's conf it is
    answers_near = False  # hits are possible without the server
    replies, errors = {}, {}

    def __init__(self, folder, way="tcp"):
        self.folder, self.way = Path(folder), way
        self.port, = free_ports(1)
        self.server = self.start()
        self.certificates = Certificates(self.folder) if way == "tls" else None
        self.link = Link(self.port, self.certificates and
                         self.certificates.good)

    def start(self):
        raise NotImplementedError

    def restart(self):
        """The same server, empty."""
        self.server.kill()
        self.server.start()

    def stop(self):
        self.link.stop()
        self.server.stop()

    # ---- its URL

    @property
    def host(self):
        return "store.scripted" if self.way == "name" else "127.0.0.1"

    def options(self):
        """What the way needs."""
        if self.way == "name":
            return {"integrity": "off", "resolve": "1s"}
        if self.way == "tls":
            return {"tls-ca": self.certificates.ca}
        return {}

    def url(self, **options):
        """By the link."""
        return self.url_of(f"{self.host}:{self.link.port}",
                           **self.options(), **options)

    def direct_url(self):
        """Round the link."""
        return self.url_of(f"127.0.0.1:{self.port}", **PATIENCE)

    def url_of(self, place, **options):
        return f"{self.scheme}://{place}{query(options)}"

    # ---- what it holds

    def entries(self):
        """Names of the entries held."""
        return [name for name in self.names() if name.startswith("fcache:")]

    def reads(self, request):
        """Does the server get these bytes for a look-up?"""
        return re.match(self.read_request, request, re.S) is not None


def query(options):
    return "?" * bool(options) + "&".join(
        f"{name}={value}" for name, value in options.items())


class Redis(Kind):
    name = "redis"
    read_request = rb"\*\d+\r\n\$4\r\nMGET\r\n"
    replies, errors = replies.REDIS, replies.REDIS_ERRORS

    def start(self):
        return Process(["redis-server", "--port", self.port, "--bind",
                        "127.0.0.1", "--save", "", "--dir", self.folder],
                       self.folder, ("127.0.0.1", self.port))

    @property
    def scheme(self):
        return "rediss" if self.way == "tls" else "redis"

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

    def remove(self, *names):
        for name in names:
            self.call("DEL", name)

    def flush(self):
        self.call("FLUSHALL")

    def crowd(self):
        """No more clients: the only one there may be is ours."""
        only = self.connect()
        self.call_on(only, "CONFIG", "SET", "maxclients", "1")
        return [only]

    def uncrowd(self, clients):
        self.call_on(clients[0], "CONFIG", "SET", "maxclients", "10000")


class Tiered(Redis):
    """Memory in front of Redis."""
    name = "tiered"
    store = "tier"
    answers_near = True
    errors = {name: replies.REDIS_ERRORS[name]
              for name in ("F22 LOADING", "F22 READONLY")}


class Memcached(Kind):
    name = "memcached"
    scheme = "memcached"
    read_request = rb"gets "
    replies, errors = replies.MEMCACHED, replies.MEMCACHED_ERRORS

    def start(self):
        return self.start_one(self.port)

    def start_one(self, port):
        folder = self.folder / str(port)
        folder.mkdir()
        return Process(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p",
                        port, "-U", "0", "-m", "64"],
                       folder, ("127.0.0.1", port))

    def options(self):
        return {**super().options(), **({"tls": "on"} if self.way == "tls"
                                        else {})}

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

    def get(self, name):
        head, _, rest = self.call(f"get {name}\r\n".encode(),
                                  b"END\r\n").partition(b"\r\n")
        return rest[:int(head.split()[3])] if head.startswith(b"VALUE") \
            else None

    def set(self, name, value):
        said = self.call(f"set {name} 0 600 {len(value)}\r\n".encode() +
                         value + b"\r\n")
        assert said == b"STORED\r\n", said

    def remove(self, *names):
        for name in names:
            self.call(f"delete {name}\r\n".encode())

    def flush(self):
        self.call(b"flush_all\r\n")


class Pair(Memcached):
    """Two servers, of which the faults are one's."""
    name = "memcached-2"
    answers_near = True
    errors = {}

    def start(self):
        self.other_port, = free_ports(1)
        self.other = self.start_one(self.other_port)
        return super().start()

    def stop(self):
        super().stop()
        self.other.stop()

    def url_of(self, place, **options):
        return super().url_of(f"{place},127.0.0.1:{self.other_port}",
                              **options)
