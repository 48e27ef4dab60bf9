"""The files around the code agree with what the code relies on."""

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
    """Return the text of a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_queue_delivery_is_set_as_the_code_expects() -> None:
    """Four runs at a time, polled every 0.4 s, retried after 30 s, and given up after the fifth try."""
    expected = {
        "batchSize": 4,
        "newBatchThreshold": 0,
        "maxPollingInterval": "00:00:00.400",
        "visibilityTimeout": "00:00:30",
        "maxDequeueCount": 5,
        "messageEncoding": "base64",
    }

    assert expected == json.loads(text("host.json"))["extensions"]["queues"]


def test_the_host_outwaits_a_runs_own_deadline() -> None:
    """The host stops a worker after 15 minutes, a run stops itself after ten."""
    assert json.loads(text("host.json"))["functionTimeout"] == "00:15:00"


@pytest.mark.parametrize(
    "path",
    [
        "function_app.py",
        "functions/enrich.py",
        "shared/catalog/load.py",
        "shared/catalog/attack.json",
        "shared/hunts/device/device-card.yaml",
        "host.json",
        "requirements.txt",
    ],
)
def test_what_the_app_needs_is_deployed(path: str) -> None:
    """Files that the app needs in Azure are not excluded by .funcignore."""
    ignored = pathspec.GitIgnoreSpec.from_lines(text(".funcignore").splitlines())

    assert not ignored.match_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "sandbox/tenant/app.py",
        "sandbox/requirements.txt",
        "shared/hunts/hunt.schema.json",
        "shared/hunts/device/device-card.cases",
        "tests/test_project.py",
        "infra/main.bicep",
        "local.settings.json",
        "local.settings.sample.json",
        "requirements-dev.txt",
        "requirements.in",
        ".venv/bin/python",
        "venv/bin/python",
        "env/bin/python",
        "outrider_env/bin/python",
        ".git/config",
        "README.md",
    ],
)
def test_development_files_are_not_deployed(path: str) -> None:
    """The sandbox, the tests, anyone's local settings and environments, as `azd restore` makes one, are excluded by .funcignore."""
    ignored = pathspec.GitIgnoreSpec.from_lines(text(".funcignore").splitlines())

    assert ignored.match_file(path)


def test_every_test_that_security_names_is_there() -> None:
    """What is said to be held is held by files that exist, and have tests; so is the picture of the boundaries."""
    named = re.findall(r"`(tests/[\w./]+\.py)`", text("SECURITY.md"))
    held = [name for name in named if (ROOT / name).is_file() and "def test_" in text(name)]
    picture = re.findall(r"\]\((\S+\.svg)\)", text("SECURITY.md"))

    assert len(held) > 10
    assert {*named} - {*held} == {"tests/fuzz/targets.py"}
    assert (ROOT / "tests/fuzz/targets.py").is_file()
    assert text(picture[0]).startswith("<svg")


def test_security_names_every_object_that_is_stored_and_how_long() -> None:
    """The folders of the store, and the days after which the templates delete from them."""
    rules = re.findall(r"prefixMatch: \[(.*)\]", text("infra/modules/storage.bicep"))
    expiring = {name for rule in rules for name in re.findall(r"state/(\w+)/", rule)}
    stored = text("SECURITY.md").split("## What is stored")[1]

    assert {"runs", "open", "incidents", "comments"} == expiring
    assert all(f"`{name}/" in stored for name in (*expiring, "findings", "watch", "sweeps", "selftest"))
    assert "daysAfterCreationGreaterThan: 400" in text("infra/modules/storage.bicep")
    assert stored.count("400 days") == 2


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox, and return how it ended and what it printed."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_hunts_render_prints_the_query_alone() -> None:
    """`hunts render` writes the query, held to the devices it is given, to stdout and nothing else."""
    done = sandbox("hunts", "render", "archive-then-upload", "--device", "srv-7")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("let _DeviceKinds", "let DeviceNetworkEvents", "let DeviceProcessEvents"))
    assert 'DeviceName =~ "srv-7"' in done.stdout
    assert "\n| take 10001\n| project-away _Whose, _Rank\n" in done.stdout


def test_an_unknown_hunt_is_answered_with_known_ones() -> None:
    """`hunts render` fails with a list of the hunts there are, and without a traceback."""
    done = sandbox("hunts", "render", "no-such-hunt", "--device", "srv-7")

    assert done.returncode == 2
    assert "archive-then-upload" in done.stderr
    assert "Traceback" not in done.stderr
