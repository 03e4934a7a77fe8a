# SPDX-License-Identifier: Apache-2.0
"""The page of fcache-admin in a browser, with traffic; its pictures are kept in
artefacts/ of the build."""
import pytest

from harness.browser import Browser
from harness.httpd import BUILD
from harness.origin import counting, ok

MPMS = ("event",)
CONF = """
ProxyPass /adm !
ProxyPass / {origin}/ retry=0
FCacheBackend default memory: size=16M
FCacheBackend far redis://127.0.0.1:{port3} failures=1
FCacheBackend fast tiered: l1=default l2=far
FCacheEnable on
<Location /adm>
    SetHandler fcache-admin
    Require local
</Location>
<Location /far>
    FCacheStore far
    FCacheNamespace away
</Location>
<Location /busy>
    FCacheNamespace items
</Location>
"""
TEXT = "return document.body.innerText"


NAMES = ("return [...document.querySelectorAll('#namespaces tr')].slice(1)"
         ".map(tr => tr.cells[0].innerText)")
POINTS = "return document.querySelectorAll('#ratio polyline').length"


def traffic(httpd, origin, path):
    """Hits, misses, and a store that is down."""
    origin.on(path + "*", counting(("Cache-Tag", "products")))
    for i in range(40):
        httpd.get(f"{path}/{i % 9}")
    httpd.get("/far" + path)
    origin.on("/busy/*", ok("x"))
    with httpd.connect() as connection:
        for i in range(90):
            connection.request(f"/busy/{i % 7}")


@pytest.mark.parametrize("name,size,dark", [
    ("page", (1100, 1300), False), ("page-dark", (1100, 1300), True),
    ("page-phone", (390, 844), False)])
def test_people_read_it(httpd, origin, path, name, size, dark):
    httpd.log.allow("FC0105", "FC0103")
    origin.on("/far" + path, ok("x"))
    with Browser(size, dark) as browser:
        browser.open(f"http://127.0.0.1:{httpd.port}/adm")
        browser.wait(lambda: "hit ratio" in browser.run(TEXT))
        browser.wait(lambda: traffic(httpd, origin, path) or
                     browser.run(POINTS))
        text = browser.run(TEXT)
        for word in ("default", "far", "fast", "look-ups", "Recent purges",
                     "Top namespaces", "items"):
            assert word in text, text
        assert "undefined" not in text and "NaN" not in text
        assert browser.run("return getComputedStyle(document.body)"
                           ".backgroundColor") == (
            "rgb(20, 24, 28)" if dark else "rgb(246, 247, 249)")
        # nothing sticks out to the side
        assert browser.run("return document.documentElement.scrollWidth"
                           " <= window.innerWidth")
        browser.screenshot(BUILD / "artefacts" / f"{name}.png")
        assert not browser.complaints()


def test_people_see_the_top_namespaces(httpd, origin, path):
    httpd.log.allow("FC0105", "FC0103")
    origin.on("/far" + path, ok("x"))
    traffic(httpd, origin, path)
    with Browser() as browser:
        browser.open(f"http://127.0.0.1:{httpd.port}/adm")
        browser.wait(lambda: browser.run(NAMES) == ["items", "default", "away"])
        for column, names in (("namespace", ["away", "default", "items"]),
                              ("hits", ["items", "default", "away"])):
            browser.run("""
                [...document.querySelectorAll('#namespaces button')].find(
                    button => button.innerText === arguments[0]).click()""",
                        column)
            assert browser.run(NAMES) == names
        row = browser.run("return document.querySelectorAll('#namespaces tr')"
                          "[3].innerText")
        assert " %" in row and "NaN" not in row and "undefined" not in row
        assert not browser.complaints()


def test_people_purge_with_it(httpd, origin, path):
    origin.on(path, counting(("Cache-Tag", "products")))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    with Browser() as browser:
        browser.open(f"http://127.0.0.1:{httpd.port}/adm")
        browser.wait(lambda: browser.run(
            "return document.querySelectorAll('select[name=store] option')"
            ".length === 3"))
        browser.run("""
            const form = document.getElementById('purge');
            form.kind.value = 'tag';
            form.value.value = 'products';
            form.store.value = 'default';
            form.querySelector('button').click()""")
        browser.wait(lambda: browser.run(
            "return document.getElementById('done').innerText === 'purged'"))
        assert httpd.get(path).cache == "MISS"
        browser.wait(lambda: "products" in browser.run(
            "return document.getElementById('recent').innerText"))
        browser.run("""
            const form = document.getElementById('purge');
            form.value.value = '<b>a b</b>';
            form.querySelector('button').click()""")
        browser.wait(lambda: "a tag is" in browser.run(
            "return document.getElementById('done').innerText"))


def test_another_site_cannot_purge(httpd, origin, path):
    """It is on another host and port, and open in the same browser."""
    origin.on(path, counting(("Cache-Tag", "products")))
    assert [httpd.get(path).cache for _ in "12"] == ["MISS", "HIT"]
    with Browser() as browser:
        browser.open(f"http://localhost:{origin.port}{path}")
        for kind in ("text/plain", "application/json"):
            said = browser.run("""
                return fetch(arguments[0], {method: 'POST', mode: 'no-cors',
                    headers: {'Content-Type': arguments[1]},
                    body: '{"tag": "products"}'}).then(
                    () => 'sent', error => 'refused')""",
                               f"http://127.0.0.1:{httpd.port}/adm", kind)
            assert said in ("sent", "refused")
        browser.run("""
            return fetch(arguments[0], {method: 'DELETE', mode: 'cors'}).then(
                () => 1, () => 0)""",
                    f"http://127.0.0.1:{httpd.port}/adm?tag=products")
    assert httpd.get(path).cache == "HIT"
