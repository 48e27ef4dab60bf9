"""`python -m sandbox hunts render --incident` prints the one query of an incident's hunts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from sandbox.telemetry.engine import Engine
from tests.support.batches import apart
from tests.support.hunt_files import INDICATOR, many_hunts, write

if TYPE_CHECKING:
    from pathlib import Path

DEVICE, ADDRESS = ["--device", "srv-7"], ["--indicator", "203.0.113.9"]
#: A hunt of which it is not known what time its table has.
UNKNOWN = (
    INDICATOR.replace("EmailUrlInfo", "Custom_CL").replace("_Urls", "_IpAddresses").replace("[url]", "[ip]")
)


def told(err: str) -> dict[str, str]:
    """Return which hunts each call has, by the time that it is over."""
    return dict(re.findall(r"(?m)^// over the last ([^:]+): (.+)$", err))


def test_all_hunts_that_run_by_themselves_are_one_query_that_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those that fit what is given; the answer has the columns of each, and how many devices there are."""
    code = main(["hunts", "render", "--incident", *DEVICE, *ADDRESS])
    out, err = capsys.readouterr()
    now = datetime.now(UTC)
    engine = Engine()
    rows = apart(engine.hunt(out, start=now - timedelta(days=30), end=now, now=now)[1])
    engine.close()
    (names,) = told(err).values()

    assert 0 == code
    assert {"/fleet", *(f"{name}/schema" for name in names.split(", "))} == {*rows}
    assert {"device-card", "archive-then-upload", "file-origin"} <= {*names.split(", ")}
    assert "file-hash-seen" not in names.split(", ")
    assert [{"Devices": 0}] == rows["/fleet"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["archive-then-upload", *DEVICE], "device-card, archive-then-upload"),
        (["file-origin", "archive-then-upload", *DEVICE, *ADDRESS], "device-card, archive-then-upload, file-origin"),
        (["file-origin", *DEVICE, *ADDRESS], "file-origin"),
        (["file-hash-seen", "--indicator", "a" * 40], "file-hash-seen"),
    ],
)  # fmt: skip
def test_only_those_that_are_named_or_fit_are_in_it(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a run about the same: the device card stands beside every hunt for devices."""
    main(["hunts", "render", "--incident", *arguments])
    out, err = capsys.readouterr()

    assert [expected] == list(told(err).values())
    assert expected.split(", ") == re.findall(r'project _Hunt = "([^"/]+)/schema"', out)


def test_each_hunt_has_its_own_lookback_as_its_window(capsys: pytest.CaptureFixture[str]) -> None:
    """The longest is the call's, and shorter ones are held in the query; all have the one that is given instead."""
    arguments = ["hunts", "render", "--incident", "archive-then-upload", *DEVICE]
    main(arguments)
    out, err = capsys.readouterr()
    start, end = map(
        datetime.fromisoformat,
        re.findall(r"let DeviceNetworkEvents = .* between \(datetime\((.+?)\) \.\. datetime\((.+?)\)\)", out)[
            0
        ],
    )
    main([*arguments, "--lookback", "PT6H"])
    held, said = capsys.readouterr()

    assert ["30 days"] == list(told(err))
    assert timedelta(days=1) == end - start
    assert re.search(r"let DeviceInfo = DeviceInfo \| where \(?DeviceName =~", out)
    assert ["6 hours"] == list(told(said))
    assert not re.search(r"let Device\w+ = .* between \(", held)


def test_hunts_that_cannot_share_a_call_have_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its query follows after an empty line, and stderr says which hunts are in which, in the same order."""
    write(tmp_path, "unknown.yaml", UNKNOWN)
    main(["hunts", "render", "--incident", "file-origin", "unknown", *ADDRESS, "--hunts", str(tmp_path)])
    out, err = capsys.readouterr()

    assert [["file-origin"], ["unknown"]] == [
        re.findall(r'project _Hunt = "([^"/]+)/schema"', query) for query in out.split("\n\n")
    ]
    assert ["file-origin", "unknown"] == re.findall(r"(?m)^// over the last [^:]+: (.+)$", err)


def test_what_a_run_has_no_room_for_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run takes MAX_HUNTS beside the device card; each other one is named, and why it is left out."""
    many_hunts(tmp_path, 45)
    main(["hunts", "render", "--incident", *DEVICE, "--hunts", str(tmp_path)])
    out, err = capsys.readouterr()
    (said,) = re.findall(r"(?m)^// left out, as 40 others come first, .*\(MAX_HUNTS\): (.+)$", err)
    left = said.split(", ")

    assert 41 == out.count("/schema")
    assert left
    assert [] == [name for name in left if f'"{name}"' in out]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--incident"], "nothing to hunt for: give --device, --indicator or both"),
        (["--incident", "no-such-hunt", *DEVICE], "there is no hunt 'no-such-hunt'; there are .*file-origin"),
        (["--incident", "file-origin", *DEVICE], r"the hunt file-origin needs an indicator \(ip, url, domain\)"),
        (["--incident", "--indicator", "?"], ".*"),
        (["archive-then-upload", "device-card", *DEVICE], "name one hunt, or .* with --incident"),
        (DEVICE, "name one hunt, or .* with --incident"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_explained_in_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says what to change; no query is printed, and the exit code is 2."""
    code = main(["hunts", "render", *arguments])
    out, err = capsys.readouterr()

    assert (2, "") == (code, out)
    assert re.fullmatch(f"sandbox: .*{expected}.*\n", err)
