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
                          ("dcz, gzip", "dcz"), ("*, br;q=0", "br")):
        for verdict in ("MISS", "HIT"):
            got = httpd.get(path, {"Accept-Encoding": asked})
            assert (got.cache, got.get("Content-Encoding")) == (
                verdict, coding), asked
