"""Which column of a hunt is counted over the fleet, and in which table; what cannot be counted is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.catalog.load import load_hunts
from shared.catalog.prevalence import counted_of
from shared.kql.prevalence import Counted
from shared.model.outcome import Window
from tests.support.hunt_files import SENTINEL, five_hunts, write

WINDOW = Window(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC))


def hunt_file(query: str, *block: str) -> str:
    """Return a hunt file with this query and these lines in its enrichment block."""
    head = SENTINEL.partition("query: |")[0]
    return f"{head}query: |\n  {query}\nenrichment:\n" + "".join(f"  {line}\n" for line in block)


@pytest.mark.parametrize(
    ("query", "column", "table"),
    [
        ("DeviceNetworkEvents | where RemotePort == 22", "RemoteIP", "DeviceNetworkEvents"),
        ("DeviceLogonEvents | where LogonType == 'Network'", "RemoteIP", "DeviceLogonEvents"),
        ("DeviceEvents | where ActionType == 'x'", "RemoteIP", "DeviceNetworkEvents"),
        ("DeviceProcessEvents | project DeviceId, SHA1", "SHA1", "DeviceProcessEvents"),
        ("DeviceFileEvents | project DeviceId, SHA1", "SHA1", "DeviceFileEvents"),
    ],
)
def test_it_is_counted_where_the_hunt_looks(tmp_path: Path, query: str, column: str, table: str) -> None:
    """In a table that the hunt names, if the column can be counted in it, over the hunt's window."""
    write(tmp_path, "a.yaml", hunt_file(query, f"prevalence: {column}"))
    (hunt,) = load_hunts(tmp_path).hunts

    assert Counted(column, table, WINDOW.start, WINDOW.end) == counted_of(hunt, WINDOW)


@pytest.mark.parametrize(
    ("query", "block", "problem"),
    [
        ("DeviceNetworkEvents", ("prevalence: RemotePort",), "write one of AccountName, FileName, "),
        ("DeviceNetworkEvents", ("prevalence: remoteip",), "write one of AccountName, FileName, "),
        ("DeviceNetworkEvents", ("prevalence: x | take 1",), "write one of AccountName, FileName, "),
        ("DeviceNetworkEvents | project DeviceId, RemoteUrl", ("prevalence: RemoteIP",),
         "must be a column of the query's rows, which are DeviceId, RemoteUrl"),
        ("DeviceNetworkEvents", ("prevalence: RemoteIP", "columns: [DeviceName, RemotePort]"),
         "add RemoteIP to columns, so that a row says what is counted"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused_at_its_place(
    tmp_path: Path, query: str, block: tuple[str, ...], problem: str
) -> None:
    """With the file, line and column of `prevalence`, and what to write instead."""
    write(tmp_path, "wrong.yaml", text := hunt_file(query, *block))
    (broken,) = load_hunts(tmp_path).broken
    line = 1 + text.splitlines().index(f"  {block[0]}")

    (told,) = broken.problems
    assert told.startswith(f"wrong.yaml:{line}:15: enrichment.prevalence: {problem}")


def test_a_hunt_without_it_counts_nothing() -> None:
    """The device card; the baselines and archive-then-upload count addresses in the network's events."""
    hunts = five_hunts().by_name

    assert counted_of(hunts["device-card"], WINDOW) is None
    for name in ("archive-then-upload", "linux-desktop-egress-baseline", "linux-server-egress-baseline"):
        assert Counted("RemoteIP", "DeviceNetworkEvents", WINDOW.start, WINDOW.end) == counted_of(
            hunts[name], WINDOW
        )
