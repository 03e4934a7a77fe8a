# SPDX-License-Identifier: Apache-2.0
"""One httpd and one store for all faults of a kind; the table at the end."""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "integration")]

# pylint: disable=wrong-import-position
import pytest

from stand import Stand

import kinds
import table


class Stands:
    """The one that is wanted; the one before it ends then."""

    def __init__(self, folders):
        self.folders = folders
        self.key = self.kind = self.stand = None

    def get(self, name, way):
        if self.key != (name, way):
            self.end()
            self.key = (name, way)
            self.kind = kinds.KINDS[name](self.folders.mktemp("s"), way)
            self.stand = Stand.of(self.kind)
            self.stand.__enter__()
        return self.stand

    def end(self):
        self.key = None
        try:
            if self.stand is not None:
                self.stand.__exit__()
        finally:
            self.stand = None
            if self.kind is not None:
                self.kind.stop()
            self.kind = None


def pytest_addoption(parser):
    parser.addoption("--bounds", action="store_true",
                     help="what takes longer than is wanted has failed")


@pytest.fixture(scope="module")
def stands(tmp_path_factory):
    all_of_them = Stands(tmp_path_factory)
    yield all_of_them
    all_of_them.end()


def pytest_terminal_summary(terminalreporter):
    if not table.ROWS:
        return
    terminalreporter.write_line("")
    for line in table.lines():
        terminalreporter.write_line(line)
    folder = os.environ.get("FCACHE_ARTEFACTS")
    if folder:
        Path(folder, "faults.txt").write_text("\n".join(table.lines()) + "\n",
                                              encoding="utf-8")
