"""`python -m sandbox demo --hunt` puts the rows of a hunt's first case onto a device of an incident, or says why it cannot."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.__main__ import main
from sandbox.hunts.stages import stages
from sandbox.hunts.staging import stage
from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import generate
from shared.errors import HuntError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.hunts.cases import Row

END = datetime(2026, 3, 11, 12, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Write a hunt as `hunts new` does, and return its file."""

    def new(*options: str) -> Path:
        folder = tmp_path / "own"
        assert 0 == main(["hunts", "new", "mine", "--folder", str(folder), *options])
        return folder / "mine.yaml"

    return new


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Return the demo's folder for temporary files."""
    folder = tmp_path / "scene"
    folder.mkdir()
    return folder


def rows_in(folder: Path) -> list[Row]:
    """Return the rows that were written for the tenant."""
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("options", "incident", "device"),
    [
        (("--for", "device"), "4101", "srv-7.contoso.com"),
        (("--for", "device", "--os", "Linux"), "4101", "srv-7.contoso.com"),
        (("--for", "device", "--os", "Windows"), "4108", "pc-006.contoso.com"),
        (("--for", "device", "--os", "macOS"), "4111", "mac-001.contoso.com"),
        (("--for", "indicator", "--kinds", "ip,domain"), "4101", "srv-7.contoso.com"),
    ],
)
def test_a_new_hunts_case_happens_on_a_device_that_it_applies_to(
    options: tuple[str, ...], incident: str, device: str, made: Callable[..., Path], scene: Path
) -> None:
    """Its row has the device's id and name, is as old as in the case, and is what the hunt finds there."""
    now = datetime.now(UTC)
    staged = stage(made(*options), scene)
    (row,) = rows_in(staged.rows)

    assert incident == staged.stage.incident["id"]
    assert (staged.stage.device.id, device) == (row["DeviceId"], row["DeviceName"])
    assert abs(now - timedelta(minutes=60) - datetime.fromisoformat(row["Timestamp"])) < timedelta(minutes=1)
    assert (1, 0, [device]) == (staged.count, staged.others, [each["DeviceName"] for each in staged.wanted])
    assert [Path(staged.settings["HUNTS_DIR"]) / "mine.yaml"] == list(
        Path(staged.settings["HUNTS_DIR"]).iterdir()
    )


def test_a_shipped_hunt_is_named_and_needs_no_folder(scene: Path) -> None:
    """Its file is loaded already."""
    staged = stage(Path("archive-then-upload"), scene)

    assert ("archive-then-upload", {}) == (staged.hunt.name, staged.settings)


def change(file: Path, *changes: tuple[str, str]) -> Path:
    """Replace a pattern in a file, by all *changes* in turn."""
    text = file.read_text(encoding="utf-8")
    for pattern, by in changes:
        text, count = re.subn(pattern, by, text, flags=re.DOTALL)
        assert count
    file.write_text(text, encoding="utf-8")
    return file


def without_cases(file: Path) -> None:
    """Delete a hunt's cases."""
    file.with_suffix(".cases").unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "expected"),
    [
        (without_cases, ValueError, r"mine has no cases, .*: write .*mine\.cases \(`hunts new` "),
        (
            lambda file: change(file.with_suffix(".cases"), (r"rows: \[.+?\]\n", "rows: []\n")),
            ValueError,
            r"mine\.cases: no case has rows that must be found, .*: write one",
        ),
        (
            lambda file: change(file.with_suffix(".cases"), ("AccountName: ada, FileName", "AccountName: bob, FileName")),
            ValueError,
            r"mine: its case 'the tool .*' is not as it says, which `hunts test .*mine\.yaml` shows, too: row 1, AccountName: ",
        ),
        (
            lambda file: change(file.with_suffix(".cases"), ("cases:", "casses:")),
            HuntError,
            r"mine\.cases:\d+:\d+: .*casses",
        ),
        (
            lambda file: change(file, ("severity: medium", "severity: grave")),
            HuntError,
            r"mine\.yaml:\d+:\d+: .*severity",
        ),
        (
            lambda file: change(file, (r"osPlatform: \[Windows\]", "osPlatform: [Windows10]")),
            ValueError,
            r"mine is for Windows10, and no device of the demo's incidents is one: they are srv-7 \(Linux server\), pc-006",
        ),
        (
            lambda file: change(file, (r"\| project", '| where DeviceName == "dev-1"\n  | project')),
            ValueError,
            r"mine: the rows of its case 'the tool .*' are not found once they are on pc-006, ",
        ),
    ],
    ids=["no cases", "no rows", "differs", "cases broken", "hunt broken", "no device", "tied to its device"],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_with_what_to_write(
    spoil: Callable[[Path], Any],
    error: type[Exception],
    expected: str,
    made: Callable[..., Path],
    scene: Path,
) -> None:
    """It is said before anything is started."""
    file = made("--for", "device", "--os", "Windows")
    spoil(file)

    with pytest.raises(error, match=expected):
        stage(file, scene)


def test_the_demo_ends_with_2_before_anything_starts(
    made: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is on standard error, and nothing else is printed."""
    file = made("--for", "device")
    without_cases(file)
    capsys.readouterr()

    assert 2 == main(["demo", "--hunt", str(file)])
    out, err = capsys.readouterr()
    assert "" == out
    assert err.startswith("sandbox: mine has no cases")


@pytest.mark.parametrize("inside", [True, False])
def test_a_folder_of_the_callers_own_is_kept_or_asked_about(
    inside: bool,
    made: Callable[..., Path],
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With HUNTS_DIR set, a hunt in it is there already, and one elsewhere would not be loaded."""
    file = made("--for", "device")
    monkeypatch.setenv("HUNTS_DIR", str(tmp_path / "own" if inside else scene))

    if inside:
        assert {} == stage(file, scene).settings
    else:
        with pytest.raises(ValueError, match="unset it, or name a hunt in it"):
            stage(file, scene)


def test_each_stage_is_in_the_smallest_fleet_as_it_says() -> None:
    """Name, system, kind and address are the fleet's."""
    engine = Engine()
    generate(engine, devices=40, days=1, end=END, life=False)
    run = engine.connection.execute
    for each in (every := stages(END)):
        facts = "SELECT DISTINCT DeviceName, OSPlatform, DeviceType FROM DeviceInfo WHERE DeviceId = ?"
        known = (each.device.name, each.device.os_platform, each.kind)
        assert [known] == run(facts, [each.device.id]).fetchall()
        address = "SELECT DISTINCT LocalIP FROM DeviceNetworkEvents WHERE DeviceId = ?"
        assert run(address, [each.device.id]).fetchall() in ([], [(each.address,)])
    assert {"Linux", "Windows11", "WindowsServer2022", "macOS"} == {each.device.os_platform for each in every}
