# SPDX-License-Identifier: Apache-2.0
"""Two servers and one DynamoDB table, whose service fails in all ways, and whose
credentials come from a file or an instance's metadata."""
import json
import urllib.parse
import urllib.request

import pytest
import servers as real
from servers import dynamodb

from harness.httpd import Httpd
from harness.origin import counting

MPMS = ("event", "prefork")
OPTIONS = {"without": ("cgid", "cgi")}
CONF = """
ServerName api.example
ProxyPass / {origin}/ retry=0
FCacheBackend far {store} open=50ms open-max=100ms failures=1000
FCacheEnable on
FCacheStore far
"""
FAULTS = (
    "ThrottlingException", "ProvisionedThroughputExceededException",
    "InternalServerError", "ServiceUnavailable", "ExpiredTokenException",
    "AccessDeniedException", "ResourceNotFoundException",
    "ValidationException", "no-json", "deep", "wrong-shape", "stranger",
    "huge", "cut", "cut-body")


class Service:
    """The service's URL, and what it is told."""

    def __init__(self, url):
        self.url = url
        self.options = dict(urllib.parse.parse_qsl(url.partition("?")[2]))

    def control(self, **wanted):
        request = urllib.request.Request(
            self.options["endpoint"] + "/_control",
            json.dumps(wanted).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["seen"]

    def of_instance(self):
        """The same, with the credentials of an instance's role."""
        options = {**self.options, "credentials": "imds",
                   "imds": self.options["endpoint"]}
        del options["credentials-file"]
        return dynamodb.url_of(dynamodb.TABLE, **options)


@pytest.fixture(scope="module", name="service")
def start_service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dynamodb")
    with real.start("dynamodb-verified", folder) as url:
        yield Service(url)


@pytest.fixture(scope="module", name="pair")
def start_pair(mpm, origin, service):
    """One server with the file's credentials, one with the instance's."""
    names = {"origin": f"http://127.0.0.1:{origin.port}",
             "store": service.url}
    with Httpd(CONF, mpm, names=names, **OPTIONS) as one:
        names["store"] = service.of_instance()
        with Httpd(CONF, mpm, names=names, **OPTIONS) as two:
            yield one, two


@pytest.fixture(autouse=True)
def well_again(service):
    yield
    service.control(faults=[], skew_s=0)


def fill(server, target):
    """The first answer, which is in the store soon after."""
    answer = server.get(target)
    server.wait_stored(target)
    return answer


def test_a_miss_on_one_is_a_hit_on_the_other(pair, origin, path):
    one, two = pair
    origin.on(path, counting())
    first = fill(one, path)
    assert first.cache == "MISS"
    for server in (two, one):
        answer = server.get(path)
        assert (answer.cache, answer.body) == ("HIT", first.body)
    assert origin.count(path) == 1


def test_a_write_through_one_is_seen_by_the_other(pair, origin, path):
    one, two = pair
    origin.on(path, counting())
    fill(one, path)
    assert two.get(path).cache == "HIT"
    assert one.post(path, b"x").status == 200
    assert two.get(path).cache == "MISS"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_fails_no_request(pair, origin, service, path, kind):
    one, two = pair
    origin.on(path, counting())
    fill(one, path)
    service.control(faults=[{"kind": kind, "times": -1}])
    for server in pair * 2:
        answer = server.get(path)
        assert answer.status == 200 and answer.body.startswith(b"body ")
        assert answer.cache in ("MISS", "BYPASS")
    service.control(faults=[])
    real.wait_for(lambda: one.get(path).cache == "HIT", "the store is back")
    real.wait_for(lambda: two.get(path).cache == "HIT", "the store is back")


def test_a_clock_that_is_wrong_is_corrected(pair, origin, service, path):
    one, _ = pair
    origin.on(path, counting())
    fill(one, path)
    service.control(skew_s=7200)
    assert one.get(path).cache == "HIT"
    assert "InvalidSignatureException" in service.control()


def test_no_secret_is_in_a_log(pair, service):
    service.control(faults=[{"kind": "ExpiredTokenException", "times": -1}])
    for server in pair:
        server.get("/secret")
        text = (server.root / "error.log").read_text(errors="replace")
        assert dynamodb.SECRET not in text
        assert "x-amz-security-token" not in text.lower()
        assert "Signature=" not in text


def test_graceful_restarts_keep_what_is_stored(pair, origin, path):
    one, _ = pair
    origin.on(path, counting())
    fill(one, path)
    one.graceful()
    assert one.get(path).cache == "HIT"
