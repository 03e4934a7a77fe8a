#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The verifier in front of dynalite takes what botocore signs, and refuses all
else: a test server that let everything pass would prove nothing."""
import datetime
import sys
from pathlib import Path

import botocore.auth
import botocore.awsrequest
import botocore.credentials

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from servers.dynamodb.verify import Refused, verify  # noqa: E402

REGION = "eu-central-1"
SECRETS = {"AKID": ("secret/+", None), "ASIA": ("other", "token/==")}


def signed(key_id, body=b"{}"):
    request = botocore.awsrequest.AWSRequest(
        "POST", "http://127.0.0.1:8000/", data=body,
        headers={"Content-Type": "application/x-amz-json-1.0",
                 "X-Amz-Target": "DynamoDB_20120810.PutItem"})
    botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(key_id, *SECRETS[key_id]),
        "dynamodb", REGION).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {**headers, "host": "127.0.0.1:8000"}


def outcome(headers, body=b"{}", path="/", region=REGION, minutes=0):
    now = datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)
    try:
        verify("POST", path, headers, body, region, SECRETS, now)
    except Refused as refused:
        return refused.kind
    return "taken"


def unsign(headers, name):
    """The header is sent, but not under the signature."""
    words = headers["authorization"].replace(name + ";", "")
    return {**headers, "authorization": words}


SIGNATURE = "InvalidSignatureException"
UNKNOWN = "UnrecognizedClientException"
PLAIN, SESSION = signed("AKID"), signed("ASIA")
AUTH = PLAIN["authorization"]
CASES = (
    ("a plain one", "taken", outcome(PLAIN)),
    ("one of a session", "taken", outcome(SESSION)),
    ("14 minutes late", "taken", outcome(PLAIN, minutes=14)),
    ("16 minutes late", SIGNATURE, outcome(PLAIN, minutes=16)),
    ("16 minutes early", SIGNATURE, outcome(PLAIN, minutes=-16)),
    ("another body", SIGNATURE, outcome(PLAIN, b"{ }")),
    ("another path", SIGNATURE, outcome(PLAIN, path="/x")),
    ("another region", SIGNATURE, outcome(PLAIN, region="eu-west-1")),
    ("another host", SIGNATURE, outcome({**PLAIN, "host": "x:8000"})),
    ("another target", SIGNATURE,
     outcome({**PLAIN, "x-amz-target": "DynamoDB_20120810.DeleteItem"})),
    ("host not signed", SIGNATURE, outcome(unsign(PLAIN, "host"))),
    ("type not signed", SIGNATURE, outcome(unsign(PLAIN, "content-type"))),
    ("token not signed", SIGNATURE,
     outcome(unsign(SESSION, "x-amz-security-token"))),
    ("no token", SIGNATURE,
     outcome({k: v for k, v in SESSION.items()
              if k != "x-amz-security-token"})),
    ("another token", UNKNOWN,
     outcome({**SESSION, "x-amz-security-token": "x"})),
    ("a key that is not known", UNKNOWN,
     outcome({**PLAIN, "authorization": AUTH.replace("AKID", "AKIE")})),
    ("another signature", SIGNATURE,
     outcome({**PLAIN, "authorization": AUTH[:-1] +
              ("0" if AUTH[-1] != "0" else "1")})),
    ("no form", "IncompleteSignatureException",
     outcome({**PLAIN, "authorization": "AWS4-HMAC-SHA256 x"})),
    ("no signature", "MissingAuthenticationTokenException",
     outcome({k: v for k, v in PLAIN.items() if k != "authorization"})),
)

failed = 0
for what, wanted, got in CASES:
    if got != wanted:
        print(f"{what}: {got}, not {wanted}")
        failed += 1
print(f"{len(CASES) - failed} of {len(CASES)} passed")
sys.exit(failed > 0)
