# SPDX-License-Identifier: Apache-2.0
"""What stands in front of dynalite: it verifies signatures, fails on demand,
knows what dynalite does not (TimeToLive, transactions), and hands out
credentials as an instance's or a container's metadata does.

POST /_control sets, of what it is given: `faults`, a list of {operation, kind,
times, ...}; `skew_s`, how far this server's clock is ahead; `life_s`, for how
long credentials are good. It answers what has happened since the last time."""
import datetime
import http.client
import http.server
import json
import secrets
import socket
import threading
import time

from . import verify
from .transactions import PREFIX, Transactions, cancelled

ROLE = "fcache-role"
ERRORS = {  # kind -> HTTP status
    "ThrottlingException": 400,
    "ProvisionedThroughputExceededException": 400,
    "ExpiredTokenException": 400,
    "AccessDeniedException": 400,
    "ResourceNotFoundException": 400,
    "ValidationException": 400,
    "TransactionConflictException": 400,
    "UnknownOperationException": 400,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
}
GARBAGE = {  # kind -> a body of 200
    "no-json": b"<html>",
    "deep": b"[" * 100000,
    "wrong-shape": b'{"Responses":[],"Attributes":7,"Items":{}}',
    "stranger": b'{"Responses":{"%(table)s":[{"n":{"S":"stranger"},'
                b'"c":{"N":"1"}}]},"UnprocessedKeys":{}}',
    "huge": b'{"Responses":"' + b"x" * 4000000 + b'"}',
}


