"""How a hunt ended on each device: nothing is said of a device that its rows, or its card, do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.model.entity import Device
from shared.model.hunt import AppliesTo, Hunt
from shared.model.outcome import Outcome, Window
from shared.outcomes.deciding import decide
from shared.outcomes.summarizing import summarize

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=1), NOW)
OPEN = Window(NOW - timedelta(days=1), NOW, over=NOW + timedelta(hours=2))
HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceEvents")
ONE, TWO = Device("1" * 40, "srv-1"), Device("2" * 40, "srv-2")
SERVER = {"OSPlatform": "Linux", "DeviceType": "Server"}
CARDS = tuple(
    {"DeviceId": d.id, "DeviceName": f"{d.name}.contoso.com", "LastSeen": "2026-11-24T11:00:00Z", **SERVER}
    for d in (ONE, TWO)
)


def end(
    *rows: dict[str, Any],
    devices: tuple[Device, ...] = (ONE, TWO),
    cards: tuple[dict[str, str], ...] | None = CARDS,
    window: Window = WINDOW,
    most: int = 10,
    fair: bool = False,
    hunt: Hunt = HUNT,
) -> Outcome:
    """Decide how *hunt* ended with this answer, of which *most* rows count."""
    names = tuple(dict.fromkeys(name for row in rows for name in row)) or ("DeviceId",)
    raw = json.dumps({"schema": [{"name": n, "type": "String"} for n in names], "results": rows}).encode()
    found = summarize(hunt, raw, max_rows=most, seconds=0)
    return decide(hunt, found, window, devices, cards, fair=fair)


def each(outcome: Outcome) -> list[str]:
    """Return how the hunt ended on each device, as `srv-1 found`."""
    return [f"{device.device.split('.')[0]} {device.outcome}" for device in outcome.devices]


@pytest.mark.fault("A2", before="['srv-1 found', 'srv-2 nothingFound'] and settled")
def test_a_device_may_be_cut_off() -> None:
    """Of a device without rows in an answer that was cut, nobody can say that nothing was found."""
    rows = [{"DeviceId": ONE.id, "N": str(n)} for n in range(4)]
    cut, whole, fair = end(*rows, most=3), end(*rows, most=4), end(*rows, most=3, fair=True)

    assert ["srv-1 found", "srv-2 notRun"] == each(cut)
    assert "the answer was cut off after 3 rows" in cut.devices[1].reason
    assert ["srv-1 found", "srv-2 nothingFound"] == each(whole) == each(fair)


@pytest.mark.fault("A3", before="['srv-1 found', 'srv-2 noTelemetry']: Defender has no record of it")
def test_without_cards_a_device_without_rows_is_not_run() -> None:
    """Nobody knows whether it sent anything; with no rows at all, so it is for the hunt as a whole."""
    found, empty = end({"DeviceId": ONE.id}, cards=None), end(cards=None)

    assert ["srv-1 found", "srv-2 notRun"] == each(found)
    assert ("notRun", []) == (empty.outcome, each(empty))
    assert empty.reason.startswith("it returned no rows, but the device card could not be read")


@pytest.mark.fault("A6", before="found, and ['srv-1 nothingFound', 'srv-2 nothingFound'] at once")
def test_rows_that_name_no_device_are_found_for_the_run() -> None:
    """It is said that they do not tell which device they are about, and nothing is said of any."""
    outcome = end({"Account": "a"}, {"Account": "b"})

    assert ("found", []) == (outcome.outcome, each(outcome))
    assert "2 of its 2 rows name none of these devices" == outcome.reason


@pytest.mark.fault("A6", before="['srv-1 found', 'srv-2 nothingFound'], beside a row of an unknown device")
def test_one_row_that_names_no_device_is_enough() -> None:
    """It may be about any of them: only those with rows of their own are named."""
    outcome = end({"DeviceId": ONE.id}, {"DeviceId": "9" * 40})

    assert ["srv-1 found"] == each(outcome)
    assert outcome.reason.startswith("1 of its 2 rows")


@pytest.mark.fault("A22", before="['srv-1 found', 'srv-2 found']: every device known by its name alone")
def test_a_row_without_a_device_id_marks_no_device() -> None:
    """A device known by name is found by its name, or by the id that rows or cards give for it."""
    by_name = (Device(name="srv-1"), Device(name="srv-2"))
    empty = end({"DeviceId": "", "DeviceName": ""}, devices=by_name)
    named = end({"DeviceId": "", "DeviceName": "SRV-2.contoso.com"}, devices=by_name)
    by_card = end({"DeviceId": TWO.id.upper(), "DeviceName": ""}, devices=by_name)
    by_row = end({"DeviceId": "7" * 40, "DeviceName": "srv-2.contoso.com"}, devices=by_name, cards=None)

    assert ("found", []) == (empty.outcome, each(empty))
    assert ["srv-1 nothingFound", "srv-2 found"] == each(named) == each(by_card)
    assert ["srv-1 notRun", "srv-2 found"] == each(by_row)


def test_an_open_window_ends_as_nothing_found_so_far() -> None:
    """So does every device of it, and an indicator hunt; what was found is found."""
    indicators = Hunt(name="b", title="B", id="2", version="1", query="x", entity="indicator")

    assert ["srv-1 nothingSoFar", "srv-2 nothingSoFar"] == each(end(window=OPEN))
    assert ["nothingSoFar", "nothingFound", "nothingSoFar"] == [
        end(window=OPEN).outcome, end().outcome, end(window=OPEN, hunt=indicators).outcome
    ]  # fmt: skip
    assert "found" == end({"DeviceId": ONE.id}, window=OPEN).outcome


def test_silence_and_the_other_kind_come_before_a_cut() -> None:
    """A device that sent nothing in the window, or is of another kind, cannot have been cut off."""
    silent = {**CARDS[1], "LastSeen": "2026-11-20T00:00:00Z"}
    other = {**CARDS[1], "OSPlatform": "Windows11"}
    rows = [{"DeviceId": ONE.id, "N": str(n)} for n in range(4)]
    linux = Hunt(name="c", title="C", id="3", version="1", query="x", applies_to=AppliesTo(("Linux",)))

    assert ["srv-1 found", "srv-2 noTelemetry"] == each(end(*rows, most=3, cards=(CARDS[0], silent)))
    assert ["srv-1 found", "srv-2 notApplicable"] == each(
        end(*rows, most=3, cards=(CARDS[0], other), hunt=linux)
    )


def test_an_indicator_hunt_that_was_cut_says_so() -> None:
    """Unless its rows were taken fairly, all rows of an indicator may be among those left out."""
    hunt = Hunt(name="b", title="B", id="2", version="1", query="x", entity="indicator", kinds=("ip",))
    rows = [{"Indicator": "203.0.113.9", "N": str(n)} for n in range(4)]
    unfair, fair = end(*rows, most=3, hunt=hunt), end(*rows, most=3, hunt=hunt, fair=True)

    assert ["found", "found"] == [unfair.outcome, fair.outcome]
    assert "all rows of some indicators may be among those left out" in unfair.reason
    assert "" == fair.reason
    assert {"203.0.113.9": 3} == {key: part.rows for key, part in fair.found.per_entity.items()}


def test_rows_that_cannot_be_read_may_be_anybodys() -> None:
    """A device without rows of its own is then *not run*, and says why."""
    raw = json.dumps({"schema": [{"name": "DeviceId", "type": "String"}], "results": [{"DeviceId": ONE.id}]})
    found = replace(summarize(HUNT, raw.encode(), max_rows=10, seconds=0), unreadable=2)
    outcome = decide(HUNT, found, WINDOW, (ONE, TWO), CARDS, fair=True)

    assert ["srv-1 found", "srv-2 notRun"] == each(outcome)
    assert "2 rows could not be read, and may be about it" == outcome.devices[1].reason


BY_NAME = replace(HUNT, tables=("IdentityLogonEvents",))


def test_a_row_under_a_short_name_is_the_devices_whose_full_name_it_begins() -> None:
    """Where the hunt reads what Defender for Identity writes, and no other device of the run has that short name."""
    bare = ({**CARDS[0], "DeviceName": "srv-1"}, CARDS[1])
    twins = (CARDS[0], {**CARDS[1], "DeviceName": "srv-1.example.com"})
    short, full = {"DeviceName": "SRV-1"}, {"DeviceName": "srv-1.contoso.com"}

    assert ["srv-1 found", "srv-2 nothingFound"] == each(end(short, hunt=BY_NAME))
    assert ["srv-1 found", "srv-2 nothingFound"] == each(end(full, hunt=BY_NAME, cards=bare))
    assert "1 of its 1 rows name none of these devices" == end(short, hunt=BY_NAME, cards=twins).reason
    assert ["srv-1 nothingFound", "srv-1 found"] == each(
        end({"DeviceName": "srv-1.example.com"}, hunt=BY_NAME, cards=twins)
    )
    assert [] == each(end({"DeviceName": "srv-10"}, hunt=BY_NAME)) == each(end({"DeviceName": "srv-3"}))


def test_a_device_without_a_name_is_not_looked_for_by_its_name() -> None:
    """It is not run, unless rows of other tables are its own; a hunt by ids has looked at it."""
    cards = ({**CARDS[0], "DeviceName": ""}, CARDS[1])
    outcome = end(hunt=BY_NAME, cards=cards)

    assert ["notRun", "nothingFound"] == [device.outcome for device in outcome.devices]
    assert "it is looked for by its name, and Defender has none for it" == outcome.devices[0].reason
    assert "found" == end({"DeviceId": ONE.id}, hunt=BY_NAME, cards=cards).devices[0].outcome
    assert ["nothingFound", "nothingFound"] == [device.outcome for device in end(cards=cards).devices]
