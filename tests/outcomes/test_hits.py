"""Which rows hold an indicator of the incident, in which order rows are shown, and what counts as one event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.catalog.select import finding_keys
from shared.model.entity import Indicator, IndicatorKind
from shared.model.finding import Found, Group, Place, indicators_digest
from shared.model.hunt import Hunt
from shared.outcomes.hits import hits_in
from shared.outcomes.order import in_order
from shared.outcomes.reading import decode_answer
from shared.outcomes.summarizing import summarize
from tests.support.hunt_files import five_hunts

HUNTS = five_hunts().by_name
BASELINE, ORIGIN = HUNTS["linux-server-egress-baseline"], HUNTS["file-origin"]
SHA1 = "a1" * 20


def answer(*rows: dict[str, Any]) -> bytes:
    """Return Graph's answer with these rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    schema = [{"name": name, "type": "DateTime" if name == "Timestamp" else "String"} for name in names]
    return json.dumps({"schema": schema, "results": [dict.fromkeys(names) | row for row in rows]}).encode()


def found(hunt: Hunt, *rows: dict[str, Any], indicators: tuple[Indicator, ...] = ()) -> Found:
    """Return the summary of an answer with these rows."""
    return summarize(hunt, answer(*rows), max_rows=10_000, seconds=1, indicators=indicators)


@pytest.mark.parametrize(
    ("kind", "value", "text", "holds"),
    [
        ("ip", "203.0.113.9", "203.0.113.9", True), ("ip", "203.0.113.9", "curl http://203.0.113.9:8080/x", True),
        ("ip", "203.0.113.9", "::ffff:203.0.113.9", True), ("ip", "203.0.113.9", "203.0.113.90", False),
        ("ip", "203.0.113.9", "1.203.0.113.9", False), ("ip", "203.0.113.9", "203.0.113.9.example", False),
        ("ip", "203.0.113.9", "up to 203.0.113.9.", True), ("ip", "2001:db8::9", "[2001:DB8::9]:443", True),
        ("ip", "2001:db8::9", "2001:db8::9:1", False), ("domain", "evil.example", "https://a.b.EVIL.example/x", True),
        ("domain", "evil.example", "notevil.example", False), ("domain", "evil.example", "evil.example.contoso.com", False),
        ("domain", "evil.example", "ping evil.example.", True), ("url", "evil.example/a", "http://evil.example/a?b=1", True),
        ("url", "evil.example/a", "evil.example/ab", False), ("url", "evil.example/a&b", "x evil.example/a&b", True),
        ("fileHash", SHA1, SHA1.upper(), True), ("fileHash", SHA1, f"{SHA1}0", False), ("fileHash", SHA1, f"sha1:{SHA1}", True),
    ],
)  # fmt: skip
def test_a_row_holds_an_indicator_as_a_word_of_its_own(
    kind: IndicatorKind, value: str, text: str, holds: bool
) -> None:
    """Whatever the column, and however JSON writes it; a part of another value is none."""
    rows = answer({"A": 7, "B": None, "Text": text}, {"A": True, "B": "x", "Text": "nothing"})
    escaped = rows.replace(b"&", b"\\u0026")

    for raw in (rows, escaped):
        assert ({0: (value,)} if holds else {}) == hits_in(decode_answer(raw), [Indicator(kind, value)])


@pytest.mark.fault("A24", before="2 == 0: the row with the incident's own address was line two of twelve")
def test_hits_lead_however_many_rows_there_are() -> None:
    """Five hundred newer connections of a browser do not push the one to the incident's own address out."""
    noise = [
        {"Timestamp": f"2026-11-24T02:{n // 60:02}:{n % 60:02}Z", "DeviceName": "srv-7", "InitiatingProcessFileName": "firefox",
         "RemoteIP": f"198.51.100.{n % 250}", "RemotePort": 1000 + n} for n in range(500)
    ]  # fmt: skip
    hit = {"Timestamp": "2026-11-23T02:00:00Z", "DeviceName": "srv-7", "InitiatingProcessFileName": "firefox",
           "RemoteIP": "203.0.113.9", "RemotePort": 443}  # fmt: skip
    summary = found(BASELINE, *noise, hit, indicators=(Indicator("ip", "203.0.113.9"),))

    assert ((1, 501, 501), ("203.0.113.9",)) == (
        (summary.hit_rows, summary.rows, summary.events),
        summary.groups[0].hits,
    )
    assert "203.0.113.9" in summary.groups[0].values
    assert all(not group.hits for group in summary.groups[1:])


