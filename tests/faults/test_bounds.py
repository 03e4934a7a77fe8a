# SPDX-License-Identifier: Apache-2.0
"""The measure bites: a store whose deadline, breaker or recovery is not what is
wanted is told from one that is slow because the machine is."""
import dataclasses

import pytest

import faults
import kinds
from stand import Stand

SILENT, REFUSED = "F4 accepts, then silent", "F1 refused"
PATIENT = {"connect": "5s", "read": "5s", "lookup": "5s"}
NEVER_OPEN = {"read": "200ms", "failures": 1000, "window-requests": 1000000}
CASES = {
    ("own", "behind"): (SILENT, PATIENT),
    ("breaker not open",): (SILENT, NEVER_OPEN),
    ("back",): (REFUSED, {"open": "10s"}),
    ("not back",): (REFUSED, {"open": "1h", "open-max": "1h"}),
    ("no hits",): (SILENT, {}, {"works": True, "opens": False}),
}


@pytest.mark.parametrize("missed", CASES, ids=" or ".join)
def test_a_broken_setting_is_found(missed, tmp_path):
    name, options, *changes = CASES[missed]
    with kinds.started("redis", tmp_path) as kind, \
            Stand.of(kind, **options) as stand:
        fault = next(fault.of(kind) for fault in faults.faults(kind)
                     if fault.name == name)
        for change in changes:
            fault = dataclasses.replace(fault, **change)
        cell = stand.measure(fault)
    found = cell.broken() + cell.late(kind, fault)
    assert any(text.startswith(missed) for text in found), found
