# SPDX-License-Identifier: Apache-2.0
"""What fcache-admin tells of namespaces: every request and entry once, by the
namespace of its scope, in rows that only the configuration makes."""
from concurrent.futures import ThreadPoolExecutor
import json
import subprocess
import time

from harness.httpd import Httpd
from harness.origin import Reply, counting, ok

ROWS = 255  # with a name; the others are counted together
NAMED = ("verdicts", "behind", "many", "known", "redirected", "away")
CONF = """
ProxyPass /adm !
ProxyPass /redirected !
ProxyPass / {origin}/ retry=0
FCacheEnable on
RewriteEngine on
RewriteRule ^/many/[0-9]+$ /many/all [PT]
<Location /adm>
    FCacheEnable off
    SetHandler fcache-admin
    Require local
</Location>
ErrorDocument 502 /redirected
""" + "".join(f"""
<Location /{name}>
    FCacheNamespace {name}
</Location>
""" for name in NAMED)
NONE = dict.fromkeys(("requests", "hits", "stale", "revalidated", "misses",
                      "bypassed", "errors", "stores"), 0) | {"hit_ratio": None}


def told(server):
    answer = json.loads(server.get("/adm?format=json").body)
    return answer["namespaces"]


def until(server, name, **counts):
    """A request is counted when its client has the answer, so soon after."""
    want = NONE | {"name": name} | counts
    deadline = time.monotonic() + 10
    while True:
        row = next(row for row in told(server) if row["name"] == name)
        if row == want:
            return
        assert time.monotonic() < deadline, f"{row}, not {want}"
        time.sleep(0.02)


def confirmed(request):
    if request.get("If-None-Match"):
        return Reply(304, (("Cache-Control", "max-age=0"), ("ETag", '"1"')),
                     framing="none")
    return ok("x", ("ETag", '"1"'), cc="max-age=0")


def test_every_verdict_is_counted_where_it_belongs(httpd, origin):
    until(httpd, "verdicts")
    origin.on("/verdicts/a", ok())
    origin.on("/verdicts/b", confirmed)
    origin.on("/verdicts/c", ok(cc="no-store"))
    assert [httpd.get("/verdicts/a").cache for _ in "1234"] == [
        "MISS", "HIT", "HIT", "HIT"]
    until(httpd, "verdicts", requests=4, misses=1, hits=3, stores=1,
          hit_ratio=0.75)
    assert [httpd.get("/verdicts/b").cache for _ in "12"] == [
        "MISS", "REVALIDATED"]
    assert httpd.get("/verdicts/c").cache == "MISS"
    assert httpd.post("/verdicts/c").cache == "BYPASS"
    assert httpd.get("/verdicts/d",
                     {"Cache-Control": "only-if-cached"}).status == 504
    until(httpd, "verdicts", requests=9, misses=3, hits=3, revalidated=1,
          bypassed=1, errors=1, stores=3, hit_ratio=3 / 7)


def test_a_refresh_behind_is_no_request(httpd, origin):
    origin.on("/behind/a", counting(
        ("Age", "20"), cc="max-age=10, stale-while-revalidate=600"))
    assert [httpd.get("/behind/a").cache for _ in "12"] == ["MISS", "STALE"]
    until(httpd, "behind", requests=2, misses=1, stale=1, stores=2,
          hit_ratio=0.5)


def test_none_is_lost_among_workers(httpd, origin):
    origin.on("/many/all", ok())
    assert httpd.get("/many/all").cache == "MISS"

    def ask(worker):
        with httpd.connect() as connection:
            return [connection.request("/many/all").cache
                    for _ in range(50 + worker)]
    with ThreadPoolExecutor(8) as pool:
        verdicts = sum(pool.map(ask, range(8)), [])
    assert verdicts == ["HIT"] * 428
    until(httpd, "many", requests=429, misses=1, hits=428, stores=1,
          hit_ratio=428 / 429)


def test_an_error_document_is_no_second_request(httpd, origin):
    origin.on("/away/x", Reply(drop=True))
    httpd.log.allow("AH01102", "AH00898", "AH00128")
    assert httpd.get("/away/x").status in (502, 404)
    until(httpd, "away", requests=1, misses=1, hit_ratio=0.0)
    until(httpd, "redirected")


def test_no_request_makes_a_row(httpd, origin):
    names = {row["name"] for row in told(httpd)}
    assert names == {"default", *NAMED}
    origin.on("/known/*", ok("x", ("Cache-Tag", "other"),
                             ("X-Namespace", "made-up")))
    for i in range(300):
        httpd.get(f"/known/{i}?namespace=made-up-{i}",
                  {"X-Namespace": f"made-up-{i}"}, host=f"h{i}.example")
    until(httpd, "known", requests=300, misses=300, stores=300, hit_ratio=0.0)
    assert {row["name"] for row in told(httpd)} == names


def test_most_requests_first(httpd):
    rows = told(httpd)
    assert rows == sorted(rows, key=lambda r: (-r["requests"], r["name"]))
    assert rows[0]["requests"] > 0


def test_prometheus_reads_them(httpd):
    text = httpd.get("/adm?format=prometheus").body
    done = subprocess.run(["promtool", "check", "metrics"], check=False,
                          input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, b"")
    samples = dict(line.rsplit(" ", 1) for line in text.decode().splitlines()
                   if line.startswith("fcache_namespace_"))
    rows = told(httpd)
    assert len(samples) == 7 * len(rows)
    for row in rows:
        for name in NONE.keys() - {"requests", "hit_ratio"}:
            assert samples[f"fcache_namespace_{name}_total"
                           f'{{namespace="{row["name"]}"}}'] == str(row[name])


def test_those_without_a_row_are_counted_together(origin, mpm):
    """`default` has one of the rows."""
    names = [f"n-{i}" for i in range(ROWS + 5)]
    conf = "".join(f"<Location /{name}>\nFCacheNamespace {name}\n</Location>\n"
                   for name in names)
    origin.on("/n-*", ok())
    with Httpd(CONF + conf, mpm,
               names={"origin": f"http://127.0.0.1:{origin.port}"}) as server:
        for name in names:
            assert server.get(f"/{name}").cache == "MISS"
        have = ROWS - 1 - len(NAMED)
        for name in names[:have]:
            until(server, name, requests=1, misses=1, stores=1, hit_ratio=0.0)
        rest = len(names) - have
        until(server, "(other)", requests=rest, misses=rest, stores=rest,
              hit_ratio=0.0)
        assert len(told(server)) == ROWS + 1