class State:
    """What the handlers' threads share; one lock for all."""

    def __init__(self, region, dynalite, known):
        self.lock = threading.Lock()
        self.transactions = Transactions()
        self.region, self.dynalite = region, dynalite
        self.secrets = dict(known)  # key id -> (secret, token)
        self.ends = {}  # key id -> when it expires
        self.faults, self.skew_s, self.life_s = [], 0, 3600
        self.expiring = set()  # tables with TimeToLive
        self.metadata_token = secrets.token_urlsafe(24)
        self.container_token = None
        self.seen = []

    def now(self):
        return datetime.datetime.utcnow() + \
            datetime.timedelta(seconds=self.skew_s)

    def control(self, wanted):
        with self.lock:
            for name in ("faults", "skew_s", "life_s", "container_token"):
                if name in wanted:
                    setattr(self, name, wanted[name])
            seen, self.seen = self.seen, []
            return {"seen": seen}

    def fault(self, operation):
        with self.lock:
            for fault in self.faults:
                if fault.get("operation", "*") in ("*", operation) and \
                        fault.get("times", 1) != 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return {}

    def issue(self):
        """New credentials, as metadata shows them."""
        key_id = "ASIA" + secrets.token_hex(8).upper()
        secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(300)
        with self.lock:
            end = self.now() + datetime.timedelta(seconds=self.life_s)
            self.secrets[key_id] = (secret, token)
            self.ends[key_id] = end
        return {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key_id,
                "SecretAccessKey": secret, "Token": token,
                "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream = None

    def log_message(self, *_):
        pass

    @property
    def state(self):
        return self.server.state

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.state.skew_s)

    def answer(self, status, body, kind="application/x-amz-json-1.0"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, kind, message="", status=400):
        self.answer(status, json.dumps(
            {"__type": PREFIX + kind, "message": message}).encode())

    def cut(self):
        """Ends the connection as a crash does."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    # ---- DynamoDB

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/_control":
            self.answer(200, json.dumps(
                self.state.control(json.loads(body))).encode())
            return
        operation = self.headers.get("X-Amz-Target", "").split(".")[-1]
        self.state.seen.append(operation)
        try:
            self.check(body)
        except verify.Refused as refused:
            self.state.seen.append(refused.kind)
            self.refuse(refused.kind, refused.message)
            return
        self.serve(operation, body, self.state.fault(operation))

    def check(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        if len(headers) != len(self.headers):
            raise verify.Refused("InvalidSignatureException", "twice the same")
        for name in ("expect", "accept-encoding", "cookie"):
            if name in headers:
                raise verify.Refused("ValidationException", name)
        verify.verify("POST", self.path, headers, body, self.state.region,
                      self.state.secrets, self.state.now())
        key_id = headers["authorization"].split("Credential=")[1].split("/")[0]
        end = self.state.ends.get(key_id)
        if end is not None and end < self.state.now():
            raise verify.Refused("ExpiredTokenException",
                                 "The security token is expired")

    def serve(self, operation, body, fault):
        kind = fault.get("kind")
        if kind == "cancelled":
            self.answer(*cancelled(fault["reasons"]))
        elif kind in ERRORS:
            self.refuse(kind, fault.get("message", ""), ERRORS[kind])
        elif kind in GARBAGE:
            table = next(iter(json.loads(body).get("RequestItems", {"": 0})))
            self.answer(200, GARBAGE[kind].replace(b"%(table)s",
                                                   table.encode()))
        elif kind == "redirect":
            self.send_response(302)
            self.send_header("Location", fault["to"])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif kind == "cut":
            self.cut()
        elif kind == "cut-body":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"Resp')
            self.cut()
        elif operation == "UpdateTimeToLive":
            self.expire(json.loads(body)["TableName"])
        else:
            if kind == "latency":
                time.sleep(fault["seconds"])
            self.answer(*self.ask(operation, body, fault))

    def expire(self, table):
        if table in self.state.expiring:
            self.refuse("ValidationException", "TimeToLive is already enabled")
        else:
            self.state.expiring.add(table)
            self.answer(200, b"{}")

    def ask(self, operation, body, fault):
        """dynalite's answer; of a batch, only `keep` keys are processed."""
        left = {}
        if fault.get("kind") == "unprocessed":
            wanted = json.loads(body)
            for table, keys in wanted["RequestItems"].items():
                rest = keys["Keys"][fault["keep"]:]
                del keys["Keys"][fault["keep"]:]
                left[table] = {**keys, "Keys": rest}
            body = json.dumps(wanted).encode()
            if fault["keep"] == 0:
                return 200, json.dumps({"Responses": {},
                                        "UnprocessedKeys": left}).encode()
        status, answer = self.state.transactions.serve(
            operation, body, self.forward_request) or \
            self.forward(operation, body)
        if left:
            answer = json.dumps({**json.loads(answer),
                                 "UnprocessedKeys": left}).encode()
        return status, answer

    def forward_request(self, operation, request):
        return self.forward(operation, json.dumps(request).encode())

    def forward(self, operation, body):
        headers = {name: self.headers[name] for name in (
            "X-Amz-Date", "Authorization", "Content-Type")}
        headers["X-Amz-Target"] = f"DynamoDB_20120810.{operation}"
        for fresh in (False, True):
            if fresh or not self.upstream:
                self.upstream = http.client.HTTPConnection(
                    "127.0.0.1", self.state.dynalite, timeout=20)
            try:
                self.upstream.request("POST", "/", body, headers)
                answer = self.upstream.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                if fresh:
                    raise
        raise AssertionError(operation)

    # ---- metadata

    def do_PUT(self):
        self.state.seen.append("PUT " + self.path)
        good = self.path == "/latest/api/token" and \
            self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if good else 403, self.state.metadata_token.encode()
                    if good else b"", "text/plain")

    def do_GET(self):
        self.state.seen.append("GET " + self.path)
        base = "/latest/meta-data/iam/security-credentials/"
        token = self.headers.get("X-aws-ec2-metadata-token")
        if self.state.fault("metadata").get("kind"):
            self.answer(500, b"", "text/plain")
        elif self.path == "/container" and \
                self.headers.get("Authorization") == self.state.container_token:
            self.answer(200, json.dumps(self.state.issue()).encode())
        elif not self.path.startswith(base) or \
                token != self.state.metadata_token:
            self.answer(401, b"", "text/plain")
        elif self.path == base:
            self.answer(200, ROLE.encode(), "text/plain")
        elif self.path == base + ROLE:
            self.answer(200, json.dumps(self.state.issue()).encode())
        else:
            self.answer(404, b"", "text/plain")


class Proxy(http.server.ThreadingHTTPServer):
    """On a port of its own, in threads of this process."""
    daemon_threads = True

    def __init__(self, port, state):
        super().__init__(("127.0.0.1", port), Handler)
        self.state = state
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,),
                                       daemon=True)

    def handle_error(self, request, client_address):
        pass  # clients that are cut off are the point

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