def group(process: str, address: str, count: int = 1, last: str = "1", hits: tuple[str, ...] = ()) -> Group:
    """Return rows of one process and address."""
    return Group(("srv-7", process, address), count, last, last, hits)


SHOWN = ("DeviceName", "InitiatingProcessFileName", "RemoteIP")


@pytest.mark.fault("A24", before="['firefox', …] == ['python3', …]: rarest first was latest first")
def test_the_rarest_process_comes_first() -> None:
    """Where each connection has an address of its own, that says nothing; the latest of equals come first."""
    groups = [group("firefox", f"198.51.100.{n}", last=f"{n + 10}") for n in range(20)]
    groups += [group("python3", "203.0.113.1", last="2"), group("curl", "203.0.113.2", 2, "3"), group("curl", "203.0.113.3", last="4")]  # fmt: skip

    assert ["python3", "curl", "curl", "firefox", "firefox", "firefox"] == [
        each.values[1] for each in in_order(groups, SHOWN)[:6]
    ]
    assert ["29", "28", "27"] == [each.last for each in in_order(groups, SHOWN)[3:6]]


@pytest.mark.fault("A24", before="twelve rows of one process pushed all others out")
def test_three_rows_of_a_process_come_before_those_of_others() -> None:
    """Among hits, and among the rest; however rare they are."""
    rows = [group("snapd", f"198.51.100.{n}", last=f"{n}") for n in range(9)]
    others = [group("cron", "x", 50), group("sshd", "y", 60)]
    hits = [group("wget", f"203.0.113.{n}", hits=("h",), last=f"{n}") for n in range(5)]
    ordered = [each.values[1] for each in in_order([*others, *rows, *hits], SHOWN)]

    assert ["wget"] * 5 + ["snapd"] * 3 + ["cron", "sshd"] + ["snapd"] * 6 == ordered


def test_rows_without_a_process_are_in_order_of_their_numbers() -> None:
    """What a few rows have in common comes first."""
    groups = [Group((f"{n}",), n, "", "") for n in (3, 1, 2)]

    assert ["1", "2", "3"] == [each.values[0] for each in in_order(groups, ("RemotePort",))]


@pytest.mark.fault("A25", before="2 == 1: one download was two rows, once by its address, once by its domain")
def test_one_event_is_one_row_whatever_it_was_found_by() -> None:
    """Both indicators stand in it; two events are two."""
    event = {
        "Timestamp": "2026-11-24T02:00:00Z",
        "DeviceId": "0f" * 20,
        "DeviceName": "wks-003",
        "FileName": "a.exe",
    }
    rows = [event | {"Indicator": value} for value in ("203.0.113.9", "evil.example")]
    summary = found(ORIGIN, *rows, event | {"Timestamp": "2026-11-24T03:00:00Z", "Indicator": "evil.example"})
    (only,) = summary.groups

    assert (3, 2, 2) == (summary.rows, summary.events, only.count)
    assert "203.0.113.9, evil.example" in only.values
    assert {"203.0.113.9": 1, "evil.example": 2} == {
        key: part.rows for key, part in summary.per_entity.items()
    }


@pytest.mark.fault("A25", before="nothing said that the rows were on devices outside the incident")
def test_an_indicator_hunt_says_which_devices_its_rows_are_on() -> None:
    """Each with its events, the most first; also one that is known by name alone."""
    rows = [
        {"Indicator": "evil.example", "DeviceId": device, "DeviceName": name, "FileName": f"{n}"}
        for n, (device, name) in enumerate([("0F" * 20, "wks-003"), ("0f" * 20, "wks-003"), ("", "wks-9")])
    ]
    summary = found(ORIGIN, *rows)

    assert (Place("0f" * 20, "wks-003", 2), Place("", "wks-9", 1)) == summary.places
    assert 2 == summary.place_count
    assert () == found(BASELINE, {"DeviceName": "srv-7", "DeviceId": "0f" * 20}).places


