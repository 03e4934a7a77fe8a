# SPDX-License-Identifier: Apache-2.0
"""DynamoDB: dynalite behind a proxy that verifies signatures (proxy.py). With
DYNAMODB_ENDPOINT and AWS_REGION set, a real service, whose table fcache-test
`fcachectl init` has made, with credentials as AWS's tools find them. Tests that
order faults need the proxy, the kind dynamodb-verified. The kind dynamodb-local is
Amazon's own for tests (local.py)."""
import fcntl
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from .. import Process, free_ports

PACKAGE = "dynalite@4.0.0"
REGION = "eu-central-1"
TABLE = "fcache-test"
KEY_ID, SECRET = "AKIDFCACHETEST", "s3cr3t/+of=the=tests"
# a proxy in Python on a busy machine takes its time
PATIENCE = {"connect": "5s", "read": "5s", "lookup": "10s", "store": "10s"}
FOLDER = Path(__file__).resolve().parents[3] / "build" / "npm"


def npm(wanted, *command):
    """`wanted` of FOLDER, which npm makes if it is not there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / wanted).exists():
            subprocess.run(["npm", *command], check=True, cwd=FOLDER,
                           stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return FOLDER / wanted


def dynalite():
    """Its folder; fetched once."""
    return npm("node_modules/dynalite/cli.js", "install", "--no-audit",
               "--no-fund", "--silent", "--prefix", str(FOLDER),
               PACKAGE).parent


def make_table(port, name):
    """As `fcachectl init` does, which has tests of its own."""
    body = {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "n",
                                      "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/", json.dumps(body).encode(), {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.CreateTable",
            "X-Amz-Date": "x", "Authorization": "AWS4-HMAC-SHA256 "
            f"Credential=x/x/{REGION}/x/x, SignedHeaders=x, Signature=x"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()


def url_of(table, **options):
    return f"dynamodb://{table}?" + urllib.parse.urlencode(options)


def real(_):
    yield url_of(TABLE, region=os.environ["AWS_REGION"],
                 endpoint=os.environ["DYNAMODB_ENDPOINT"], integrity="off",
                 **PATIENCE)


def verified(folder):
    from .proxy import Proxy, State  # botocore takes a while
    inner, outer = free_ports(2)
    file = folder / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {KEY_ID}\n"
                    f"aws_secret_access_key = {SECRET}\n", "ascii")
    with Process(["node", dynalite() / "cli.js", "--port", inner, "--host",
                  "127.0.0.1", "--createTableMs", "0", "--deleteTableMs", "0"],
                 folder, ("127.0.0.1", inner)):
        make_table(inner, TABLE)
        state = State(REGION, inner, {KEY_ID: (SECRET, None)})
        with Proxy(outer, state):
            yield url_of(TABLE, region=REGION,
                         endpoint=f"http://127.0.0.1:{outer}",
                         credentials="file", **PATIENCE,
                         **{"credentials-file": str(file)})


def dynamodb(folder):
    yield from (real if "DYNAMODB_ENDPOINT" in os.environ
                else verified)(folder)


def local(folder):
    """The credentials are any."""
    from .local import server
    port, = free_ports(1)
    file = folder / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {KEY_ID}\n"
                    f"aws_secret_access_key = {SECRET}\n", "ascii")
    with server(folder, port):
        make_table(port, TABLE)
        yield url_of(TABLE, region=REGION, credentials="file",
                     endpoint=f"http://127.0.0.1:{port}", **PATIENCE,
                     **{"credentials-file": str(file)})


KINDS = {"dynamodb": dynamodb, "dynamodb-verified": verified,
         "dynamodb-local": local}
