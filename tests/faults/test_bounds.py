# SPDX-License-Identifier: Apache-2.0
"""The measure bites: a store whose deadline, breaker or recovery is not what is
wanted is told from one that is slow because the machine is."""
import pytest

import faults
import kinds
from stand import Stand

PATIENT = {"connect": "2s", "read": "2s", "lookup": "2s"}
CASES = {
    ("own", "behind"): ("F4 accepts, then silent", PATIENT),
    ("then",): ("F4 accepts, then silent", {"failures": 1000}),
    ("not back",): ("F1 refused", {"open": "4s"}),
}


@pytest.mark.parametrize("missed", CASES, ids=" or ".join)
def test_a_broken_setting_is_found(missed, tmp_path):
    name, options = CASES[missed]
    with kinds.started("redis", tmp_path) as kind, \
            Stand.of(kind, **options) as stand:
        fault = next(fault.of(kind) for fault in faults.faults(kind)
                     if fault.name == name)
        cell = stand.measure(fault)
    assert not cell.broken()
    late = cell.late(kind, fault)
    assert any(text.startswith(missed) for text in late), late