@pytest.mark.fault("A24", before="each row of an indicator hunt was a hit, so that none of them led")
def test_what_rows_were_found_by_is_no_hit() -> None:
    """Another indicator in them is: the event counts once, leads, and says on which device it is."""
    event = {"DeviceId": "0f" * 20, "DeviceName": "wks-003", "FileName": "b.exe", "SHA1": SHA1}
    other = {"DeviceId": "0e" * 20, "DeviceName": "wks-004", "FileName": "a.exe", "SHA1": "b2" * 20}
    rows = [event | {"Indicator": value} for value in ("203.0.113.9", "EVIL.example")]
    listed = (
        Indicator("ip", "203.0.113.9"),
        Indicator("domain", "evil.example"),
        Indicator("fileHash", SHA1),
    )
    summary = found(ORIGIN, other | {"Indicator": "evil.example"}, *rows, indicators=listed)

    assert (1, (Place("0f" * 20, "wks-003", 1, indicators_digest([SHA1])),), 1) == (
        summary.hit_rows,
        summary.hit_places,
        summary.hit_place_count,
    )
    assert [(SHA1,), ()] == [each.hits for each in summary.groups]
    assert ["b.exe", "b.exe", "a.exe"] == [row["FileName"] for row in summary.first_rows]


def test_hits_of_a_device_hunt_say_which_devices_they_are_on() -> None:
    """Not those of the other rows; an answer without devices names none."""
    rows = [
        {"DeviceId": f"{n:040x}", "DeviceName": f"srv-{n}", "RemoteIP": f"203.0.113.{n}"} for n in (8, 9, 9)
    ]
    listed = (Indicator("ip", "203.0.113.9"),)
    nameless = found(BASELINE, {"RemoteIP": "203.0.113.9"}, indicators=listed)
    summary = found(BASELINE, *rows, indicators=listed)

    assert (2, (Place(f"{9:040x}", "srv-9", 2, indicators_digest(["203.0.113.9"])),), ()) == (
        summary.hit_rows,
        summary.hit_places,
        summary.places,
    )
    assert (1, ()) == (nameless.hit_rows, nameless.hit_places)


def test_a_hit_in_context_is_a_finding_of_its_own() -> None:
    """By its device and indicators, whatever else is there; also where no device is named."""
    row = {"DeviceId": "0f" * 20, "RemoteIP": "203.0.113.9"}
    listed = (Indicator("ip", "203.0.113.9"), Indicator("ip", "203.0.113.8"))
    normal, hit, more, both = (
        finding_keys(BASELINE, found(BASELINE, *rows, indicators=listed))
        for rows in (
            (row | {"RemoteIP": "198.51.100.7"},),
            (row | {"RemoteIP": "198.51.100.7"}, row),
            (row, row | {"RemotePort": 8443}),
            (row, row | {"RemoteIP": "203.0.113.8"}),
        )
    )
    nameless = [
        finding_keys(BASELINE, found(BASELINE, {"RemoteIP": value}, indicators=listed))
        for value in ("198.51.100.7", "203.0.113.9")
    ]

    assert normal < hit == more
    assert normal < both != hit
    assert nameless[0] < nameless[1]


def test_the_order_of_an_answers_rows_makes_no_difference() -> None:
    """Where rows are alike in all that orders them, and an event was found by several indicators."""
    event = {"Timestamp": "2026-11-24T02:00:00Z", "DeviceName": "wks-003", "FileName": "a.exe"}
    rows = [
        event | {"Indicator": value, "SHA1": sha1}
        for value in ("evil.example", "203.0.113.9")
        for sha1 in (SHA1, "b2" * 20)
    ]
    listed = Indicator("ip", "203.0.113.9"), Indicator("domain", "evil.example"), Indicator("fileHash", SHA1)
    one, other = (found(ORIGIN, *each, indicators=listed) for each in (rows, rows[::-1]))

    assert one.groups == other.groups
    assert ["203.0.113.9, evil.example"] * 2 == [each.values[0] for each in one.groups]
