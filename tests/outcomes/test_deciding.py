"""How a hunt ended: no outcome ever reads as another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.model.entity import Device
from shared.model.finding import Found, Part
from shared.model.hunt import AppliesTo, Hunt
from shared.model.outcome import DeviceEnding, Outcome, Window
from shared.outcomes.deciding import decide

ID, OTHER = "0f" * 20, "1e" * 20
DAY = Window(datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 24, 12, tzinfo=UTC))
WEB, APP = Device(ID, "web01"), Device(OTHER, "app01")


def hunt(entity: str = "device", **fields: object) -> Hunt:
    """Return a hunt for Linux."""
    return Hunt(
        name="a-hunt", title="A hunt", id="1", version="2.0.0", query="A", entity=entity,
        applies_to=AppliesTo(("Linux",)), **fields,
    )  # fmt: skip


def card(
    device_id: str = ID,
    name: str = "web01.contoso.com",
    seen: str = "2026-11-24T11:00:00Z",
    system: str = "Linux",
) -> dict[str, str]:
    """Return a row of the device card."""
    return {
        "DeviceId": device_id, "DeviceName": name, "OSPlatform": system, "DeviceType": "Server", "LastSeen": seen,
    }  # fmt: skip


def rows(*keys: str) -> Found:
    """Return an answer with one row under each of *keys*."""
    return Found("a-hunt", rows=len(keys), per_entity={key: Part(1, "") for key in keys})


def ended(*cards: dict[str, str], device: Device = WEB, found: Found | None = None) -> DeviceEnding:
    """Return how a hunt without rows, or with those of *found*, ended on the one *device*."""
    (each,) = decide(hunt(), found or Found("a-hunt"), DAY, (device,), cards, fair=True).devices
    return each


def test_a_device_that_was_there_and_shows_nothing_is_clean() -> None:
    """It was seen within the window; it goes by the name on its card."""
    assert DeviceEnding("web01.contoso.com", "nothingFound") == ended(card())


@pytest.mark.fault("C", before="it read nothingFound")
@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("2026-11-23T11:59:59.999999Z", "noTelemetry"),
        ("2026-11-23T12:00:00.000000Z", "nothingFound"),
        ("2026-11-24T13:00:00Z", "nothingFound"),
    ],
)
def test_a_device_silent_before_the_window_is_never_called_clean(seen: str, expected: str) -> None:
    """Its last sign lies before the window begins: whatever happened in the window, Defender has not seen it."""
    ending = ended(card(seen=seen))
    reason = "last seen 2026-11-23 11:59 UTC, before the window" if expected == "noTelemetry" else ""

    assert DeviceEnding("web01.contoso.com", expected, reason) == ending


def test_of_several_cards_the_latest_sign_counts() -> None:
    """Two machines called web01, of which one still reports: the window was watched."""
    old = card(OTHER, seen="2026-11-01T00:00:00Z")

    assert "nothingFound" == ended(old, card(), device=Device(name="web01")).outcome
    assert "noTelemetry" == ended(old, device=Device(name="web01")).outcome


@pytest.mark.fault("C", before="it read notApplicable")
def test_a_device_is_excluded_only_by_all_its_cards() -> None:
    """Of two machines with one name, one of the right kind is enough to hunt it."""
    windows = card(OTHER, system="Windows11")
    both = ended(windows, card(), device=Device(name="web01"))
    one = ended(windows, device=Device(name="web01"))

    assert "nothingFound" == both.outcome
    assert ("notApplicable", "it is a Windows11 server, the hunt is for Linux") == (one.outcome, one.reason)


def test_a_device_without_a_card_is_unknown() -> None:
    """It keeps the name, or the id, that it was given."""
    unknown = "Defender has no record of it in the 30 days before"

    assert DeviceEnding("web01", "noTelemetry", unknown) == ended(card(OTHER, "app01"))
    assert DeviceEnding(ID, "noTelemetry", unknown) == ended(device=Device(ID))


@pytest.mark.parametrize("key", [ID, "web01.contoso.com"])
@pytest.mark.parametrize("device", [Device(ID), Device(name="WEB01"), Device(ID, "web01")])
def test_rows_of_a_device_are_found_by_id_or_name(key: str, device: Device) -> None:
    """The card says which name belongs to which id."""
    found = rows(key)

    assert "found" == ended(card(ID.upper(), "WEB01.contoso.com"), device=device, found=found).outcome


def test_rows_of_another_device_are_not_this_ones() -> None:
    """A device whose name begins alike is another."""
    others = Device(name="web011"), APP
    each = decide(hunt(), rows("web011", OTHER), DAY, (WEB, *others), (card(),), fair=True).devices

    assert ["nothingFound", "found", "found"] == [ending.outcome for ending in each]


def test_an_indicator_hunt_needs_no_device() -> None:
    """Rows or none: that is all."""
    for rows, outcome in ((1, "found"), (0, "nothingFound")):
        found = Found("a-hunt", rows=rows)

        assert Outcome("a-hunt", "A hunt", outcome, "", DAY, (), found, "1", "2.0.0") == decide(
            hunt("indicator"), found, DAY, (), None, fair=False
        )


@pytest.mark.parametrize("entity", ["device", "indicator"])
def test_a_hunt_that_failed_was_not_run(entity: str) -> None:
    """Graph's reason is the outcome's, whatever the card says."""
    found = Found("a-hunt", failure="refused")

    assert ("notRun", "refused", ()) == outline(
        decide(hunt(entity), found, DAY, (WEB,), (card(),), fair=True)
    )


def test_the_whole_ends_as_its_best_seen_device() -> None:
    """Found before nothing found, that before silence, and that before another system's."""
    silent, other = card(OTHER, "app01", "2026-11-01T00:00:00Z"), card(OTHER, "app01", system="Windows11")
    nothing = Found("a-hunt")

    def whole(found: Found, *cards: dict[str, str]) -> str:
        return decide(hunt(), found, DAY, (WEB, APP), cards, fair=True).outcome

    assert "found" == whole(rows(ID), card(), card(OTHER, "app01"))
    assert "nothingFound" == whole(nothing, card(), silent)
    assert "noTelemetry" == whole(nothing, card(system="Windows11"), silent)
    assert "notApplicable" == whole(nothing, card(system="Windows11"), other)


def test_a_reason_is_the_wholes_only_if_all_share_it() -> None:
    """Devices with different reasons keep their own."""
    unknown = "Defender has no record of it in the 30 days before"
    silent = card(OTHER, "app01", "2026-11-01T00:00:00Z")

    whole = [decide(hunt(), Found("a-hunt"), DAY, (WEB, APP), c, fair=True) for c in ((), (silent,))]

    assert [unknown, ""] == [each.reason for each in whole]


def outline(outcome: Outcome) -> tuple[str, str, tuple[DeviceEnding, ...]]:
    """Return what an outcome says."""
    return outcome.outcome, outcome.reason, outcome.devices
