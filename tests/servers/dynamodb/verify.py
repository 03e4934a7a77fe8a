# SPDX-License-Identifier: Apache-2.0
"""AWS signatures (version 4), checked: the own reading of the algorithm, and
botocore's as a second opinion. Neither shares code with the C signer."""
import datetime
import hashlib
import hmac
import re
import threading
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

WINDOW_S = 15 * 60
PATCHING = threading.Lock()  # one module's clock, many threads
MUST_BE_SIGNED = {"host", "content-type", "x-amz-date", "x-amz-target",
                  "x-amz-security-token"}
FORM = re.compile(r"AWS4-HMAC-SHA256 Credential=([!-+\--.0-~]+)/(\d{8})/"
                  r"([a-z0-9-]+)/dynamodb/aws4_request, "
                  r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")


class Refused(Exception):
    """The type and message that DynamoDB would answer with."""

    def __init__(self, kind, message=""):
        super().__init__(kind, message)
        self.kind, self.message = kind, message


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, scope, stamp, method, path, names, headers, body):
    """The signature of a request without a query; names are those signed."""
    canonical = "\n".join(
        [method, path, ""] +
        [f"{name}:{' '.join(headers[name].split())}" for name in names] +
        ["", ";".join(names), hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = _hmac(key, part)
    return _hmac(key, text).hex()


def botocore_signature(secret, token, key_id, region, moment, url, headers,
                       body):
    """What botocore would have signed it with."""
    plain = {name: headers[name] for name in ("content-type", "x-amz-target")
             if name in headers}
    request = botocore.awsrequest.AWSRequest("POST", url, headers=plain,
                                             data=body)
    with PATCHING, mock.patch("botocore.auth.datetime") as clock:
        clock.datetime.utcnow.return_value = moment
        botocore.auth.SigV4Auth(
            botocore.credentials.Credentials(key_id, secret, token),
            "dynamodb", region).add_auth(request)
    return request.headers["Authorization"].rsplit("=", 1)[1]


def check_time(moment, now):
    late = (now - moment).total_seconds()
    if late > WINDOW_S:
        raise Refused("InvalidSignatureException",
                      f"Signature expired: {moment} is now earlier than {now}")
    if late < -WINDOW_S:
        raise Refused("InvalidSignatureException",
                      f"Signature not yet current: {moment} is still later "
                      f"than {now}")


def verify(method, path, headers, body, region, secrets, now):
    """Raises Refused. `headers` have lower-case names; `secrets` gives
    (secret, token or None) of a key id; `now` is naive UTC."""
    match = FORM.fullmatch(headers.get("authorization", ""))
    if not match:
        raise Refused("MissingAuthenticationTokenException"
                      if "authorization" not in headers
                      else "IncompleteSignatureException")
    key_id, day, given_region, names, given = match.groups()
    names = names.split(";")
    stamp = headers.get("x-amz-date", "")
    if names != sorted(set(names)) or not set(names) <= set(headers):
        raise Refused("InvalidSignatureException", "SignedHeaders")
    unsigned = (MUST_BE_SIGNED & set(headers)) - set(names)
    if unsigned or "host" not in names:
        raise Refused("InvalidSignatureException", f"unsigned: {unsigned}")
    if day != stamp[:8] or given_region != region:
        raise Refused("InvalidSignatureException", "scope")
    if key_id not in secrets:
        raise Refused("UnrecognizedClientException",
                      "The security token included in the request is invalid.")
    secret, token = secrets[key_id]
    if headers.get("x-amz-security-token") != token:
        raise Refused("UnrecognizedClientException", "token")
    moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    check_time(moment, now)
    wanted = signature(secret, (day, region, "dynamodb", "aws4_request"),
                       stamp, method, path, names, headers, body)
    second = botocore_signature(secret, token, key_id, region, moment,
                                f"http://{headers['host']}{path}", headers,
                                body)
    if wanted != second:
        raise AssertionError("botocore and the verifier disagree")
    if not hmac.compare_digest(wanted, given):
        raise Refused("InvalidSignatureException",
                      "The request signature we calculated does not match the "
                      "signature you provided. x-amz-security-token:"
                      f"{token}")
