# SPDX-License-Identifier: Apache-2.0
"""How long requests take that go through the cache, against controls: the same
requests to a location without it, by the same clients, in turn with them. What
else the machine does hits both, though not at the same moment.

Never, however busy the machine is: a failed request, a wrong body, something old.
Within HANG_S, as something else is broken where it takes longer than any busy
machine: every answer (the clients' own time limit), hits where the store answers,
an open breaker where there has to be one, and all that again when the fault is
over. (After the longest of the faults the breaker is open for 4 s.)

Wanted, in milliseconds, which the table tells and `./run bench faults` asserts:

own     A request on an idle connection. The worst is at most 100 (DynamoDB: 300)
        above the worst control.
behind  A request sent at once behind another one on its connection, whose worker
        may look once more for what varies, to store it. Twice as much.
write   A POST, which clears before its answer goes on. As own, plus the store's
        option `store`.
then    Requests, of both kinds, while the breaker is open. The median is at most 1
        above the controls'; and so is the 99th percentile, as far as so many
        requests can tell: the lower end of its 95 % interval is at most 1 above the
        upper end of the controls'. (Of a few hundred requests, the two or three
        that decide a plain difference of percentiles are the machine's doing.)
open    The breaker, when the fault has lasted as long as three deadlines.
hits    In the 0.4 s after that.
back    Until something new is stored and found again: 2 s.

A cell that misses one of these is measured again, three times in all, as a machine
that stops for a moment stops clients and controls at different times."""
import dataclasses
import math
import statistics
import threading
import time

OVER_MS = 1
BACK_S = 2
HANG_S = 15
TRIES = 3


class Times:
    """Of requests with the cache, and of their controls."""

    def __init__(self):
        self.on, self.off = [], []

    def add(self, cached, ms):
        (self.on if cached else self.off).append(ms)

    def __add__(self, other):
        both = Times()
        both.on, both.off = self.on + other.on, self.off + other.off
        return both

    def worst(self):
        """Of the slowest, how much it is above the slowest control."""
        return max(self.on, default=0) - max(self.off, default=0)

    def median(self):
        return statistics.median(self.on) - statistics.median(self.off)

    def p99(self):
        return quantile(self.on, 0) - quantile(self.off, 0)

    def p99_at_least(self):
        return quantile(self.on, -2) - quantile(self.off, 2)


def quantile(values, deviations):
    """The 99th percentile, or so many standard deviations of its rank beside it."""
    ordered = sorted(values)
    count = len(ordered)
    rank = 0.99 * count + deviations * math.sqrt(0.99 * 0.01 * count)
    return ordered[min(count - 1, max(0, math.ceil(rank) - 1))]


class Tally:
    """What the requests of one phase came to."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = 0
        self.failed, self.wrong = [], []
        self.verdicts = {}
        self.own, self.behind, self.writes = Times(), Times(), Times()

    def add(self, target, answer, wanted, times, ms):
        cached = target.startswith("/on/")
        with self.lock:
            self.requests += 1
            times.add(cached, ms)
            if isinstance(answer, Exception) or answer.status != 200:
                self.failed.append((target, str(answer)))
            elif answer.body != wanted:
                self.wrong.append((target, answer.body[:80]))
            elif cached and times is not self.writes:
                self.verdicts[answer.cache] = \
                    self.verdicts.get(answer.cache, 0) + 1

    @property
    def hits(self):
        return self.verdicts.get("HIT", 0)

    def __add__(self, other):
        both = Tally()
        both.requests = self.requests + other.requests
        both.failed = self.failed + other.failed
        both.wrong = self.wrong + other.wrong
        return both

    def broken(self):
        """What must not be even once."""
        return [f"{len(cases)} {what}: {cases[:3]}" for what, cases in (
            ("failed", self.failed), ("wrong", self.wrong)) if cases]


def seconds_until(condition):
    """None: not within HANG_S."""
    start = now = time.monotonic()
    while not condition():
        if now > start + HANG_S:
            return None
        time.sleep(0.005)
        now = time.monotonic()
    return now - start


@dataclasses.dataclass
class Cell:
    """One measurement of one fault. Seconds are what seconds_until() says."""
    during: Tally
    after: Tally            # the fault is still there
    was_open: bool          # the breaker, between the two
    open_s: float           # until it was, if it has to be
    hit_s: float            # until there were hits, if the store answers
    back_s: float
    outdated: list          # what was written, and is not what is served now

    def then(self):
        return self.after.own + self.after.behind

    def broken(self):
        never = [f"{what} within {HANG_S} s" for what, seconds in (
            ("breaker not open", self.open_s), ("no hits", self.hit_s),
            ("not back", self.back_s)) if seconds is None]
        return (self.during + self.after).broken() + never + \
            [f"outdated {self.outdated}"] * bool(self.outdated)

    def late(self, kind, fault):
        """What is wanted, and was not so."""
        bounds = [("own", self.during.own, kind.worst_ms),
                  ("behind", self.during.behind, 2 * kind.worst_ms),
                  ("write", self.during.writes, kind.worst_ms + kind.store_ms)]
        late = [f"{name} {times.worst():.0f} > {most} ms"
                for name, times, most in bounds if times.worst() > most]
        late += [f"{name} after {seconds:.2f} > {most} s" for name, seconds, most
                 in (("open", self.open_s, 0), ("hits", self.hit_s, 0),
                     ("back", self.back_s, fault.back_s))
                 if seconds is not None and seconds > most]
        if fault.opens or self.was_open:
            late += self.late_when_open()
        return late

    def late_when_open(self):
        then = self.then()
        return [f"then {name} {ms:.1f} > {OVER_MS} ms"
                for name, ms in (("median", then.median()),
                                 ("p99", then.p99_at_least())) if ms > OVER_MS]
