# SPDX-License-Identifier: Apache-2.0
"""May a stale answer be sent? The directives that bear on it, for each way in
which an origin answers or fails, against a model written from the RFCs. (All sets
of directives: tests/unit/libfcache/decide.c.)"""
from concurrent.futures import ThreadPoolExecutor
import itertools
import threading

import pytest

from harness.client import fetch
from harness.origin import Origin, Reply, ok

CONF = """
ProxyPass /slow {origin}/slow retry=0 timeout=1
ProxyPass /away {away}/away retry=0
ProxyPass / {origin}/ retry=0
FCacheEnable on
ErrorDocument 503 "page"
<LocationMatch "^/page">
    ProxyErrorOverride On
</LocationMatch>
<LocationMatch "^/[a-z0-9]+/operator">
    FCacheStale while-revalidate=600 if-error=600
</LocationMatch>
<LocationMatch "^/[a-z0-9]+/never">
    FCacheStale off
</LocationMatch>
"""
PROHIBITING = ("must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache")
WINDOWS = ("stale-while-revalidate", "stale-if-error")
SECONDS = {None: None, "in": 600, "over": 5}
ANSWERS = {
    "fine": ok("new"), "err500": Reply(500), "err502": Reply(502),
    "err503": Reply(503), "err504": Reply(504),
    "page500": Reply(500), "page503": Reply(503), "err501": Reply(501), "err404": Reply(404, (("Cache-Control",
                                                 "no-store"),)),
    "drop": Reply(drop=True),
    "cut": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-"),
}
UNREACHABLE = ("drop", "cut", "slow", "away")
FAILING = ("err500", "err502", "err503", "err504", "page500", "page503")


def cases(triggers, operators):
    """Prohibited by nothing, by each directive, by all; each window absent,
    long enough or over."""
    for trigger, operator in itertools.product(triggers, operators):
        for prohibited in [()] + [(p,) for p in PROHIBITING] + [PROHIBITING]:
            for windows in itertools.product(SECONDS, repeat=2):
                yield trigger, operator, prohibited, windows


def directives(prohibited, windows):
    parts = ["max-age=10", *prohibited]
    for name, window in zip(WINDOWS, windows):
        if window:
            parts.append(f"{name}={SECONDS[window]}")
    return ", ".join(parts)


def may_be_stale(trigger, operator, prohibited, windows):
    """RFC 9111 section 4.2.4: not when it is prohibited; else when the origin
    is out of reach, or RFC 5861 or the operator permits it."""
    if prohibited or operator == "never":
        return False
    permitted = [w == "in" or (w is None and operator == "operator")
                 for w in windows]
    return permitted[0] or trigger in UNREACHABLE or \
        (permitted[1] and trigger in FAILING)


def target_of(number, case, path):
    return f"/{case[0]}/{case[1]}{path}/{number}"


def names(request):
    away = Origin()
    request.module.away = away
    request.addfinalizer(lambda: away.thread.is_alive() and away.stop())
    return {"away": f"http://127.0.0.1:{away.port}"}


def ask(httpd, number, case, path):
    """What came in place of what the model says, or None."""
    target = target_of(number, case, path)
    answer = fetch(httpd.port, target)
    got = (answer.cache == "STALE", answer.status, answer.body)
    if may_be_stale(*case):
        return None if got == (True, 200, b"old") else (case, got)
    wanted = {"fine": (200,), "err404": (404,)}.get(
        case[0], (int(case[0][-3:]),) if case[0][-1].isdigit()
        else (502, 503, 504))
    fine = not got[0] and got[1] in wanted and got[2] != b"old"
    return None if fine else (case, got)


def run(httpd, origin, path, listed, wide):
    """Stores all, then asks for each: at most one request of the origin more."""
    httpd.log.allow("proxy:error", "proxy_http:(error|warn)")
    stored = [("Age", "20"), ("ETag", '"a"')]
    for number, case in enumerate(listed):
        reply = ok("old", *stored, cc=directives(*case[2:]))
        server = away if case[0] == "away" else origin
        server.on(target_of(number, case, path), reply,
                  *([ANSWERS[case[0]]] if case[0] in ANSWERS else []))
        assert httpd.get(target_of(number, case, path)).cache == "MISS"
    yield
    with ThreadPoolExecutor(wide) as pool:
        bad = [b for b in pool.map(lambda n: ask(httpd, n, listed[n], path),
                                   range(len(listed))) if b]
    assert bad == []
    for number, case in enumerate(listed):
        assert origin.count(target_of(number, case, path)) <= 2, case


def finish(steps):
    for _ in steps:
        pass


@pytest.mark.parametrize("operator", ["origin", "operator", "never"])
@pytest.mark.parametrize("trigger", sorted(ANSWERS))
def test_the_origin_answers(httpd, origin, path, trigger, operator):
    finish(run(httpd, origin, path, list(cases([trigger], [operator])), 4))


def test_the_origin_stalls(httpd, origin, path):
    """Each waits for the proxy's timeout of a second."""
    listed = list(cases(["slow"], ["origin", "operator"]))
    silence = threading.Event()
    steps = run(httpd, origin, path, listed, 14)
    next(steps)
    try:
        for number, case in enumerate(listed):
            origin.on(target_of(number, case, path),
                      lambda request: (silence.wait(20), ok("late"))[1])
        finish(steps)
    finally:
        silence.set()


def test_nobody_listens(httpd, origin, path):
    listed = list(cases(["away"], ["origin", "operator", "never"]))
    steps = run(httpd, origin, path, listed, 4)
    next(steps)
    away.stop()
    finish(steps)
