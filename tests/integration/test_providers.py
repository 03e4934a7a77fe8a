# SPDX-License-Identifier: Apache-2.0
"""Key builders and coders that another httpd module registers."""
from harness import httpd as servers
from harness.origin import counting, ok

CONF = """
LoadModule fcache_example_module "{example}"
ProxyPass /functions !
ProxyPass /calls !
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /plan>
    FCacheKeyBuilder provider:plan
</Location>
<Location /both>
    FCacheKeyBuilder provider:plan query:drop=x
</Location>
<Location /mirror>
    FCacheCoder mirror
</Location>
<Location /functions>
    SetHandler fcache-example
</Location>
<Location /calls>
    FCacheEnable off
    SetHandler fcache-example-call
</Location>
"""


def names(_request):
    return {"example": servers.BUILD / "tests/providers/mod_fcache_example.so"}


def test_a_key_builder(httpd, origin, path):
    path = "/plan" + path
    origin.on(path, counting())
    cache = [httpd.get(path, {"X-Plan": plan} if plan else {}).cache
             for plan in ("a", "b", "a", "b", None, None)]
    assert cache == ["MISS", "MISS", "HIT", "HIT", "MISS", "HIT"]


def test_a_key_builder_that_refuses(httpd, origin, path):
    path = "/plan" + path
    origin.on(path, counting())
    for _ in range(2):
        assert httpd.get(path, {"X-Plan": "secret"}).cache == "BYPASS"
    assert origin.count(path) == 2


def test_a_key_builder_beside_rules(httpd, origin, path):
    path = "/both" + path
    origin.on(path, counting())
    assert httpd.get(path + "?x=1", {"X-Plan": "a"}).cache == "MISS"
    assert httpd.get(path + "?x=2", {"X-Plan": "a"}).cache == "HIT"
    assert httpd.get(path + "?x=2", {"X-Plan": "b"}).cache == "MISS"


def test_a_coder(httpd, origin, path):
    path = "/mirror" + path
    body = bytes(range(256)) * 300
    origin.on(path, lambda r: ok(body))
    first = httpd.get(path)
    again = httpd.get(path)
    assert (first.cache, again.cache) == ("MISS", "HIT")
    assert first.body == again.body == body
    code, text = httpd.fcachectl("--json", "ls", "--long")
    assert code == 0, text
    assert '"mirror"' in text


def test_functions(httpd, origin, path):
    origin.on(path, counting(("Cache-Tag", "a-tag")))
    for query, said, verdict in (
            ("tag=other", b"OK 1 ", "HIT"), ("tag=a-tag", b"OK 1 ", "MISS"),
            (f"url=http://localhost{path}", b"OK 1 ", "MISS"),
            ("prefix", b"OK 1 ", "MISS"), ("all", b"OK 1 ", "MISS"),
            ("tag=", b"BAD_INPUT 1 a tag is", "HIT"),
            ("colour=red", b"BAD_INPUT 1 'colour' is no kind", "HIT")):
        httpd.get(path)
        answer = httpd.get("/functions?" + query)
        assert answer.body.startswith(said), (query, answer.body)
        assert httpd.get(path).cache == verdict
        assert httpd.fcachectl("get", "-n", "example", "example") == (0, query)


def test_results_of_functions(httpd):
    computed, first = httpd.get("/calls?a").body.split(b", ")
    kept, second = httpd.get("/calls?a").body.split(b", ")
    other, _third = httpd.get("/calls?b").body.split(b", ")
    assert (computed, kept, other) == (b"computed", b"from the cache",
                                       b"computed")
    assert first == second
