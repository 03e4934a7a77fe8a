# SPDX-License-Identifier: Apache-2.0
"""A client that sends exactly what it is told and keeps exactly what came."""
import base64
import dataclasses
import socket
import ssl
import subprocess

from .origin import as_bytes, lines, read_chunked


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list
    body: bytes
    head: bytes
    interim: list = dataclasses.field(default_factory=list)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)

    def has(self, name):
        return bool(self.all(name))

    @property
    def cache(self):
        """The verdict, as in X-FCache: there is never more than one."""
        found = self.all("X-FCache")
        assert len(found) <= 1, found
        return found[0] if found else None

    @property
    def age(self):
        value = self.get("Age")
        return None if value is None else int(value)

    @property
    def etag(self):
        return self.get("ETag")

    @property
    def directives(self):
        """Cache-Control as a dictionary."""
        joined = ",".join(self.all("Cache-Control"))
        pairs = (part.strip().partition("=")
                 for part in joined.split(",") if part.strip())
        return {name.lower(): value for name, _, value in pairs}

    def without(self, *names):
        """The fields but for those, as a comparable list."""
        drop = {name.lower() for name in names}
        return sorted((n.lower(), v) for n, v in self.headers
                      if n.lower() not in drop)


class Closed(Exception):
    """The server hung up before a whole response had come."""


class Connection:
    def __init__(self, port, tls=False, source="127.0.0.1", timeout=15):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname="localhost")
        self.stream = self.socket.makefile("rb")
        self.began = False  # has the answer that is being read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, target, method="GET", headers=(), body=None, **knobs):
        self.began = False
        self.send(request_bytes(target, method, headers, body, **knobs))
        return self.read(method)

    def read(self, method="GET"):
        interim = []
        while True:
            response = self.read_head()
            if response.status >= 200:
                break
            interim.append(response)
        response.interim = interim
        response.body = self.read_body(response, method)
        return response

    def read_head(self):
        self.began = False
        head = self.line()
        self.began = True
        words = head.decode("latin-1").rstrip("\r\n").split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/"):
            raise Closed(f"no response but {head!r}")
        headers = []
        while True:
            line = self.line()
            head += line
            if line == b"\r\n":
                break
            name, colon, value = line.decode("latin-1").partition(":")
            assert colon and line.endswith(b"\r\n"), f"odd field line {line!r}"
            headers.append((name, value.strip(" \t\r\n")))
        reason = words[2] if len(words) > 2 else ""
        return Response(int(words[1]), reason, words[0], headers, b"", head)

    def line(self):
        try:
            line = self.stream.readline()
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error)) from error
        if not line.endswith(b"\n"):
            raise Closed(f"ended at {line!r}")
        return line

    def read_body(self, response, method):
        if method == "HEAD" or response.status in (204, 304):
            return b""
        if "chunked" in (response.get("Transfer-Encoding") or ""):
            return self.whole_chunks()
        length = response.get("Content-Length")
        if length is None:
            return self.stream.read()
        try:
            body = self.stream.read(int(length))
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if len(body) < int(length):
            raise Closed(f"{len(body)} of {length} bytes")
        return body

    def whole_chunks(self):
        try:
            return read_chunked(self.stream)
        except (ConnectionError, ValueError) as error:
            raise Closed(str(error)) from error


def request_bytes(target, method="GET", headers=(), body=None,
                  host="localhost", version="HTTP/1.1"):
    """A request's bytes; `host` None leaves the field out."""
    fields = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in fields}
    if host is not None:
        fields.insert(0, ("Host", host))
    if body is not None and not names & {"content-length",
                                         "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    line = as_bytes(method) + b" " + as_bytes(target) + b" " + \
        as_bytes(version) + b"\r\n"
    return line + lines(fields) + b"\r\n" + (body or b"")


def fetch(port, target, method="GET", headers=(), body=None, tls=False,
          source="127.0.0.1", **knobs):
    """One request on a connection of its own."""
    with Connection(port, tls=tls, source=source) as connection:
        return connection.request(target, method, headers, body, **knobs)


def exchange(port, data, method="GET"):
    """Sends these bytes, reads one response."""
    with Connection(port) as connection:
        connection.send(data)
        return connection.read(method)


def curl(url, *options):
    """The response curl gets, for HTTP/2 and TLS."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--insecure", "--include",
         "--max-time", "15", "--noproxy", "*", *options, url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    version, status = first.split()[:2]
    headers = [(line.partition(":")[0], line.partition(":")[2].strip())
               for line in rest]
    return Response(int(status), "", version, headers, body, head)


def basic(user, password):
    """The field that logs in."""
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {word}"}
