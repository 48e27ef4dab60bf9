"""The files around the code say what the code counts on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pathspec
import pytest

ROOT = Path(__file__).parents[1]


def text(name: str) -> str:
    """Return a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_delivery() -> None:
    """Four runs at a time, seen within 2 s, tried again after 30 s, given up after the fifth time."""
    expected = {
        "batchSize": 4,
        "newBatchThreshold": 0,
        "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "00:00:30",
        "maxDequeueCount": 5,
        "messageEncoding": "base64",
    }

    assert expected == json.loads(text("host.json"))["extensions"]["queues"]


def test_timeout() -> None:
    """A run's own deadline of ten minutes comes before the host's, which would kill the worker."""
    assert json.loads(text("host.json"))["functionTimeout"] == "00:15:00"


@pytest.mark.parametrize(
    "path",
    [
        "function_app.py",
        "functions/enrich.py",
        "shared/catalog/load.py",
        "shared/hunts/device/device-card.yaml",
        "host.json",
        "requirements.txt",
    ],
)
def test_deployed(path: str) -> None:
    """What the app needs in Azure is in the package."""
    ignored = pathspec.GitIgnoreSpec.from_lines(text(".funcignore").splitlines())

    assert not ignored.match_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "sandbox/tenant/app.py",
        "sandbox/requirements.txt",
        "tests/test_project.py",
        "infra/main.bicep",
        "local.settings.json",
        "local.settings.sample.json",
        "requirements-dev.txt",
        ".venv/bin/python",
        ".git/config",
        "README.md",
    ],
)
def test_not_deployed(path: str) -> None:
    """Neither the sandbox nor anyone's local settings reach Azure."""
    ignored = pathspec.GitIgnoreSpec.from_lines(text(".funcignore").splitlines())

    assert ignored.match_file(path)


@pytest.mark.parametrize("name", ["requirements.txt", "sandbox/requirements.txt", "requirements-dev.txt"])
def test_pinned(name: str) -> None:
    """Every requirement names the one version that was tested."""
    lines = [line for line in text(name).splitlines() if line and not line.startswith(("#", "-r "))]
    loose = [line for line in lines if not re.match(r"[\w-]+==[\w.]+($|; )", line)]

    assert [] == loose


def test_actions_pinned() -> None:
    """The workflow's actions are named by commit, which nobody can move."""
    used = re.findall(r"uses: (\S+)", text(".github/workflows/ci.yml"))
    movable = [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)]

    assert used
    assert [] == movable


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_render() -> None:
    """`hunts render` prints the query of a hunt with its devices in front, and nothing else, on stdout."""
    done = sandbox("hunts", "render", "archive-then-upload", "--device", "srv-7")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        ("let _NotApplicable", "let DeviceNetworkEvents", "let DeviceProcessEvents")
    )
    assert 'DeviceName =~ "srv-7"' in done.stdout
    assert done.stdout.endswith("\n| take 10001\n")


def test_render_explains() -> None:
    """A hunt that does not exist is answered with those that do, without a traceback."""
    done = sandbox("hunts", "render", "no-such-hunt", "--device", "srv-7")

    assert done.returncode == 2
    assert "archive-then-upload" in done.stderr
    assert "Traceback" not in done.stderr
