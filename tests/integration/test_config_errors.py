# SPDX-License-Identifier: Apache-2.0
"""httpd -t refuses each bad value, and says: the directive, the value, what
is allowed."""
import re

import pytest

from harness.httpd import Httpd, SOURCE

MPMS = ("event",)

# directive, bad arguments, a piece of what must be said to be allowed
BAD = [
    ("FCacheEnable", "maybe", "on|off"),
    ("FCacheEnable", "on off", "on|off"),
    ("FCacheEnable", "", "on|off"),
    ("FCacheBackend", "x", "NAME URL"),
    ("FCacheBackend", '"bad name" memory:', "NAME"),
    ("FCacheBackend", "x nosuch:", "memory"),
    ("FCacheBackend", "x memory: size=lots", "size"),
    ("FCacheBackend", "x memory: size=1", "size"),
    ("FCacheBackend", "x memory: colour=red", "size"),
    ("FCacheBackend", "x memory: size", "option=value"),
    ("FCacheBackend", "x memory:\nFCacheBackend x memory:", "defined before"),
    ("FCacheStore", "nosuch", "FCacheBackend"),
    ("FCacheStore", '"a b"', "NAME"),
    ("FCacheSecretFile", '""', "PATH"),
    ("FCacheEncrypt", "maybe", "on|off"),
    ("FCacheIntegrity", "strict", "on|off"),
    ("FCachePrefix", '"a:b"', "[A-Za-z0-9._-]"),
    ("FCachePrefix", "p" * 65, "64"),
    ("FCachePrefix", '""', "[A-Za-z0-9._-]"),
    ("FCacheNamespace", '"n s"', "[A-Za-z0-9._-]"),
    ("FCacheNamespace", "n" * 65, "64"),
    ("FCacheLock", "maybe", "on|off"),
    ("FCacheLock", "wait=2s", "on|off"),
    ("FCacheLock", "off wait=2s", "on|off"),
    ("FCacheLock", "on wait=soon", "wait=TIME"),
    ("FCacheLock", "on wait=61s", "60s"),
    ("FCacheLock", "on wait=1ms", "10ms"),
    ("FCacheLock", "on lease=601s", "600s"),
    ("FCacheLock", "on hold=1s", "lease=TIME"),
    ("FCacheEarlyRefresh", "on", "1% to 50%"),
    ("FCacheEarlyRefresh", "0%", "1% to 50%"),
    ("FCacheEarlyRefresh", "51%", "1% to 50%"),
    ("FCacheEarlyRefresh", "5", "1% to 50%"),
    ("FCacheJitter", "100%", "1% to 50%"),
    ("FCacheJitter", "-1%", "1% to 50%"),
    ("FCacheExpire", "soon", "TIME"),
    ("FCacheExpire", "-5", "TIME"),
    ("FCacheExpire", "500ms", "TIME"),
    ("FCacheExpire", "5x", "TIME"),
    ("FCacheExpire", "99999999999999999999", "TIME"),
    ("FCacheExpire", "60 forced", "force"),
    ("FCacheExpire", "origin force", "TIME"),
    ("FCacheExpire", "60 404", "STATUS=TIME"),
    ("FCacheExpire", "60 999=5", "404"),
    ("FCacheExpire", "60 4x=5", "404"),
    ("FCacheExpire", "60 404=x", "TIME"),
    ("FCacheMaxExpire", "0", "TIME"),
    ("FCacheMaxExpire", "origin", "TIME"),
    ("FCacheCoder", "pickle", "http"),
    ("FCacheKeyBuilder", "query:shuffle", "query"),
    ("FCacheKeyBuilder", "header:", "header"),
    ("FCacheKeyBuilder", '"header:a b"', "header"),
    ("FCacheKeyBuilder", "colour", "query"),
    ("FCacheKeyBuilder", "provider:nosuch", "provider"),
    ("FCacheKeyBuilder", '"expr=%{HTTP:"', "RULE"),
    ("FCacheKeyBuilder", "expr=%{nosuchfunction:x}", "RULE"),
    ("FCacheStatusHeader", '"X Y"', "on|off|NAME"),
    ("FCacheStatusHeader", '"X:"', "on|off|NAME"),
    ("FCacheStatusHeader", "Set-Cookie", "on|off|NAME"),
    ("FCacheStatusHeader", "content-length", "on|off|NAME"),
    ("FCacheStatusHeader", "Connection", "on|off|NAME"),
    ("FCacheCacheStatus", "\"\"", "on|off|NAME"),
    ("FCacheCacheStatus", "x" * 65, "on|off|NAME"),
    ("FCacheDebug", "me", "on|off|expr="),
    ("FCacheDebug", '"expr=%{HTTP:"', "on|off|expr="),
    ("FCacheDebug", "expr=nosuch('x')", "on|off|expr="),
    ("FCacheStoreIf", "never", "on|off|expr="),
    ("FCacheStoreIf", '"expr=%{resp:"', "on|off|expr="),
    ("FCacheEnvPrefix", '"A B"', "none"),
    ("FCacheEnvPrefix", "1A", "none"),
    ("FCacheClientCacheControl", "drop", "keep|unset|set"),
    ("FCacheClientCacheControl", "keep x", "keep|unset|set"),
    ("FCacheETag", "strong", "on|off"),
    ("FCacheMethods", '"GE T"', "GET"),
    ("FCacheMethods", "HEAD", "GET"),
    ("FCachePostReuse", "maybe", "on|off"),
    ("FCachePartial", "half", "on|off"),
    ("FCacheMaxRequestBody", "much", "SIZE"),
    ("FCacheMaxRequestBody", "1G", "16M"),
    ("FCacheMaxObject", "-1", "SIZE"),
    ("FCacheMaxObject", "1Q", "SIZE"),
    ("FCacheMaxObject", "18446744073709551616", "SIZE"),
    ("FCacheSetCookie", "eat", "refuse|strip|store"),
    ("FCacheAuthorization", "always", "rfc|never"),
    ("FCacheErrorStatus", "200", "400"),
    ("FCacheErrorStatus", "teapot", "none|all"),
    ("FCacheErrorStatus", "600", "599"),
    ("FCacheRequestControl", "obey", "honor|ignore|refresh-only"),
    ("FCacheStale", "maybe", "while-revalidate=TIME"),
    ("FCacheStale", "while-revalidate=0", "TIME"),
    ("FCacheStale", "while-revalidate=soon", "TIME"),
    ("FCacheStale", "if-error=25h", "24h"),
    ("FCacheStale", "if-error=5 off", "if-error=TIME"),
    ("FCacheStale", "origin if-error=5", "origin"),
    ("FCachePostReuse", "perhaps", "on|off"),
    ("FCacheBadAge", "fresh", "stale|ignore"),
    ("FCacheHeuristic", "clever", "on|off"),
    ("FCacheTags", "off X-A", "off stands alone"),
    ("FCacheTags", "strip X-A", "strip or forward comes last"),
    ("FCacheTags", '"X A"', "not the name of a field"),
    ("FCacheTag", '"%{"', "off|EXPRESSION"),
    ("FCacheInvalidate", "soft", "nothing to clear"),
    ("FCacheInvalidate", "all", "tag:TAG"),
    ("FCacheInvalidate", "key:x", "tag:TAG"),
    ("FCacheInvalidate", "tag:,", "a tag is"),
    ("FCacheInvalidate", "namespace:a/b", "a namespace is"),
    ("FCacheInvalidate", "url:x", "a URL begins with"),
    ("FCacheInvalidate", "tag:x expr=((", "tag:TAG"),
    ("FCachePurge", "soft", "on|off"),
]

