# SPDX-License-Identifier: Apache-2.0
"""FCacheInvalidate: what a write that succeeds makes stale."""
import pytest

from harness.origin import Reply, counting, ok

CONF = """
ScriptAlias /cgi/ "{root}/cgi/"
<Directory "{root}/cgi">
    Require all granted
    Options ExecCGI
</Directory>
ProxyPass /cgi/ !
ProxyPass / {origin}/ retry=0
FCacheEnable on
FCacheInvalidate tag:everything
<Location /list>
    FCacheNamespace list
</Location>
<Location /w/tag>
    FCacheInvalidate tag:products
</Location>
<Location /w/two>
    FCacheInvalidate tag:products namespace:list
    FCacheInvalidate tag:other expr=false
</Location>
<Location /w/url>
    FCacheInvalidate "url:/shown?id=%{resp:X-Id}"
</Location>
<Location /w/value>
    FCacheInvalidate "tag:%{resp:X-Tags}"
</Location>
<Location /w/soft>
    FCacheInvalidate tag:products soft
    FCacheStale while-revalidate=1h
</Location>
<Location /w/when>
    FCacheInvalidate tag:products "expr=%{REQUEST_METHOD} == 'PUT'"
</Location>
<Location /w/uncached>
    FCacheEnable off
    FCacheInvalidate tag:products
</Location>
<Location /w/off>
    FCacheInvalidate off
</Location>
<Location /w/query>
    FCacheMethods GET POST
    FCacheInvalidate tag:products
</Location>
<Location /w/ns>
    FCacheInvalidate "namespace:%{resp:X-Space}"
</Location>
<Location /cgi/>
    FCacheEnable off
    FCacheInvalidate tag:products
</Location>
"""


def prepare(server):
    folder = server.root / "cgi"
    folder.mkdir()
    script = folder / "moved"
    script.write_text("#!/bin/sh\necho 'Location: http://localhost/x'\necho\n")
    script.chmod(0o755)


@pytest.fixture
def products(httpd, origin, path):
    """A URL with a tag that is in the cache."""
    origin.on(path, counting(("Cache-Tag", "products, " + path.strip("/"))))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    return path


@pytest.mark.parametrize("scope", ["/w/tag", "/w/two", "/w/uncached"])
@pytest.mark.parametrize("method,reply,verdict", [
    ("POST", ok("x", cc=None), "MISS"), ("PUT", Reply(204), "MISS"),
    ("DELETE", Reply(303, (("Location", "/x"),)), "MISS"),
    ("PATCH", Reply(201), "MISS"), ("GET", ok("x", cc=None), "HIT"),
    ("HEAD", ok("", cc=None), "HIT"), ("OPTIONS", ok("x", cc=None), "HIT"),
    ("POST", Reply(400), "HIT"), ("POST", Reply(500), "HIT"),
    ("POST", Reply(404), "HIT")])
def test_a_write_that_succeeds_clears(httpd, origin, products, scope, method,
                                      reply, verdict):
    origin.on(scope + products, reply)
    httpd.get(scope + products, method=method)
    assert httpd.get(products).cache == verdict


def test_a_namespace_goes_too(httpd, origin, products):
    listed = "/list" + products
    origin.on(listed, counting())
    assert [httpd.get(listed).cache for _ in "12"] == ["MISS", "HIT"]
    origin.on("/w/*", ok("x", cc=None))
    httpd.post("/w/tag" + products, b"")
    assert httpd.get(listed).cache == "HIT"
    httpd.post("/w/two" + products, b"")
    assert httpd.get(listed).cache == "MISS"


def test_a_url_of_the_host_goes(httpd, origin, products):
    for query in ("id=1", "id=2"):
        origin.on("/shown", counting())
        httpd.get("/shown?" + query)
        assert httpd.get("/shown?" + query).cache == "HIT"
    origin.on("/w/url" + products, ok("x", ("X-Id", "2"), cc=None))
    httpd.post("/w/url" + products, b"")
    assert httpd.get("/shown?id=1").cache == "HIT"
    assert httpd.get("/shown?id=2").cache == "MISS"


@pytest.mark.parametrize("value,verdict", [
    ("{own}", "MISS"), ("a,{own} b", "MISS"), ("", "HIT"), ("{own}x", "HIT")])
def test_a_tag_is_made_of_the_answer(httpd, origin, products, value, verdict):
    own = products.strip("/")
    target = "/w/value" + products
    origin.on(target, ok("x", ("X-Tags", value.format(own=own)), cc=None))
    httpd.post(target, b"")
    assert httpd.get(products).cache == verdict


def test_a_name_that_cannot_be_is_told(httpd, origin, products):
    target = "/w/ns" + products
    origin.on(target, ok("x", ("X-Space", "a/b"), cc=None))
    httpd.log.expect("FC0107: .* namespace:a/b: not cleared: a namespace is")
    assert httpd.post(target, b"").status == 200


def test_a_condition_is_asked(httpd, origin, products):
    target = "/w/when" + products
    origin.on(target, ok("x", cc=None))
    httpd.post(target, b"")
    assert httpd.get(products).cache == "HIT"
    httpd.get(target, method="PUT")
    assert httpd.get(products).cache == "MISS"


def test_soft_is_stale(httpd, origin, path):
    read = "/w/soft" + path
    origin.on(read, counting(("Cache-Tag", "products"), ("ETag", '"v"')))
    assert [httpd.get(read).cache for _ in "12"] == ["MISS", "HIT"]
    origin.on(read + "/w", ok("x", cc=None))
    httpd.post(read + "/w", b"")
    answer = httpd.get(read)
    assert (answer.cache, answer.body) == ("STALE", b"body 1")


def test_scopes_override_and_turn_off(httpd, origin, path):
    origin.on(path, counting(("Cache-Tag", "everything")))
    origin.on("/w/*", ok("x", cc=None))
    origin.on("/v" + path, ok("x", cc=None))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    httpd.post("/w/off" + path, b"")
    httpd.post("/w/tag" + path, b"")
    assert httpd.get(path).cache == "HIT"
    httpd.post("/v" + path, b"")
    assert httpd.get(path).cache == "MISS"


def test_a_post_that_is_cached_is_no_write(httpd, origin, products):
    target = "/w/query" + products
    origin.on(target, ok("x"))
    assert httpd.post(target, b"q").cache == "MISS"
    assert httpd.get(products).cache == "HIT"
    httpd.get(target, method="PUT")
    assert httpd.get(products).cache == "MISS"


def test_a_redirect_that_httpd_answers_counts(httpd, products):
    assert httpd.get("/cgi/moved").status == 302
    assert httpd.get(products).cache == "HIT"
    assert httpd.post("/cgi/moved", b"").status == 302
    assert httpd.get(products).cache == "MISS"


def test_it_is_cleared_before_the_client_has_the_answer(httpd, origin, path):
    """Whoever knows that the write is done does not see what was before."""
    for i in range(200):
        target = f"{path}/{i}"
        origin.on(target, counting(("Cache-Tag", "products")))
        origin.on("/w/tag" + target, ok("x", cc=None))
        httpd.get(target)
        httpd.post("/w/tag" + target, b"")
        assert httpd.get(target).body == b"body 2"
