"""Which entities from a Defender incident's evidence a run hunts for."""

from __future__ import annotations

from typing import Any

import pytest

from shared.entities.choosing import Limits, limit
from shared.entities.defender import from_evidence
from shared.model.entity import Device, Dropped, Indicator

SHA1, SHA256 = "a1" * 20, "b2" * 32
DEVICE_ID = "0f" * 20


def evidence(kind: str, verdict: str = "unknown", **fields: Any) -> dict[str, Any]:
    """Return one piece of evidence as Graph writes it."""
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "verdict": verdict, **fields}


def ip(address: str, verdict: str = "unknown") -> dict[str, Any]:
    """Return an address as evidence."""
    return evidence("ip", verdict, ipAddress=address)


def device(name: str, verdict: str = "unknown", device_id: str = "") -> dict[str, Any]:
    """Return a device as evidence."""
    return evidence("device", verdict, deviceDnsName=name, mdeDeviceId=device_id, osPlatform="Linux")


def test_the_worst_verdict_comes_first() -> None:
    """Malicious comes before suspicious, and both before no verdict; what is clean is dropped."""
    chosen = from_evidence(
        [
            ip("198.51.100.1"),
            ip("198.51.100.2", "suspicious"),
            ip("198.51.100.3", "noThreatsFound"),
            ip("198.51.100.4", "malicious"),
        ],
        Limits(),
        private=False,
    )

    assert ["198.51.100.4", "198.51.100.2", "198.51.100.1"] == [i.value for i in chosen.indicators]
    assert (Dropped("ip", "198.51.100.3", "verdict clean"),) == chosen.dropped


def test_an_entity_both_cleared_and_accused_is_hunted() -> None:
    """If alerts disagree about an entity, it is not reported as dropped."""
    items = [
        ip("198.51.100.1", "noThreatsFound"),
        device("web01", "noThreatsFound", DEVICE_ID),
        ip("198.51.100.1", "malicious"),
        device("web01", "suspicious", DEVICE_ID),
    ]

    chosen = from_evidence(items, Limits(), private=False)

    assert (Device(DEVICE_ID, "web01", "Linux"),) == chosen.devices
    assert (Indicator("ip", "198.51.100.1"),) == chosen.indicators
    assert () == chosen.dropped


def test_the_least_suspicious_are_dropped_beyond_the_caps() -> None:
    """The reason names the setting that limits their number."""
    items = [ip(f"198.51.100.{n}") for n in range(3)] + [ip("198.51.100.9", "malicious")]
    items += [device(f"web{n}") for n in range(3)]

    limits = Limits(devices=1, indicators=2)
    chosen = limit(from_evidence(items, limits, private=False), limits)

    assert ["198.51.100.9", "198.51.100.0"] == [i.value for i in chosen.indicators]
    assert ["web0"] == [d.name for d in chosen.devices]
    assert {("198.51.100.1", "MAX_INDICATORS"), ("198.51.100.2", "MAX_INDICATORS"), ("web1", "MAX_DEVICES"),
            ("web2", "MAX_DEVICES")} == {(d.value, d.reason.split("(")[1].strip(")")) for d in chosen.dropped}  # fmt: skip


def test_only_evidence_that_can_be_hunted_is_read() -> None:
    """The domain of a malicious URL is read as well; users and unsuspicious processes yield nothing."""
    chosen = from_evidence(
        [
            device("web01", device_id=DEVICE_ID.upper()),
            evidence("url", "malicious", url="https://evil.example/a"),
            evidence("url", "suspicious", url="https://cdn.example/b"),
            evidence("file", fileDetails={"sha256": SHA256, "sha1": SHA1}),
            evidence("process", "suspicious", imageFile={"sha256": SHA256}),
            evidence("process", imageFile={"sha1": "d4" * 20}),
            evidence("user", userAccount={"accountName": "svc"}),
            evidence("ip", ipAddress=None),
            {},
        ],
        Limits(),
        private=False,
    )

    assert (Device(DEVICE_ID, "web01", "Linux"),) == chosen.devices
    assert {
        Indicator("url", "evil.example/a"),
        Indicator("domain", "evil.example"),
        Indicator("url", "cdn.example/b"),
        Indicator("fileHash", SHA1),
        Indicator("fileHash", SHA256),
    } == set(chosen.indicators)


@pytest.mark.fault("A18", before="assert (Dropped('ip', '203.0.113.0/24', …), …) == ()")
def test_evidence_that_cannot_be_read_is_listed_as_dropped() -> None:
    """The reason says why; the address of a malicious URL is hunted, and a bare host is no unreadable URL."""
    items = [
        ip("203.0.113.0/24"),
        evidence("url", url="evil dot example"),
        evidence("url", "malicious", url="http://198.51.100.7/x"),
        evidence("url", url="cdn.example"),
        evidence("file", fileDetails={"sha1": "none"}),
    ]

    chosen = from_evidence(items, Limits(), private=False)
    network = "it is a network, and only single addresses are hunted: give those that matter, each on its own"

    assert (
        Dropped("ip", "203.0.113.0/24", network),
        Dropped("url", "evil dot example", "it is no IP address, URL, domain or file hash"),
        Dropped("fileHash", "none", "it is no MD5, SHA-1 or SHA-256"),
    ) == chosen.dropped
    assert (
        Indicator("ip", "198.51.100.7"),
        Indicator("url", "198.51.100.7/x"),
        Indicator("domain", "cdn.example"),
    ) == chosen.indicators


@pytest.mark.parametrize(
    ("entry", "item"),
    [
        ("198.51.100.0/24", ip("198.51.100.7")),
        ("198.51.100.7", ip("198.51.100.7")),
        ("contoso.com", evidence("url", url="https://www.contoso.com/a")),
        ("198.51.100.0/24", evidence("url", url="http://198.51.100.7:8080/a")),
        (SHA1, evidence("file", fileDetails={"sha1": SHA1.upper()})),
    ],
)
def test_networks_domains_and_hashes_can_be_ignored(entry: str, item: dict[str, Any]) -> None:
    """An ignored domain includes all below it, and an ignored network the URLs on its addresses."""
    chosen = from_evidence([item], Limits(ignored=frozenset({entry})), private=False)

    assert () == chosen.indicators
    assert ["on IGNORE_INDICATORS"] == [drop.reason for drop in chosen.dropped]


def test_a_domain_with_the_same_ending_is_not_ignored() -> None:
    """Ignoring contoso.com leaves evilcontoso.com to be hunted."""
    item = evidence("url", url="https://evilcontoso.com/a")

    chosen = from_evidence([item], Limits(ignored=frozenset({"contoso.com"})), private=False)

    assert ["evilcontoso.com/a"] == [i.value for i in chosen.indicators]


def test_private_addresses_are_hunted_only_in_named_hunts() -> None:
    """If the run names its hunts, 10.1.2.3 is an indicator; otherwise it is dropped."""
    items = [ip("10.1.2.3")]

    assert () == from_evidence(items, Limits(), private=False).indicators
    assert (Indicator("ip", "10.1.2.3"),) == from_evidence(items, Limits(), private=True).indicators
