"""`python -m sandbox hunts test` says of each case whether its rows are those that it lists."""

from __future__ import annotations

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
  | project Timestamp, DeviceName, FileName
  | order by Timestamp desc
"""
DEVICES = f"devices: [{{id: {'a' * 40}}}]\n"
ROW = f"{{Timestamp: 60, DeviceId: {'a' * 40}, DeviceName: dev-1, FileName: tool}}"


def tried(
    folder: Path, cases: str, capsys: pytest.CaptureFixture[str], hunt: str = HUNT
) -> tuple[int, list[str]]:
    """Return the exit code of `hunts test` for a hunt with these *cases*, and the lines that it prints."""
    (folder / "a-tool.yaml").write_text(hunt, encoding="utf-8")
    (folder / "a-tool.cases").write_text(cases, encoding="utf-8")
    code = main(["hunts", "test", str(folder / "a-tool.cases")])
    return code, capsys.readouterr().out.splitlines()


def test_a_case_that_differs_says_what_was_wanted_and_what_was_got(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Value by value, and row by row; a column that the hunt does not return is named."""
    cases = f"""{DEVICES}telemetry: {{DeviceProcessEvents: [{ROW}]}}
cases:
  - {{why: right, rows: [{{DeviceName: dev-1, Timestamp: 2026-11-24T11:00:00Z}}]}}
  - {{why: another value, rows: [{{DeviceName: dev-2, Nothing: 1}}]}}
  - {{why: a row too few, rows: []}}
  - {{why: a row too many, rows: [{{}}, {{FileName: tool}}]}}
"""
    code, lines = tried(tmp_path, cases, capsys)

    assert 1 == code
    assert [
        "a-tool",
        "  ok       right",
        "  DIFFERS  another value",
        "           row 1: the query returns no column Nothing, but DeviceName, FileName, Timestamp",
        "           row 1, DeviceName: wanted 'dev-2', got 'dev-1'",
        "  DIFFERS  a row too few",
        "           row 1: wanted no row, got {'Timestamp': '2026-11-24T11:00:00.0000000Z', 'DeviceName': 'dev-1', 'FileName': 'tool'}",
        "  DIFFERS  a row too many",
        "           row 2: wanted {'FileName': 'tool'}, got no row",
    ] == lines[:9]
    assert lines[-1].startswith("4 cases, 3 wrong (")


def test_a_case_sees_no_row_of_the_case_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has the file's rows and its own."""
    cases = f"""{DEVICES}cases:
  - {{why: one, telemetry: {{DeviceProcessEvents: [{ROW}]}}, rows: [{{}}]}}
  - {{why: none, rows: []}}
"""
    code, lines = tried(tmp_path, cases, capsys)

    assert (0, "all as they should be") == (code, lines[-1][9:30])


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (f"{DEVICES}cases: [{{why: x, rows: [], telemetry: {{Device: [{{Timestamp: 1}}]}}}}]", "a-tool.cases:2:40: cases[0].telemetry.Device: Defender has no table Device"),
        (f"{DEVICES}cases: [{{why: x, rows: [], telemetry: {{DeviceInfo: [{{Timestamp: 1, DeviceNme: a}}]}}}}]", "a-tool.cases:2:68: cases[0].telemetry.DeviceInfo[0].DeviceNme: DeviceInfo has no column DeviceNme; did you mean DeviceName?"),
        (f"{DEVICES}telemetry: {{DeviceInfo: [{{}}, &a {{Nothing: 1}}, {{<<: *a}}]}}\ncases: []", "a-tool.cases:2:34: telemetry.DeviceInfo[1].Nothing: DeviceInfo has no column Nothing (in 2 rows)"),
        (f"{DEVICES}cases: [{{why: x, rows: [{{FileNme: a}}]}}]", "row 1: the query returns no column FileNme, but DeviceName, FileName, Timestamp; did you mean FileName"),
        (f"{DEVICES}cases:\n  - why: x\n    rows: []\n  why: y\n", "a-tool.cases:5:3: did not find expected '-' indicator: begin each item of the list with a hyphen, indented as those of the others"),
        (f"{DEVICES}cases: [{{why: x, rows: [], telemetry: {{DeviceInfo: [{{DeviceName: a}}]}}}}]", "write Timestamp in each row of DeviceInfo, as minutes before now"),
        ("cases: [{why: x, rows: []}]", "write devices, each with an id or a name"),
        (f"{DEVICES}cases:\n  - why: x\n    row: []\n", "a-tool.cases:3:5: cases[0]: Object contains unknown field `row`"),
        (f"{DEVICES}cases:\n\t- why: x\n", "a-tool.cases:3:1: "),
        ("", "a-tool.cases:1:1: write at least `cases:`"),
    ],
)  # fmt: skip
def test_cases_that_cannot_be_run_say_why(
    tmp_path: Path, cases: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with the file has its place, what is wrong with rows the case."""
    code, lines = tried(tmp_path, cases, capsys)

    assert 1 == code
    assert any(said in line for line in lines), lines


def test_a_hunt_that_cannot_be_used_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its problems are printed, each with its place."""
    code, lines = tried(tmp_path, "cases: []", capsys, HUNT.replace("query:", "querry:"))

    assert 1 == code
    assert "a-tool.yaml:3:1: querry: unknown; did you mean query?" in lines


def test_a_hunt_without_cases_is_untested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is no success, and a path that is not there is none either."""
    (tmp_path / "a-tool.yaml").write_text(HUNT, encoding="utf-8")

    assert 1 == main(["hunts", "test", str(tmp_path)])
    assert "  has no cases: write a-tool.cases beside it\n" in capsys.readouterr().out
    assert 2 == main(["hunts", "test", str(tmp_path / "none")])
