"""`python -m sandbox hunts run` shows what a hunt finds on the made-up fleet, or in rows of files."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

HUNT = """\
id: 0b54e7b2-0000-4000-8000-000000000000
name: A tool
query: |
  DeviceProcessEvents
  | where FileName == "tool"
  | project Timestamp, DeviceName, FileName, ProcessId, DeviceId
enrichment: {columns: [DeviceName, FileName, ProcessId]}
"""
DEVICES = "a" * 40, "b" * 40


@pytest.fixture
def hunt(tmp_path: Path) -> Path:
    """Return a hunt file."""
    file = tmp_path / "a-tool.yaml"
    file.write_text(HUNT, encoding="utf-8")
    return file


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a folder with rows of three tables, each in a form of its own."""
    folder = tmp_path / "rows"
    folder.mkdir()
    lines = [
        {"table": "DeviceProcessEvents", "Timestamp": f"2024-03-26T09:39:5{n}.1234567Z", "DeviceId": device,
         "DeviceName": f"dev-{n}", "FileName": "tool", "ProcessId": n}
        for n, device in enumerate(DEVICES)
    ]  # fmt: skip
    (folder / "DeviceProcessEvents.jsonl").write_text("".join(f"{json.dumps(line)}\n\n" for line in lines))
    (folder / "DeviceInfo.json").write_text(json.dumps([{"Timestamp": "2024-03-26", "DeviceId": DEVICES[0]}]))
    (folder / "DeviceNetworkEvents.csv").write_text(
        "\ufeffTimestamp,RemoteIP,RemotePort,AdditionalFields\n2024-03-27T00:00:00,203.0.113.9,443,{}\n",
        encoding="utf-8",
    )
    (folder / "notes.txt").write_text("not a table")
    return folder


def test_a_shipped_hunt_finds_the_intrusion_of_the_made_up_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a table of the hunt's own columns, with the number of rows, the window and the time on stderr."""
    assert 0 == main(["hunts", "run", "archive-then-upload", "--devices", "40"])
    out, err = capsys.readouterr()

    assert [
        "DeviceName",
        "AccountName",
        "ArchiveCmd",
        "NetCmd",
        "RemoteIP",
        "RemotePort",
    ] == out.splitlines()[0].split()
    assert any(line.startswith("srv-7.") for line in out.splitlines()[1:])
    assert re.search(r"\d+ rows?, for 40 devices, ", err)


def test_rows_of_files_are_hunted_whole(hunt: Path, rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The window is theirs, whenever it was; without a device that is named, all devices in them are hunted for."""
    assert 0 == main(["hunts", "run", str(hunt), "--rows", str(rows)])
    out, err = capsys.readouterr()

    assert ["DeviceName  FileName  ProcessId", "dev-0       tool      0", "dev-1       tool      1"] == [
        out.splitlines()[0], *sorted(out.splitlines()[1:])
    ]  # fmt: skip
    assert "DeviceNetworkEvents: 1 rows\n" in err
    assert "2 rows, for 2 devices, 2024-03-26 00:00 to 2024-03-27 00:00 UTC" in err


def test_a_device_that_is_named_is_the_only_one(
    hunt: Path, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name, as in an incident."""
    assert 0 == main(["hunts", "run", str(hunt), "--rows", str(rows), "--device", "dev-1"])
    assert "dev-0" not in capsys.readouterr().out


@pytest.mark.parametrize("form", ["csv", "json"])
def test_all_values_are_printed_whole(
    tmp_path: Path, rows: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """All rows with all columns of the query, none cut; no cell of a CSV file is a formula."""
    long = f"=x{'y' * 500}"
    wide = HUNT.replace("FileName, ProcessId", f'FileName, Long = "{long}", ProcessId', 1)
    (tmp_path / "wide.yaml").write_text(wide, encoding="utf-8")

    assert 0 == main(["hunts", "run", str(tmp_path / "wide.yaml"), "--rows", str(rows), "--format", form])
    out = capsys.readouterr().out
    found = json.loads(out) if form == "json" else [*csv.DictReader(io.StringIO(out))]
    assert ["Timestamp", "DeviceName", "FileName", "Long", "ProcessId", "DeviceId"] == [*found[0]]
    assert [{"csv": f"'{long}", "json": long}[form]] * 2 == [row["Long"] for row in found]


@pytest.mark.parametrize("name", ["nosuch", "dev", "c" * 40])
def test_a_device_that_no_row_is_about_is_refused(
    hunt: Path, rows: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With some that there are: no rows for it would read as if nothing was found on it."""
    assert 2 == main(["hunts", "run", str(hunt), "--rows", str(rows), "--device", name])
    assert f"no row is about a device {name}; there are dev-0" in capsys.readouterr().err


@pytest.mark.parametrize("device", [["--device", "dev-0"], []])
def test_a_device_that_the_hunt_is_not_for_is_told(
    hunt: Path, rows: Path, device: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By its latest DeviceInfo; of all devices, how many."""
    hunt.write_text(
        HUNT.replace("{columns", "{appliesTo: {osPlatform: [Windows]}, columns"), encoding="utf-8"
    )
    info = {"Timestamp": "2024-03-26", "DeviceId": DEVICES[0], "DeviceName": "dev-0", "OSPlatform": "Linux"}
    (rows / "DeviceInfo.json").write_text(json.dumps([info]))

    assert 0 == main(["hunts", "run", str(hunt), "--rows", str(rows), *device])
    err = capsys.readouterr().err
    assert ("dev-0 is Linux; the hunt is for Windows: not applicable\n" in err) is bool(device)
    assert f"for {'1 device' if device else '2 devices'}, 1 of them not applicable, " in err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("DeviceProcesEvents.json", "[]", "Defender has no table DeviceProcesEvents; did you mean DeviceProcessEvents?"),
        ("DeviceInfo.jsonl", '{"Timestmp": "2024-01-01"}', "DeviceInfo.jsonl:1: DeviceInfo has no column Timestmp; did you mean Timestamp?"),
        ("DeviceInfo.jsonl", "{}\n{]", "DeviceInfo.jsonl:2: is not JSON"),
        ("DeviceInfo.json", "[1]", "DeviceInfo.json:1: is no row"),
        ("DeviceInfo.csv", "Timestamp\nyesterday", "DeviceInfo.csv:2: Invalid isoformat string"),
        ("DeviceInfo.csv", "Timestamp,IsAzureADJoined\n2024-01-01,perhaps", "'perhaps' is neither true nor false"),
        ("DeviceInfo.json", "[]", "holds no rows with a Timestamp"),
        ("DeviceInfo.json", '{"Timestamp": "2024-01-01"}', "no row names a device"),
    ],
)  # fmt: skip
def test_rows_that_no_table_can_hold_are_refused(
    hunt: Path, tmp_path: Path, name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file, its line, and what was probably meant."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / name).write_text(content)

    assert 2 == main(["hunts", "run", str(hunt), "--rows", str(tmp_path / "wrong")])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-hunt"], "there is no file no-such-hunt, and no shipped hunt of that name"),
        (["file-origin"], "file-origin hunts for indicators (ip, url, domain): name them with --indicator"),
        (["file-origin", "--device", "srv-7"], "file-origin hunts for indicators"),
        (["device-card", "--rows", "no-such-folder"], "there is no folder no-such-folder"),
    ],
)
def test_a_run_without_what_it_needs_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line."""
    assert 2 == main(["hunts", "run", *arguments])
    assert said in capsys.readouterr().err
