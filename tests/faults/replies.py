# SPDX-License-Identifier: Apache-2.0
"""What each kind of server could say that is wrong, and what it says when it
fails: names of faults, and the replies that take turns."""

REDIS = {
    "F10 garbage": [bytes(range(256)) * 4],
    "F11 wrong protocol": [b"HTTP/1.1 400 Bad Request\r\n\r\n",
                           b"220 mail ESMTP\r\n"],
    "F12 lengths": [b"$2147483648\r\nx", b"$9223372036854775807\r\nx",
                    b"$-2\r\n", b"*2147483647\r\n", b"*-7\r\n",
                    b"*2\r\n$99999999999999999999\r\n"],
    "F13 nesting": [b"*1\r\n" * 10000],
    "F14 wrong type": [b":1\r\n", b"+OK\r\n", b"*2\r\n:1\r\n*0\r\n"],
}
REDIS_ERRORS = {
    f"F22 {text.split()[0]}": [b"-" + text.encode() + b"\r\n"] for text in (
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

MEMCACHED = {
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
MEMCACHED_ERRORS = {
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


def refusal(status, name, **fields):
    """An error of the service, as AWS words its type."""
    kind = b"com.amazonaws.dynamodb.v20120810#" + name.encode()
    return http(status, b'{"__type":"%s","message":"x"}' % kind, **fields)


DYNAMODB = {
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
DYNAMODB_ERRORS = {
    f"F24 {name[:28]}": [refusal(status, name)] for status, name in (
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"), (503, "ServiceUnavailable"),
        (400, "ExpiredTokenException"), (400, "ValidationException"),
        (400, "InvalidSignatureException"),
        (400, "ResourceNotFoundException"))}
DYNAMODB_ERRORS["F24 all unprocessed"] = [http(
    200, b'{"Responses": {}, "UnprocessedKeys": {"faults": {"Keys": '
         b'[{"n": {"S": "x"}}]}}}')]
DYNAMODB_ERRORS["F24 another time of day"] = [refusal(
    400, "InvalidSignatureException", Date="Sat, 01 Jan 2028 00:00:00 GMT")]
