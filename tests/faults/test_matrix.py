# SPDX-License-Identifier: Apache-2.0
"""Every fault on every store: with a healthy origin no request fails, no body is
wrong or old, and caching goes on when the fault is over. With --bounds none takes
longer than is wanted either. measure.py says what is held against what."""
import pytest

import faults
import kinds
import table
from measure import TRIES


def cells():
    for name, kind in kinds.KINDS.items():
        for fault in faults.faults(kind):
            yield pytest.param(name, fault, id=f"{name}-{fault.name}")


@pytest.mark.parametrize("name, fault", cells())
def test_fault(name, fault, stands, pytestconfig):
    kind = kinds.KINDS[name]
    fault = fault.of(kind)
    stand = stands.get(name, fault.way)
    has_bounds = pytestconfig.getoption("bounds")
    for tries in range(1, 1 + (TRIES if has_bounds else 1)):
        cell = stand.measure(fault)
        bad, late = cell.broken(), cell.late(kind, fault)
        if bad or not late:
            break
    if has_bounds:
        bad, late = bad + late, []
    table.tell_cell(name, fault, cell, tries, bad, late)
    assert not bad, "; ".join(bad)


def test_every_fault_has_a_cell_or_cannot_be():
    for name, kind in kinds.KINDS.items():
        tried = [fault.name for fault in faults.faults(kind)]
        has = {f"F{table.number(fault)}"
               for fault in (*tried, *faults.ELSEWHERE[name])}
        cannot = set(faults.NOT[name])
        assert not has & cannot
        assert has | cannot == {f"F{number}" for number in range(1, 32)}, name
