# SPDX-License-Identifier: Apache-2.0
"""The public suite as a test: prints its score, fails on what was lost."""
import sys

import pytest

import run


@pytest.mark.parametrize("config", run.CONFIGS)
def test_public_suite(config, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run.py", "--config", config])
    with capsys.disabled():
        print()
        status = run.main()
    assert status == 0
