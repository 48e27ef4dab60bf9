"""What happens in an ordinary fleet: where it happens, that it is whole, and that it resembles attacks as often as in life."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import generate
from sandbox.telemetry.life.patterns import patterns, read, roles

END = datetime(2026, 3, 11, 12, tzinfo=UTC)  # a Wednesday
WINDOWS = "DeviceName startswith 'pc-' or DeviceName startswith 'win-'"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with a fleet of a hundred devices over two working days."""
    engine = Engine()
    generate(engine, devices=100, days=2, end=END)
    return engine


def hunt(engine: Engine, query: str) -> list[dict[str, Any]]:
    """Run *query* over all telemetry, and return its rows."""
    return engine.hunt(query, start=END - timedelta(days=30), end=END, now=END)[1]


def count(engine: Engine, query: str) -> int:
    """Return how many rows *query* has."""
    return int(hunt(engine, f"{query} | count")[0]["Count"])


def test_most_devices_beyond_the_first_forty_run_windows(engine: Engine) -> None:
    """The fleet grows as companies do: clients most of all, and few Macs."""
    found = hunt(
        engine, "DeviceInfo | summarize N = dcount(DeviceId) by Kind = tostring(split(DeviceName, '-')[0])"
    )

    assert {"pc": 42, "win": 11, "srv": 22, "wks": 15, "mac": 4, "box": 6} == {
        row["Kind"]: row["N"] for row in found
    }


def test_what_happens_is_on_the_system_that_it_belongs_to(engine: Engine) -> None:
    """No path of Windows on another system, and no other path on Windows."""
    assert 0 < count(engine, f"DeviceProcessEvents | where {WINDOWS}")
    assert 0 == count(engine, f"DeviceProcessEvents | where not({WINDOWS}) and FolderPath contains '\\\\'")
    assert 0 == count(engine, f"DeviceProcessEvents | where ({WINDOWS}) and FolderPath startswith '/'")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("DeviceProcessEvents", "FileName FolderPath ProcessCommandLine AccountName SHA1 SHA256 InitiatingProcessFileName"),
        ("DeviceNetworkEvents", "InitiatingProcessFileName InitiatingProcessSHA1 LocalIP Protocol ActionType"),
        ("DeviceFileEvents", "FileName FolderPath SHA1 InitiatingProcessFileName"),
        ("DeviceRegistryEvents", "RegistryKey InitiatingProcessFileName InitiatingProcessAccountSid"),
        ("DeviceLogonEvents", "LogonType AccountName ActionType"),
        ("DeviceEvents", "ActionType AdditionalFields InitiatingProcessFileName"),
        ("DeviceImageLoadEvents", "FileName FolderPath SHA1"),
        ("EmailEvents", "NetworkMessageId RecipientEmailAddress"),
    ],
)  # fmt: skip
def test_a_row_has_the_columns_that_defender_fills(engine: Engine, table: str, columns: str) -> None:
    """None is empty, and no text is null, anywhere."""
    empty = " or ".join(f"isempty({column})" for column in columns.split())

    assert 0 < count(engine, table)
    assert 0 == count(engine, f"{table} | where {empty}")
    texts = [name for name, kind in engine.tables[table].items() if kind == "string"]
    nulls = " OR ".join(f'"{text}" IS NULL' for text in texts)
    assert (0,) == engine.connection.execute(f"SELECT count(*) FROM {table} WHERE {nulls}").fetchone()  # noqa: S608


@pytest.mark.parametrize("table", ["DeviceProcessEvents", "DeviceEvents", "DeviceNetworkEvents", "DeviceFileEvents", "EmailEvents"])  # fmt: skip
def test_nothing_is_left_in_braces(engine: Engine, table: str) -> None:
    """What differs from time to time has been put in its place."""
    texts = [name for name, kind in engine.tables[table].items() if kind == "string"]
    left = " OR ".join(
        rf"regexp_matches(\"{text}\", '\{{[a-zA-Z0-9]+\}}')".replace('\\"', '"') for text in texts
    )

    assert (0,) == engine.connection.execute(f"SELECT count(*) FROM {table} WHERE {left}").fetchone()  # noqa: S608


def test_what_belongs_together_happens_together(engine: Engine) -> None:
    """A mail and its links have one id, and a wrong password is followed by the right one."""
    mails = {
        row["NetworkMessageId"] for row in hunt(engine, "EmailEvents | where Subject startswith 'This week'")
    }
    links = {row["NetworkMessageId"] for row in hunt(engine, "EmailUrlInfo | where Url contains '/news/'")}
    assert mails
    assert mails == links
    wrong = count(
        engine, "DeviceLogonEvents | where ActionType == 'LogonFailed' and LogonType == 'Interactive'"
    )
    assert (
        0
        < wrong
        < count(
            engine, "DeviceLogonEvents | where ActionType == 'LogonSuccess' and LogonType == 'Interactive'"
        )
    )


def test_an_encoded_command_is_one(engine: Engine) -> None:
    """What Configuration Manager runs can be decoded, as a hunt may want to."""
    query = (
        "DeviceProcessEvents | where ProcessCommandLine has '-EncodedCommand' | distinct ProcessCommandLine"
    )
    commands = [row["ProcessCommandLine"].rpartition(" ")[2] for row in hunt(engine, query)]

    assert any("Get-WindowsFeature" in b64decode(command).decode("utf-16-le") for command in commands)


def test_everybody_works_by_day(engine: Engine) -> None:
    """People act between seven and six; what runs at night is scheduled."""
    query = "DeviceProcessEvents | where AccountName startswith 'user' and DeviceName startswith 'pc-' and (hourofday(Timestamp) < 7 or hourofday(Timestamp) > 18)"

    assert 0 == count(engine, query)
    assert 0 < count(engine, "DeviceProcessEvents | where FileName == 'restic' and hourofday(Timestamp) == 2")


def test_every_role_has_somebody() -> None:
    """A pattern of a role that nobody has would never happen."""
    known = {role for role, *_ in roles()}

    assert set() == {row["on"] for some in patterns() for row in some.rows} - known


def test_a_line_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    """The message names the file and shows the cells."""
    file = tmp_path / "wrong.tsv"
    file.write_text("DeviceEvents\ton\trate\nclient\t1\tmore\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"wrong\.tsv: 3 cells, more than the section has"):
        read(file, "windows")
