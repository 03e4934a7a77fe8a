# SPDX-License-Identifier: Apache-2.0
"""What came of each cell, for people."""
import collections

import faults
import kinds

HEAD = (f"{'store':11} {'fault':38} {'requests':>8} {'failed':>6} {'wrong':>5} "
        f"{'own':>5} {'behind':>6} {'write':>5} {'median':>6} {'p99':>6} "
        f"{'back':>5} {'tries':>5}  result")
ROWS = []  # (store, fault, text, its last word)


def number(name):
    """F7 of "F7 ends at every byte"."""
    return int(name.split()[0][1:])


def tell(store, fault, bad, columns="", late=()):
    word = "failed" if bad else "late" if late else "passed"
    why = f": {', '.join((*bad, *late))}" if bad or late else ""
    ROWS.append((store, fault, f"{store:11} {fault:38} {columns:60} "
                 f"{word}{why}", word))


def tallied(tally, during):
    """Columns of what there was in all, and of the times of a part of it."""
    return (f"{tally.requests:8} {len(tally.failed):6} {len(tally.wrong):5} "
            f"{during.own.worst():5.0f} {during.behind.worst():6.0f} "
            f"{during.writes.worst():5.0f}")


def tell_cell(store, fault, cell, tries, bad, late):
    then = cell.then()
    opened = f"{then.median():6.1f} {then.p99():6.1f}" if cell.was_open \
        else f"{'-':>6} {'-':>6}"
    back = "-" if cell.back_s is None else f"{cell.back_s:.2f}"
    tell(store, fault.name, bad,
         f"{tallied(cell.during + cell.after, cell.during)} {opened} "
         f"{back:>5} {tries:5}", late)


def lines():
    """Store by store, fault by fault, with what there cannot be."""
    rows = [(store, name, text) for store, name, text, _ in ROWS]
    told = {store for store, _, _ in rows}
    rows += [(store, name, f"{store:11} {name:38} {'':60} n/a: {why}")
             for store in faults.NOT if store in told
             for name, why in faults.NOT[store].items()]
    order = list(kinds.KINDS)
    rows.sort(key=lambda row: (order.index(row[0]), number(row[1])))
    counts = collections.Counter(word for _, _, _, word in ROWS)
    return [HEAD, *(text for _, _, text in rows),
            f"{counts['passed']} cells passed, {counts['late']} took longer "
            f"than is wanted, {counts['failed']} failed, "
            f"{len(rows) - len(ROWS)} cannot be",
            "times in ms, back in s: see measure.py"]
