# SPDX-License-Identifier: Apache-2.0
"""One httpd and one store for all faults of a kind; the table at the end."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
import pytest

import kinds
from stand import Stand

TABLE = []


@pytest.fixture(scope="session")
def table():
    return TABLE


@pytest.fixture(scope="module")
def kind(request, tmp_path_factory):
    with kinds.started(request.param, tmp_path_factory.mktemp("s")) as store:
        yield store


@pytest.fixture(scope="module")
def stand(kind):
    with Stand(kind.url(kind.link.port)) as one:
        one.warm()
        yield one


def pytest_terminal_summary(terminalreporter):
    write = terminalreporter.write_line
    if not TABLE:
        return
    write("")
    write(f"{'store':10} {'fault':34} {'requests':>8} {'failed':>6} "
          f"{'wrong':>5} {'worst':>7} {'then p99':>8} {'back in':>8}  result")
    for row in TABLE:
        write(row)
    good = sum(row.endswith("passed") for row in TABLE)
    write(f"{good} cells passed, {len(TABLE) - good} failed")
    folder = os.environ.get("FCACHE_ARTEFACTS")
    if folder:
        Path(folder, "faults.txt").write_text("\n".join(TABLE) + "\n",
                                              encoding="utf-8")
