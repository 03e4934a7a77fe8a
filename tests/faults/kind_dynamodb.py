# SPDX-License-Identifier: Apache-2.0
"""A table of dynalite's behind a Link, and a way to its items."""
import base64
import json
import urllib.error
import urllib.request

from servers import Process
from servers.dynamodb import REGION, dynalite, make_table, url_of

import replies
from kind import Kind

TABLE = "faults"
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Date": "x",
           "Authorization": "AWS4-HMAC-SHA256 Credential=x/x/x/x/x, "
           "SignedHeaders=x, Signature=x"}


class DynamoDB(Kind):
    name = "dynamodb"
    worst_ms = 300
    store_ms = 1000
    read_request = rb".*BatchGetItem"
    replies, errors = replies.DYNAMODB, replies.DYNAMODB_ERRORS

    def start(self):
        server = Process(["node", dynalite() / "cli.js", "--port", self.port,
                          "--host", "127.0.0.1", "--createTableMs", "0",
                          "--deleteTableMs", "0"], self.folder,
                         ("127.0.0.1", self.port))
        make_table(self.port, TABLE)
        return server

    def restart(self):
        super().restart()
        make_table(self.port, TABLE)

    # ---- its URL

    def options(self):
        options = super().options()
        if self.way == "name":
            options["plaintext"] = "on"
        return options

    def url_of(self, place, **options):
        credentials = self.folder / "credentials"
        credentials.write_text("[default]\naws_access_key_id = x\n"
                               "aws_secret_access_key = x\n",
                               encoding="ascii")
        scheme = "https" if "tls-ca" in options else "http"
        return url_of(TABLE, region=REGION, credentials="file",
                      endpoint=f"{scheme}://{place}", **options,
                      **{"credentials-file": str(credentials)})

    # ---- what it holds

    def call(self, operation, **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/",
            json.dumps({"TableName": TABLE, **body}).encode(),
            {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def names(self):
        return [item["n"]["S"] for item in self.call("Scan")["Items"]]

    def item(self, name):
        return self.call("GetItem", Key={"n": {"S": name}},
                         ConsistentRead=True).get("Item")

    def get(self, name):
        item = self.item(name)
        return item and b"".join(base64.b64decode(item[part]["B"])
                                 for part in "sv" if part in item)

    def set(self, name, value):
        """In place of what is there, with the same other attributes."""
        item = self.item(name) or {"n": {"S": name}}
        for part, data in (("s", value[:32]), ("v", value[32:])):
            item.pop(part, None)
            if data:
                item[part] = {"B": base64.b64encode(data).decode()}
        self.call("PutItem", Item=item)

    def remove(self, *names):
        for name in names:
            self.call("DeleteItem", Key={"n": {"S": name}})

    def flush(self):
        self.remove(*self.names())