GOOD = """
FCacheBackend one memory: size=8M
FCacheBackend two "memory:?size=16M"
FCachePrefix A-Z.a_z-0
FCacheEnable On
<VirtualHost *:{port}>
    FCachePrefix other
    <Location /x>
        FCacheStore two
        FCacheNamespace n
        FCacheExpire 5m force 404=30s 5xx=1s
        FCacheMaxExpire 7d
        FCacheCoder http
        FCacheKeyBuilder query:sort header:Accept cookie:a env:E user body
        FCacheStatusHeader X-C
        FCacheEnvPrefix none
        FCacheClientCacheControl set "public, max-age=5"
        FCacheETag off
        FCacheMethods GET POST QUERY
        FCacheMaxRequestBody 16M
        FCacheMaxObject 1G
        FCacheSetCookie strip
        FCacheAuthorization never
        FCacheErrorStatus 404 410 500
        FCacheRequestControl refresh-only
        FCacheHeuristic off
        FCacheTags X-A X-B forward
        FCacheTags off
        FCacheTag a "b-%{resp:X}"
        FCacheInvalidate tag:a,b namespace:n url:/x soft expr=true
        FCacheInvalidate "tag:%{resp:X}" url:http://h/x
        FCachePurge off
        FCacheStale while-revalidate=5m if-error=24h
        FCacheStale if-error=1
        FCacheStale off
        FCacheStale origin
    </Location>
    <Directory "{root}/htdocs">
        FCacheExpire origin 4xx=5
        FCacheErrorStatus none
    </Directory>
</VirtualHost>
"""


