"""How long the app takes to import, which is most of a cold start."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.scripted import ENVIRONMENT, ROOT, check

if TYPE_CHECKING:
    from pathlib import Path

BASE = "import azure.functions, azure.identity.aio, requests, msgraph"


@pytest.fixture(scope="module")
def python() -> Path:
    """The path of a Python with requirements.txt alone, set up once, and again when that file changes."""
    folder = ROOT / f".venv-bench-{sys.version_info.major}.{sys.version_info.minor}"
    wanted, stamp = (ROOT / "requirements.txt").read_text(), folder / "requirements.txt"
    if not stamp.is_file() or wanted != stamp.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [
            folder / "bin/python",
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-r", ROOT / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return folder / "bin/python"


def cpu_seconds(python: Path, statement: str) -> float:
    """Return the processor time, user and system, of an interpreter that runs one statement."""
    environment = {"PATH": os.environ["PATH"], **ENVIRONMENT}
    process = subprocess.Popen([python, "-c", statement], cwd=ROOT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)

    assert 0 == process.returncode
    return usage.ru_utime + usage.ru_stime


def test_the_app_imports_little_slower_than_its_sdks(python: Path) -> None:
    """With compiled files, it takes at most 1.5 times as long as the SDKs that it cannot do without."""
    statements = ("import function_app", BASE)
    for statement in statements:
        cpu_seconds(python, statement)
    rounds = [[cpu_seconds(python, statement) for statement in statements] for _ in range(12)]
    ours, base = (min(side) for side in zip(*rounds, strict=True))

    check("import function_app, beside the SDKs", f"{ours * 1000:.0f}/{base * 1000:.0f} ms", ours / base, 1.5)
