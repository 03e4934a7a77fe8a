# SPDX-License-Identifier: Apache-2.0
"""What came of each cell, for people."""
import faults
import kinds

HEAD = (f"{'store':11} {'fault':38} {'requests':>8} {'failed':>6} {'wrong':>5} "
        f"{'own':>5} {'behind':>6} {'write':>5} {'median':>6} {'p99':>6} "
        f"{'back':>5} {'tries':>5}  result")
ROWS = []  # (store, fault, text, has it passed)


def number(name):
    """F7 of "F7 ends at every byte"."""
    return int(name.split()[0][1:])


def tell(store, fault, bad, columns=""):
    ROWS.append((store, fault, f"{store:11} {fault:38} {columns:60} "
                 f"{', '.join(bad) or 'passed'}", not bad))


def tallied(tally, during):
    """Columns of what there was in all, and of the times of a part of it."""
    return (f"{tally.requests:8} {len(tally.failed):6} {len(tally.wrong):5} "
            f"{during.own.worst():5.0f} {during.behind.worst():6.0f} "
            f"{during.writes.worst():5.0f}")


def tell_cell(store, fault, cell, tries, bad):
    then = cell.then()
    opened = f"{then.median():6.1f} {then.p99():6.1f}" if cell.was_open \
        else f"{'-':>6} {'-':>6}"
    back = "-" if cell.back_s is None else f"{cell.back_s:.2f}"
    tell(store, fault.name, bad,
         f"{tallied(cell.during + cell.after, cell.during)} {opened} "
         f"{back:>5} {tries:5}")


def lines():
    """Store by store, fault by fault, with what there cannot be."""
    rows = [(store, name, text) for store, name, text, _ in ROWS]
    told = {store for store, _, _ in rows}
    rows += [(store, name, f"{store:11} {name:38} {'':60} n/a: {why}")
             for store in faults.NOT if store in told
             for name, why in faults.NOT[store].items()]
    order = list(kinds.KINDS)
    rows.sort(key=lambda row: (order.index(row[0]), number(row[1])))
    good = sum(row[3] for row in ROWS)
    return [HEAD, *(text for _, _, text in rows),
            f"{good} cells passed, {len(ROWS) - good} failed, "
            f"{len(rows) - len(ROWS)} cannot be",
            "times in ms, back in s: see measure.py"]
