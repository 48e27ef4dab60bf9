"""What happens in an ordinary fleet: where it happens, that it is whole, and that it resembles attacks as often as in life."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.life.patterns import patterns, read, roles
from tests.support.ordinary import hunt

WINDOWS = "DeviceName startswith 'pc-' or DeviceName startswith 'win-'"


def count(engine: Engine, query: str) -> int:
    """Return how many rows *query* has."""
    return int(hunt(engine, f"{query} | count")[0]["Count"])


def test_most_devices_beyond_the_first_forty_run_windows(ordinary: Engine) -> None:
    """The fleet grows as companies do: clients most of all, and few Macs."""
    found = hunt(
        ordinary, "DeviceInfo | summarize N = dcount(DeviceId) by Kind = tostring(split(DeviceName, '-')[0])"
    )

    assert {"pc": 42, "win": 11, "srv": 22, "wks": 15, "mac": 4, "box": 6} == {
        row["Kind"]: row["N"] for row in found
    }


def test_what_happens_is_on_the_system_that_it_belongs_to(ordinary: Engine) -> None:
    """No path of Windows on another system, and no other path on Windows."""
    assert 0 < count(ordinary, f"DeviceProcessEvents | where {WINDOWS}")
    assert 0 == count(ordinary, f"DeviceProcessEvents | where not({WINDOWS}) and FolderPath contains '\\\\'")
    assert 0 == count(ordinary, f"DeviceProcessEvents | where ({WINDOWS}) and FolderPath startswith '/'")


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
def test_a_row_has_the_columns_that_defender_fills(ordinary: Engine, table: str, columns: str) -> None:
    """None is empty, and no text is null, anywhere."""
    empty = " or ".join(f"isempty({column})" for column in columns.split())

    assert 0 < count(ordinary, table)
    assert 0 == count(ordinary, f"{table} | where {empty}")
    texts = [name for name, kind in ordinary.tables[table].items() if kind == "string"]
    nulls = " OR ".join(f'"{text}" IS NULL' for text in texts)
    assert (0,) == ordinary.connection.execute(f"SELECT count(*) FROM {table} WHERE {nulls}").fetchone()  # noqa: S608


@pytest.mark.parametrize("table", ["DeviceProcessEvents", "DeviceEvents", "DeviceNetworkEvents", "DeviceFileEvents", "EmailEvents"])  # fmt: skip
def test_nothing_is_left_in_braces(ordinary: Engine, table: str) -> None:
    """What differs from time to time has been put in its place."""
    texts = [name for name, kind in ordinary.tables[table].items() if kind == "string"]
    left = " OR ".join(
        rf"regexp_matches(\"{text}\", '\{{[a-zA-Z0-9]+\}}')".replace('\\"', '"') for text in texts
    )

    assert (0,) == ordinary.connection.execute(f"SELECT count(*) FROM {table} WHERE {left}").fetchone()  # noqa: S608


def test_what_belongs_together_happens_together(ordinary: Engine) -> None:
    """A mail and its links have one id, and a wrong password is followed by the right one."""
    mails = {
        row["NetworkMessageId"]
        for row in hunt(ordinary, "EmailEvents | where Subject startswith 'This week'")
    }
    links = {row["NetworkMessageId"] for row in hunt(ordinary, "EmailUrlInfo | where Url contains '/news/'")}
    assert mails
    assert mails == links
    wrong = count(
        ordinary, "DeviceLogonEvents | where ActionType == 'LogonFailed' and LogonType == 'Interactive'"
    )
    assert (
        0
        < wrong
        < count(
            ordinary, "DeviceLogonEvents | where ActionType == 'LogonSuccess' and LogonType == 'Interactive'"
        )
    )


def test_an_encoded_command_is_one(ordinary: Engine) -> None:
    """What Configuration Manager runs can be decoded, as a hunt may want to."""
    query = (
        "DeviceProcessEvents | where ProcessCommandLine has '-EncodedCommand' | distinct ProcessCommandLine"
    )
    commands = [row["ProcessCommandLine"].rpartition(" ")[2] for row in hunt(ordinary, query)]

    assert any("Get-WindowsFeature" in b64decode(command).decode("utf-16-le") for command in commands)


def test_everybody_works_by_day(ordinary: Engine) -> None:
    """People act between seven and six; what runs at night is scheduled."""
    query = "DeviceProcessEvents | where AccountName startswith 'user' and DeviceName startswith 'pc-' and (hourofday(Timestamp) < 7 or hourofday(Timestamp) > 18)"

    assert 0 == count(ordinary, query)
    assert 0 < count(
        ordinary, "DeviceProcessEvents | where FileName == 'restic' and hourofday(Timestamp) == 2"
    )


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