def check(conf):
    server = Httpd(conf)
    try:
        return server.check()
    finally:
        server.remove()


@pytest.mark.parametrize("name,value,allowed", BAD,
                         ids=[f"{n} {v[:24]}" for n, v, _ in BAD])
def test_a_bad_value_is_refused_and_explained(name, value, allowed):
    code, said = check(f"{name} {value}\n")
    assert code != 0, "accepted"
    assert name in said
    assert allowed in said
    words = re.findall(r'"[^"]*"|\S+', value.split("\n")[0])
    if words:
        bad = words[-1].strip('"').partition("memory:")[0]
        assert bad.removesuffix("=red")[:40] in said


def test_good_values_are_taken():
    code, said = check(GOOD)
    assert (code, said.strip().splitlines()[-1]) == (0, "Syntax OK")


@pytest.mark.parametrize("line", ["FCacheBackend x memory:",
                                  "FCachePrefix x"])
def test_server_directives_are_refused_in_a_location(line):
    code, said = check(f"<Location /x>\n{line}\n</Location>\n")
    assert code != 0
    assert f"{line.split()[0]} not allowed in <Location>" in said


def test_backends_are_the_main_servers():
    code, said = check("<VirtualHost *:{port}>\nFCacheBackend x memory:\n"
                       "</VirtualHost>\n")
    assert code != 0 and "FCacheBackend" in said


@pytest.mark.parametrize("line", ["FCacheSecretFile /x", "FCacheEncrypt off",
                                  "FCacheIntegrity off"])
def test_protection_is_the_whole_servers(line):
    code, said = check("<VirtualHost *:{port}>\n%s\n</VirtualHost>\n" % line)
    assert code != 0
    assert line.split()[0] in said and "virtual host" in said


def test_an_error_in_a_store_names_file_and_line():
    code, said = check("# one\n\nFCacheBackend x memory: size=1\n")
    assert code != 0
    assert re.search(r'/httpd\.conf:\d+: FCacheBackend "x": memory: size=1 is',
                     said), said


def test_lax_request_parsing_is_refused():
    """T13: a cache on top of lenient parsing spreads smuggled answers."""
    code, said = check("HttpProtocolOptions Unsafe\nFCacheEnable on\n")
    assert code != 0
    assert "HttpProtocolOptions" in said


def test_every_directive_is_in_the_table():
    """A directive without a row here is not tested."""
    text = (SOURCE / "mod_fcache/directives.def").read_text()
    names = set(re.findall(r"^DIRECTIVE\((\w+)", text, re.M))
    assert len(names) > 15
    assert names | {"FCacheBackend"} == {name for name, _, _ in BAD}
