# SPDX-License-Identifier: Apache-2.0
"""Negotiated answers: languages and codings."""
import itertools

import pytest

from harness.origin import ok

CONF = """
ProxyPass / {origin}/ retry=0
FCacheEnable on
"""
CODINGS = ("gzip", "br", "deflate", "zstd", "identity")


def told(httpd, path, **fields):
    answer = httpd.get(path, {name.replace("_", "-"): value
                              for name, value in fields.items()})
    return answer.cache, answer.body.decode()


def in_german(request):
    """Content in German for whoever takes that, else in English."""
    asked = request.get("Accept-Language") or ""
    language = "de" if "de" in asked else "en"
    return ok(f"{language} for {asked}", ("Vary", "Accept-Language"),
              ("Content-Language", language))


def test_the_language_wanted_most(httpd, origin, path):
    """RFC 9111 section 4.1: the others that a client would take do not
    matter when the one it wants before them is stored."""
    origin.on(path, in_german)
    assert told(httpd, path, Accept_Language="en, de") == (
        "MISS", "de for en, de")
    for asked in ("en, de", "EN , de", "de", "fr;q=0.5, de;q=1.0",
                  "*;q=0.1, de"):
        assert told(httpd, path, Accept_Language=asked) == (
            "HIT", "de for en, de"), asked
    for asked in ("de, fr", "it, de;q=0.9", "en"):
        assert told(httpd, path, Accept_Language=asked)[0] == "MISS", asked
    assert told(httpd, path, Accept_Language="en;q=0.9, fr;q=0.8") == (
        "HIT", "en for en")


def test_a_write_forgets_all_languages(httpd, origin, path):
    origin.on(path, in_german)
    told(httpd, path, Accept_Language="en, de")
    assert told(httpd, path, Accept_Language="de")[0] == "HIT"
    assert httpd.get(path, method="PUT", body=b"x").status == 200
    assert told(httpd, path, Accept_Language="de")[0] == "MISS"


@pytest.mark.parametrize("vary", [True, False])
def test_t17_codings_never_mix(httpd, origin, path, vary):
    """Five codings, each asked for before and after each other: nobody gets
    one that was not named, whether the origin says Vary or not."""
    def answer(request):
        coding = request.get("Accept-Encoding")
        fields = [("Vary", "Accept-Encoding")] if vary else []
        if coding != "identity":
            fields.append(("Content-Encoding", coding))
        return ok(f"in {coding}", *fields)
    origin.on(path + "*", answer)
    for first, second in itertools.product(CODINGS, repeat=2):
        target = f"{path}/{first}/{second}"
        for coding in (first, second, first, second):
            got = httpd.get(target, {"Accept-Encoding": coding})
            assert (got.get("Content-Encoding") or "identity",
                    got.body.decode()) in (
                (coding, f"in {coding}"), ("identity", "in identity")), target
        if vary:
            assert got.cache == "HIT" and got.body.decode() == f"in {second}"


def test_t17_a_coding_that_we_do_not_know(httpd, origin, path):
    """Nor one that the origin made out of a field that is malformed."""
    def answer(request):
        asked = request.get("Accept-Encoding")
        coding = next((c for c in ("dcz", "br") if c in asked), None)
        return ok(f"in {coding}", ("Vary", "Accept-Encoding"),
                  *([("Content-Encoding", coding)] if coding else []))
    origin.on(path, answer)
    for asked, coding in (("gzip, dcz", "dcz"), ("br;q=high", "br"),
                          ("gzip", None), ("identity", None), ("foo", None),
                          ("dcz", "dcz"), ("*, br;q=0", "br")):
        for verdict in ("MISS", "HIT"):
            got = httpd.get(path, {"Accept-Encoding": asked})
            assert (got.cache, got.get("Content-Encoding")) == (
                verdict, coding), asked


@pytest.mark.parametrize("name,odd,usual", [
    ("Origin", "https://a.example,", "https://a.example"),
    ("HX-Request", "true,", "true"),
    ("RSC", ",1", "1"),
    ("X-Part", "a,,b", "a,b"),
    ("X-Part", ",", ""),
    ("User-Agent", "A (KHTML,like Gecko)", "A (KHTML, like Gecko)"),
    ("User-Agent", "a , b", "a, b"),
    ("Accept", "Application/JSON", "application/json"),
    ("Accept", "a/b;;q=1", "a/b;q=1"),
    ("Accept", "text/plain, application/json", "application/json, text/plain"),
    ("Accept-Encoding", "gzip,", "gzip"),
    ("Accept-Encoding", "gzip;q=0", "identity"),
    ("Accept-Encoding", "gzip;q=0, foo", "foo"),
    ("Accept-Encoding", "dcz;q=0, gzip", "gzip"),
    ("Accept-Encoding", "gzip;Q=0", "gzip;q=0"),
    ("Accept-Language", "de,", "de"),
    ("Accept-Language", "de;", "de"),
    ("Accept-Language", "de;q=1;q=0", "de;q=0"),
    ("Accept-Language", "de;x=y", "de"),
    ("Accept-Charset", "utf-8 ;", "utf-8"),
])
def test_t1_what_an_origin_may_tell_apart_is_kept_apart(httpd, origin, path,
                                                        name, odd, usual):
    """It may compare bytes, or find names in them: nobody chooses by an odd
    spelling what those get who spell it as usual."""
    origin.on(path, lambda request: ok(f"for {request.get(name)}",
                                       ("Vary", name)))
    for verdict in ("MISS", "HIT"):
        for value in (odd, usual):
            assert told(httpd, path, **{name: value}) == (
                verdict, f"for {value}")


def test_lists_of_tokens(httpd, origin, path):
    origin.on(path, lambda request: ok(f"for {request.get('X-Parts')}",
                                       ("Vary", "X-Parts")))
    fields = [[("X-Parts", value) for value in values]
              for values in (("a,b",), ("a , b",), ("a\t,  b ",), ("a", "b"))]
    assert [httpd.get(path, each).cache for each in fields] == [
        "MISS", "HIT", "HIT", "HIT"]


def test_the_clients_address(httpd, origin, path):
    """mod_proxy puts it into X-Forwarded-For when the variant is chosen."""
    origin.on(path, lambda request: ok(request.get("X-Forwarded-For"),
                                       ("Vary", "X-Forwarded-For")))
    for client in ("127.0.0.1", "127.0.0.2") * 2:
        answer = httpd.get(path, source=client)
        assert (answer.cache, answer.body.decode()) == ("MISS", client)
        assert "detail=vary-any" in answer.get("Cache-Status")
