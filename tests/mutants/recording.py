"""
A pytest plugin that records how long each test takes, whether it fails, and which modules of others the tests import.

`pytest -p tests.mutants.recording --record-to FOLDER`; every process writes its own files.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest


def ours(module: str) -> bool:
    """Tell whether a module belongs to the project in the current folder, or to no file at all."""
    top = module.partition(".")[0]
    return top in ("__main__", "conftest") or any(Path(name).exists() for name in (top, f"{top}.py"))


class Recorder:
    """Adds up the time of each test, its fixtures included, and notes those that fail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._times: Counter[str] = Counter()
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a part of a test, unless it was skipped."""
        if not report.skipped:
            self._times[report.nodeid] += report.duration
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the files."""
        modules = [name for name in sys.modules if not ours(name)]
        for kind, content in (("times", self._times), ("failed", [*self._failed]), ("modules", modules)):
            (self._folder / f"{kind}-{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the folder's option."""
    parser.addoption("--record-to", type=Path, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Record this process's tests."""
    config.pluginmanager.register(Recorder(config.option.record_to))
