# SPDX-License-Identifier: Apache-2.0
"""Requests inside of requests: what a page includes goes round the cache, and
the page is an answer like any other."""
from harness.httpd import apxs
from harness.origin import counting

CONF = f"""
LoadModule include_module "{apxs('LIBEXECDIR')}/mod_include.so"
ProxyPass /part/ {{origin}}/ retry=0
FCacheEnable on
FCacheExpire 60
<Directory "{{root}}/htdocs">
    Options +Includes
    SetOutputFilter INCLUDES
</Directory>
"""


def prepare(server):
    for name in ("page.html", "other.html"):
        server.file(name, 'before <!--#include virtual="/part/a" --> after')


def test_a_page_with_parts(httpd, origin):
    origin.on("/a", counting())
    pages = [httpd.get("/page.html") for _ in "12"]
    for number, page in enumerate(pages, 1):
        assert page.body == b"before body %d after" % number
    assert [page.cache for page in pages] == ["MISS", "HIT"]
    part = httpd.get("/part/a")
    assert (part.cache, part.body) == ("MISS", b"body 3")
    assert httpd.get("/part/a").cache == "HIT"
    assert httpd.get("/other.html").body == b"before body 4 after"
