"""How the rows of a sweep are counted and ranked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.catalog.load import load_hunts
from shared.errors import GraphError
from shared.model.outcome import Window
from shared.outcomes.reading import decode_answer
from shared.sweep.parts import Part
from shared.sweep.ranking import Lots
from shared.sweep.rows import new_rows
from shared.sweep.summary import SweepSummary
from shared.sweep.survey import Survey
from shared.sweep.tally import Tally

END = datetime(2026, 11, 24, 6, tzinfo=UTC)
HUNT = load_hunts().by_name["linux-server-egress-baseline"]
TYPES = {"FirstSeen": "DateTime", "LastSeen": "DateTime", "RemotePort": "Int32", "Connections": "Int64", "Days": "Int64"}  # fmt: skip


def row(device: str, process: str, address: str, ago: float = 3, **more: Any) -> dict[str, Any]:
    """Return a row of a device that first used an address *ago* days before the end of the sweep."""
    first = END - timedelta(days=ago)
    return {
        "DeviceId": device * 40,
        "DeviceName": f"srv-{device}",
        "Process": process,
        "RemoteIP": address,
        "RemotePort": 443,
        "Protocol": "Tcp",
        "Connections": 2,
        "FirstSeen": f"{first:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "LastSeen": f"{END - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "Days": 1,
        **more,
    }


def summary(*parts: list[dict[str, Any]], columns: list[str] | None = None) -> SweepSummary:
    """Return the summary of a sweep whose rows came in these parts."""
    tally = Tally(HUNT, Window(END - timedelta(days=7), END))
    names = columns or list(row("a", "", ""))
    schema = [{"name": name, "type": TYPES.get(name, "String")} for name in names]
    answers = [json.dumps({"schema": schema, "results": rows}).encode() for rows in parts]
    for read in (tally.count, tally.rank):
        for raw in answers:
            read(raw)
    return tally.summary(Survey([(Part(), 1)], [], []), 10)


def test_the_rarest_destination_ranks_first() -> None:
    """Rarity is devices times days times destinations of the process; the smallest product comes first."""
    found = summary(
        [row("a", "browser", f"192.0.2.{n}", 0.5) for n in range(30)]
        + [row("a", "agent", "203.0.113.1", 0.1), row("a", "curl", "203.0.113.2", 0.5)],
        [row("b", "agent", "203.0.113.1", 5, Days=6)],
    )

    assert ("curl", 1) == (found.ranked[0].process, found.ranked[0].rarity)
    assert ("agent", 2 * 6 * 1) == (found.ranked[1].process, found.ranked[1].rarity)
    assert {("browser", 1 * 1 * 30)} == {(each.process, each.rarity) for each in found.ranked[2:]}
    assert ("203.0.113.2", True) == (found.rarest[0].value, found.rarest[0].new)


def test_new_begins_exactly_one_day_before_the_end() -> None:
    """A row first seen 24 hours before the end is new, and one seen a moment earlier is not."""
    found = summary([row("a", "curl", "192.0.2.1", 1), row("a", "curl", "192.0.2.2", 1.00001)])

    assert ["192.0.2.1"] == [each.destination for each in found.ranked]
    assert (1, 1, 1, END - timedelta(days=1)) == (
        found.new_rows, found.new_devices, found.new_destinations, found.new_since
    )  # fmt: skip


def test_new_on_a_device_is_not_yet_new_in_the_fleet() -> None:
    """Destinations that no device had used before are counted apart from those new on one device."""
    found = summary([row("a", "curl", "192.0.2.1", 0.5), row("a", "curl", "192.0.2.2", 0.5)], [row("b", "curl", "192.0.2.1", 5)])  # fmt: skip

    assert (2, 1) == (found.new_destinations, found.first_destinations)


def test_each_day_counts_new_and_known_destinations() -> None:
    """A destination is new on the day it is first seen, and known on each later day until it is last seen."""
    early = f"{END - timedelta(days=4.5):%Y-%m-%dT%H:%M:%S}Z"
    found = summary([row("a", "curl", "192.0.2.1", 6.5, LastSeen=early), row("a", "curl", "192.0.2.2", 2.5)])

    assert [(1, 0), (0, 1), (0, 1), (0, 0), (1, 0), (0, 1), (0, 1)] == [(d.new, d.known) for d in found.days]
    assert (END - timedelta(days=7), END - timedelta(days=1)) == (found.days[0].start, found.days[-1].start)


def test_rows_that_differ_by_port_alone_become_one() -> None:
    """A scan of 1,000 ports is one ranked row with all its connections and ten of its ports."""
    scan = [row("a", "nmap", "192.0.2.1", 0.5, RemotePort=n, Connections=1) for n in range(1_000)]
    found = summary(scan)

    assert [(1_000, 10)] == [(each.connections, len(each.ports)) for each in found.ranked]
    assert 1_000 == found.new_rows


def test_only_the_thousand_rarest_new_rows_are_kept() -> None:
    """Of 4,000 new rows the same 1,000 are kept, in whatever order they come."""
    rows = [row("a", f"p{n % 70}", f"2001:db8::{n:x}", 0.5) for n in range(4_000)]
    once, again = summary(rows), summary(rows[::-1])

    assert 1_000 == len(once.ranked)
    assert once == again


@pytest.mark.fault("A26", before="assert 400 < 0: every row of the device whose id came last was left out")
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_lots_decide_among_rows_that_are_as_rare(names: str) -> None:
    """Where ties must be cut, nobody's rows are left out for the name of their device or their addresses."""
    mine, noise = names
    rows = [row(mine, f"m{n}", f"2001:db8:ff::{n:x}", 0.5) for n in range(1_000)]
    rows += [row(noise, f"n{n}", f"2001:db8::{n:x}", 0.5) for n in range(1_000)]
    found = summary(rows)
    kept = sum(each.device_id == mine * 40 for each in found.ranked)

    assert 400 < kept < 600
    assert (1_000, 1_000) == (len(found.ranked), found.ties)
    assert 15 < sum(each.value.startswith("2001:db8:ff") for each in found.rarest) < 35


