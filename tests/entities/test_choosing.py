"""Which of the entities that an incident names are hunted, and what is said of the rest."""

from __future__ import annotations

from shared.entities.choosing import Limits, Seen, choose, limit
from shared.model.entity import Chosen, Device, Dropped, Indicator

ID, OTHER = "0f" * 20, "1e" * 20
LIMITS = Limits()
IP, PRIVATE = Indicator("ip", "198.51.100.1"), Indicator("ip", "10.1.2.3")


def chosen(*found: tuple[Device | Indicator, str], limits: Limits = LIMITS, private: bool = False) -> Chosen:
    """Return what one run hunts for among entities, each with its verdict."""
    return limit(choose(((one, Seen(verdict)) for one, verdict in found), limits, private=private), limits)


def test_what_later_evidence_knows_of_a_device_is_added() -> None:
    """Its name and system are those of the first piece that has them."""
    found = chosen(
        (Device(ID), ""),
        (Device(ID, "web01"), ""),
        (Device(ID, "", "Linux"), ""),
        (Device(ID, "other", "Windows11"), ""),
    )

    assert (Device(ID, "web01", "Linux"),) == found.devices


def test_devices_are_told_apart_by_id_else_by_name() -> None:
    """Case makes no difference to a name, and the first spelling is kept."""
    found = chosen(
        (Device(ID, "web01"), ""),
        (Device(OTHER, "web01"), ""),
        (Device(name="App01"), ""),
        (Device(name="APP01"), ""),
    )

    assert (Device(ID, "web01"), Device(OTHER, "web01"), Device(name="App01")) == found.devices


def test_an_entitys_worst_verdict_counts() -> None:
    """In whatever order the pieces come; equals keep their order."""
    first, second, third = (Indicator("ip", f"198.51.100.{n}") for n in (1, 2, 3))
    found = chosen(
        (first, ""),
        (second, "malicious"),
        (second, ""),
        (third, "suspicious"),
        (third, "malicious"),
        (first, "other"),
    )

    assert (second, third, first) == found.indicators


def test_kinds_stand_in_one_order_whatever_their_verdicts() -> None:
    """Addresses, URLs, domains, hashes."""
    listed = [
        Indicator("fileHash", "a1" * 20), Indicator("domain", "evil.example"),
        Indicator("url", "evil.example/a"), Indicator("ip", "198.51.100.1"),
    ]  # fmt: skip

    assert tuple(listed[::-1]) == chosen(*((one, "malicious") for one in listed)).indicators


def test_the_limit_is_one_of_each_kind() -> None:
    """What lies beyond it is named, with the setting."""
    listed = [Indicator("ip", f"198.51.100.{n}") for n in range(3)] + [
        Indicator("domain", f"{n}.example.com") for n in range(3)
    ]
    found = chosen(*((one, "") for one in listed), limits=Limits(indicators=2, devices=1))

    assert (*listed[:2], *listed[3:5]) == found.indicators
    assert (
        Dropped("ip", "198.51.100.2", "beyond 2 of a kind (MAX_INDICATORS)"),
        Dropped("domain", "2.example.com", "beyond 2 of a kind (MAX_INDICATORS)"),
    ) == found.dropped


def test_a_dropped_device_is_named_as_it_was() -> None:
    """By its name, or by its id where it has none."""
    named, bare = Device(ID, "Web01"), Device(OTHER)
    found = chosen((Device(name="first"), ""), (named, ""), (bare, ""), limits=Limits(devices=1))

    assert [(OTHER, "beyond 1 devices (MAX_DEVICES)")] == [
        (drop.value, drop.reason) for drop in found.dropped if drop.kind == "device" and drop.value == OTHER
    ]
    assert 2 == len(found.dropped)


def test_each_entity_is_dropped_once_and_for_its_first_reason() -> None:
    """Clean before ignored, and ignored before private."""
    limits = Limits(ignored=frozenset({"10.0.0.0/8", "198.51.100.1"}))

    assert (
        Dropped("ip", "10.1.2.3", "on IGNORE_INDICATORS"),
        Dropped("ip", "198.51.100.1", "verdict clean"),
    ) == chosen(
        (PRIVATE, ""), (IP, "noThreatsFound"), (IP, ""), (PRIVATE, "noThreatsFound"), limits=limits
    ).dropped
    assert (Dropped("ip", "10.1.2.3", "private or reserved address"),) == chosen((PRIVATE, "")).dropped
    assert () == chosen((PRIVATE, ""), private=True).dropped


def test_a_clean_device_is_dropped() -> None:
    """A device is neither ignored nor private."""
    assert (Dropped("device", ID, "verdict clean"),) == chosen((Device(ID), "noThreatsFound")).dropped


def test_the_limits_are_50_devices_and_100_indicators_unless_set() -> None:
    """Nothing is ignored."""
    assert (50, 100, frozenset()) == (Limits().devices, Limits().indicators, Limits().ignored)
