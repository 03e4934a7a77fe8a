# SPDX-License-Identifier: Apache-2.0
"""Tags of answers: from fields and expressions, cleared as one."""
import pytest

from harness.origin import Reply, counting, ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
<Location /forward>
    FCacheTags Cache-Tag Surrogate-Key X-Labels forward
</Location>
<Location /labels>
    FCacheTags X-Labels
</Location>
<Location /off>
    FCacheTags off
</Location>
<Location /expr>
    FCacheTag "product-%{resp:X-Id}" "%{resp:X-More}" shop
</Location>
<Location /expr/none>
    FCacheTag off
</Location>
"""


def clear(httpd, tag):
    code, text = httpd.fcachectl("clear", "--tag", tag)
    assert code == 0, text


def cached_with(httpd, origin, path, *headers):
    origin.on(path, counting(*headers))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]


@pytest.mark.parametrize("name,value,tags", [
    ("Cache-Tag", "a,b, c", "abc"), ("Surrogate-Key", "a b c", "abc"),
    ("surrogate-key", "a  b,c", "abc")])
def test_a_field_names_tags(httpd, origin, path, name, value, tags):
    for tag in tags:
        cached_with(httpd, origin, path + tag, (name, value))
        clear(httpd, "other")
        assert httpd.get(path + tag).cache == "HIT"
        clear(httpd, tag)
        assert httpd.get(path + tag).cache == "MISS"


def test_one_tag_ends_many_urls_and_all_variants(httpd, origin, path):
    for i in range(5):
        cached_with(httpd, origin, f"{path}/{i}", ("Cache-Tag", f"all,n{i}"),
                    ("Vary", "Accept"))
        assert httpd.get(f"{path}/{i}", {"Accept": "x/y"}).cache == "MISS"
    clear(httpd, "n3")
    for accept in ({}, {"Accept": "x/y"}):
        assert [httpd.get(f"{path}/{i}", accept).cache for i in range(5)] == \
            ["HIT"] * 3 + ["MISS", "HIT"]
    clear(httpd, "all")
    for accept in ({}, {"Accept": "x/y"}):
        assert [httpd.get(f"{path}/{i}", accept).cache
                for i in range(5)] == ["MISS"] * 5


@pytest.mark.parametrize("scope,seen", [
    ("", {"Cache-Groups", "X-Labels"}),
    ("/forward", {"Cache-Tag", "Surrogate-Key", "Cache-Groups", "X-Labels"}),
    ("/labels", {"Cache-Tag", "Surrogate-Key", "Cache-Groups"}),
    ("/off", {"Cache-Tag", "Surrogate-Key", "Cache-Groups", "X-Labels"})])
def test_clients_see_what_is_not_stripped(httpd, origin, path, scope, seen):
    path = scope + path
    fields = (("Cache-Tag", "a"), ("Surrogate-Key", "b"),
              ("Cache-Groups", '"c"'), ("X-Labels", "d"))
    origin.on(path, ok("x", *fields))
    origin.on(path + "/not", ok("x", *fields, cc="no-store"))
    origin.on(path + "/again", ok("x", ("ETag", '"v"'), *fields, cc="no-cache"),
              Reply(304, (("ETag", '"v"'), *fields), framing="none"))
    answers = [httpd.get(path), httpd.get(path), httpd.get(path + "/not"),
               httpd.post(path, b"x"), httpd.get(path + "/again"),
               httpd.get(path + "/again")]
    assert [a.cache for a in answers] == ["MISS", "HIT", "MISS", "BYPASS",
                                          "MISS", "REVALIDATED"]
    for answer in answers:
        assert {n for n, _ in fields if answer.has(n)} == seen


def test_scopes_choose_their_fields(httpd, origin, path):
    for scope, tag, verdict in (("/labels", "l1", "MISS"),
                                ("/labels", "t1", "HIT"),
                                ("/off", "t1", "HIT"), ("", "l1", "HIT"),
                                ("/forward", "l1", "MISS"),
                                ("/forward", "t1", "MISS")):
        target = f"{scope}{path}/{tag}"
        cached_with(httpd, origin, target, ("Cache-Tag", "t1"),
                    ("X-Labels", "l1"))
        clear(httpd, tag)
        assert httpd.get(target).cache == verdict, (scope, tag)


@pytest.mark.parametrize("tag,verdict", [
    ("product-7", "MISS"), ("shop", "MISS"), ("m1", "MISS"), ("m2", "MISS"),
    ("product-", "HIT"), ("t", "MISS")])
def test_expressions_make_tags(httpd, origin, path, tag, verdict):
    target = "/expr" + path
    cached_with(httpd, origin, target, ("X-Id", "7"), ("X-More", "m1 m2"),
                ("Cache-Tag", "t"))
    clear(httpd, tag)
    assert httpd.get(target).cache == verdict
    target = "/expr/none" + path
    cached_with(httpd, origin, target)
    clear(httpd, "shop")
    assert httpd.get(target).cache == "HIT"


def test_expressions_do_not_make_answers_vary(httpd, origin, path):
    origin.on("/expr" + path, counting())
    assert not httpd.get("/expr" + path).has("Vary")


def test_a_304_adds_its_tags(httpd, origin, path):
    tag = ("ETag", '"v"')
    renewal = Reply(304, (tag, ("Cache-Control", "max-age=60"),
                          ("Cache-Tag", "new")), framing="none")
    for i, word in enumerate(("old", "new")):
        target = f"{path}/{i}"
        origin.on(target, ok("a", tag, ("Cache-Tag", "old"), cc="max-age=0"),
                  renewal, ok("b", tag))
        assert [httpd.get(target).cache for _ in "123"] == \
            ["MISS", "REVALIDATED", "HIT"]
        clear(httpd, word)
        answer = httpd.get(target)
        assert (answer.cache, answer.body) == ("MISS", b"b")


@pytest.mark.parametrize("value", [
    ",".join(f"t{i}" for i in range(64)), "x" * 1025])
def test_what_cannot_have_all_its_tags_is_not_stored(httpd, origin, path,
                                                     value):
    origin.on(path, counting(("Cache-Tag", value)))
    answers = [httpd.get(path) for _ in "12"]
    assert [a.cache for a in answers] == ["MISS", "MISS"]
    assert "detail=bad-fields" in answers[1].get("Cache-Status")


def test_a_write_ends_the_groups_it_names(httpd, origin, path):
    """RFC 9875 section 3."""
    groups = ("Cache-Groups", '"scripts", "styles";x=1')
    for i in "12":
        cached_with(httpd, origin, path + i, groups)
    cached_with(httpd, origin, path + "3", ("Cache-Groups", '"other"'))
    for target in (path + "1", path + "3"):
        assert httpd.get(target, host="localhost:81").cache == "MISS"
    origin.on(path, ok("x", ("Cache-Group-Invalidation", '"styles"'), cc=None))
    httpd.get(path)
    assert httpd.get(path + "1").cache == "HIT"
    httpd.post(path, b"x")
    assert [httpd.get(path + i).cache for i in "123"] == ["MISS", "MISS", "HIT"]
    assert httpd.get(path + "1", host="localhost:81").cache == "HIT"


@pytest.mark.parametrize("reply", [
    ok("x", ("Cache-Group-Invalidation", "g"), cc=None),
    ok("x", ("Cache-Group-Invalidation", '"g'), cc=None),
    Reply(500, (("Cache-Group-Invalidation", '"g"'),))])
def test_groups_stay_otherwise(httpd, origin, path, reply):
    cached_with(httpd, origin, path, ("Cache-Groups", '"g"'))
    origin.on(path + "/w", reply)
    httpd.post(path + "/w", b"x")
    assert httpd.get(path).cache == "HIT"
