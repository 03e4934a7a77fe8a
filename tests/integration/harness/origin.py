# SPDX-License-Identifier: Apache-2.0
"""A scripted origin: it answers byte for byte what a test tells it to, and
keeps what it received."""
import dataclasses
import email.utils
import itertools
import socket
import threading
import time


@dataclasses.dataclass
class Request:
    """What arrived, with the request line and the field lines as they came."""

    method: str
    target: str
    version: str
    headers: list
    body: bytes
    head: bytes

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def query(self):
        return self.target.split("?", 1)[1] if "?" in self.target else None

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)


@dataclasses.dataclass
class Reply:
    """One answer. `framing`: length, chunked, close (until the connection
    ends) or none (no body at all)."""

    status: int = 200
    headers: tuple = ()
    body: bytes = b""
    reason: str = None
    framing: str = "length"
    date: bool = True
    cut: int = None        # send that many bytes of body, then hang up
    delay: float = 0       # seconds before the head
    pace: tuple = None     # (bytes, seconds between)
    gate: object = None    # threading.Event to wait for behind the first piece
    interim: tuple = ()    # ((103, [(name, value)]), ...)
    trailers: tuple = ()
    raw: bytes = None      # these bytes and nothing else, then hang up
    drop: bool = False     # hang up without a word
    close: bool = False    # hang up behind the answer

    def head(self):
        out = b""
        for status, fields in self.interim:
            out += b"HTTP/1.1 %d Interim\r\n" % status + lines(fields) + b"\r\n"
        reason = REASONS.get(self.status, "Thing") if self.reason is None \
            else self.reason
        fields = list(self.headers)
        names = {name.lower() for name, _ in fields}
        if self.date and "date" not in names:
            fields.append(("Date", email.utils.formatdate(usegmt=True)))
        if self.framing == "length" and "content-length" not in names:
            fields.append(("Content-Length", str(len(self.body))))
        if self.framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
        if self.framing == "close" or self.close:
            fields.append(("Connection", "close"))
        line = f"HTTP/1.1 {self.status} {reason}\r\n".encode("latin-1")
        return out + line + lines(fields) + b"\r\n"

    def pieces(self):
        body = self.body if self.cut is None else self.body[:self.cut]
        size = self.pace[0] if self.pace else max(len(body), 1)
        for start in range(0, len(body), size):
            piece = body[start:start + size]
            yield self.chunk(piece) if self.framing == "chunked" else piece

    def chunk(self, piece):
        return b"%x\r\n" % len(piece) + piece + b"\r\n"

    def hangs_up(self):
        return self.close or self.framing == "close" or self.cut is not None


REASONS = {200: "OK", 204: "No Content", 206: "Partial Content",
           301: "Moved Permanently", 302: "Found", 304: "Not Modified",
           400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 410: "Gone",
           500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


def lines(fields):
    return b"".join(as_bytes(n) + b": " + as_bytes(v) + b"\r\n"
                    for n, v in fields)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def ok(body=b"hello", *headers, cc="max-age=60", **knobs):
    """A storable 200."""
    fields = [("Content-Type", "text/plain")]
    if cc is not None:
        fields.append(("Cache-Control", cc))
    return Reply(headers=(*fields, *headers), body=as_bytes(body), **knobs)


def counting(*headers, cc="max-age=60", **knobs):
    """A handler whose every answer has another body: body 1, body 2, ..."""
    numbers = itertools.count(1)
    return lambda request: ok(f"body {next(numbers)}", *headers, cc=cc,
                              **knobs)


class Origin:
    """Listens on loopback, one thread for each connection."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scripts = {}
        self.prefixes = {}
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def on(self, path, *answers):
        """Answers for that path, in turn; the last one stays. Each is a Reply
        or a function of the Request that makes one. `/x/*` is a prefix."""
        with self.lock:
            if path.endswith("*"):
                self.prefixes[path[:-1]] = list(answers)
            else:
                self.scripts[path] = list(answers)

    def seen(self, path):
        """The requests that came for that path (or `/prefix*`), in order."""
        with self.lock:
            if path.endswith("*"):
                return [r for r in self.requests
                        if r.path.startswith(path[:-1])]
            return [r for r in self.requests if r.path == path]

    def count(self, path):
        return len(self.seen(path))

    def forget(self):
        with self.lock:
            self.requests.clear()

    def stop(self):
        # a thread left in accept() could take the next listener's connections
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.listener.close()
        for connection in list(self.open):
            hang_up(connection)

    # ---- the connection threads

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while True:
                request = read_request(stream)
                if request is None:
                    break
                with self.lock:
                    self.requests.append(request)
                if not self.answer(connection, request):
                    break
        except (OSError, ValueError):
            pass
        finally:
            self.open.discard(connection)
            stream.close()
            hang_up(connection)

    def script(self, request):
        with self.lock:
            answers = self.scripts.get(request.path)
            if answers is None:
                best = max((p for p in self.prefixes
                            if request.path.startswith(p)),
                           key=len, default=None)
                answers = self.prefixes.get(best)
            if not answers:
                return Reply(404, (("Cache-Control", "no-store"),),
                             b"nothing scripted here")
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(request) if callable(answer) else answer

    def answer(self, connection, request):
        """True when the connection may be used again."""
        reply = self.script(request)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.drop:
            return False
        if reply.raw is not None:
            connection.sendall(reply.raw)
            return False
        connection.sendall(reply.head())
        if request.method == "HEAD" or reply.framing == "none":
            return not reply.hangs_up()
        for number, piece in enumerate(reply.pieces()):
            if number and reply.pace:
                time.sleep(reply.pace[1])
            connection.sendall(piece)
            if reply.gate and number == 0:
                reply.gate.wait(10)
        if reply.framing == "chunked" and reply.cut is None:
            connection.sendall(b"0\r\n" + lines(reply.trailers) + b"\r\n")
        return not reply.hangs_up()


def hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def read_request(stream):
    line = stream.readline()
    if not line.strip():
        return None
    head = line
    headers = []
    while True:
        field = stream.readline()
        head += field
        if field in (b"\r\n", b"\n", b""):
            break
        name, _, value = field.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    words = line.decode("latin-1").split()
    method, target, version = (words + ["", "", ""])[:3]
    request = Request(method, target, version, headers, b"", head)
    if "chunked" in (request.get("Transfer-Encoding") or "").lower():
        request.body = read_chunked(stream)
    else:
        request.body = stream.read(int(request.get("Content-Length") or 0))
    return request


def read_chunked(stream):
    body = b""
    while True:
        size = int(stream.readline().split(b";")[0], 16)  # b"" at the end
        if size == 0:
            break
        body += stream.read(size)
        stream.readline()
    while stream.readline() not in (b"\r\n", b"\n", b""):
        pass
    return body