def test_lots_are_the_same_for_a_sweep_and_others_for_the_next() -> None:
    """Worked on again, a sweep keeps the same rows; one planned a microsecond later draws other lots."""
    one, again, later = (Lots(END + timedelta(microseconds=n)).draw("a", ("b", "c")) for n in (0, 0, 1))

    assert one == again != later


def test_left_out_rows_are_counted_with_all_their_ports() -> None:
    """Ties are counted in rows, of which a line that is kept may have several, in whatever order they come."""
    rows = [
        row("a", f"p{n}", f"2001:db8::{n:x}", 0.5, RemotePort=port)
        for n in range(1_500)
        for port in (80, 443, 444)
    ]
    rarer = [row("b", "p0", "203.0.113.1", 0.5)]

    assert {1_500} == {summary(each).ties for each in (rows, rows[::-1], rows[2_000:] + rows[:2_000])}
    assert 0 == summary(rows[:900], rarer).ties


@pytest.mark.fault("C", before="with the days of one device: 192.0.2.1 has 1 where 2 were expected")
def test_days_are_counted_over_devices_and_not_on_one_alone() -> None:
    """A destination used by two devices, each on a day of its own, was seen on two days; one device's five count."""
    early, late = (f"{END - timedelta(days=n):%Y-%m-%dT%H:%M:%S}Z" for n in (5, 0.5))
    found = summary(
        [
            row("a", "curl", "192.0.2.1", 5, LastSeen=early),
            row("a", "curl", "192.0.2.2", 5, Days=5, LastSeen=early),
        ],
        [row("b", "curl", "192.0.2.1", 0.5, LastSeen=late), row("b", "curl", "192.0.2.2", 5, LastSeen=early)],
    )

    assert {"192.0.2.1": 2, "192.0.2.2": 5} == {each.value: each.days for each in found.rarest}
    assert [2] == [each.days for each in found.ranked]


@pytest.mark.fault("C", before="with `>` in new_rows: ['192.0.2.1'] == []")
def test_new_rows_begin_exactly_one_day_before_the_end() -> None:
    """For comments and for the rows that are served, too, a row first seen 24 hours before the end is new."""
    rows = [row("a", "curl", "192.0.2.1", 1), row("a", "curl", "192.0.2.2", 1.00001)]
    rows[0]["FirstSeen"] = f"{END - timedelta(days=1):%Y-%m-%dT%H:%M:%S.%f}"
    schema = [{"name": name, "type": TYPES.get(name, "String")} for name in rows[0]]
    answer = decode_answer(json.dumps({"schema": schema, "results": rows}).encode())

    assert ["192.0.2.1"] == [
        each["RemoteIP"] for _, each in new_rows(answer, "FirstSeen", END - timedelta(days=1))
    ]


def test_rows_in_parts_give_the_same_summary() -> None:
    """It makes no difference whether the rows come in three parts or all at once."""
    rows = [[row(d, f"p{n % 7}", f"192.0.2.{n % 50}", n % 6) for n in range(200)] for d in "abc"]

    assert summary([each for part in rows for each in part]) == summary(*rows)


def test_a_process_is_counted_over_the_whole_fleet() -> None:
    """Its connections are added up over all devices, and each device and destination counts once."""
    found = summary([row("a", "curl", "192.0.2.1"), row("a", "curl", "192.0.2.2")], [row("b", "curl", "192.0.2.1")])  # fmt: skip
    (process,) = found.processes

    assert ("curl", 6, 2, 2) == (process.name, process.connections, process.devices, process.destinations)


def test_rows_without_an_address_are_compared_by_text() -> None:
    """Where a hunt has no addresses, a row counts the devices that have the same text, such as a command."""
    rows = [
        {"DeviceId": d * 40, "DeviceName": d, "Command": c, "FirstSeen": f"{END:%Y-%m-%dT%H:%M:%S}Z"}
        for d, c in (("a", "whoami"), ("b", "whoami"), ("a", "id"))
    ]
    found = summary(rows, columns=["DeviceId", "DeviceName", "Command", "FirstSeen"])

    assert [("id", 1), ("whoami", 2), ("whoami", 2)] == [(r.destination, r.devices) for r in found.ranked]


def test_a_sweep_without_rows_has_an_empty_summary() -> None:
    """Nothing is ranked, and each of the seven days is still listed."""
    found = summary([])

    assert (0, (), (), 7) == (found.rows, found.ranked, found.rarest, len(found.days))


def test_what_is_not_an_answer_of_graph_is_refused() -> None:
    """Data in another form is an error, so that it is never counted as an answer without rows."""
    with pytest.raises(GraphError):
        Tally(HUNT, Window(END - timedelta(days=7), END)).count(b"[]")
