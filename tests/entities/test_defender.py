"""Which entities a run hunts for."""

from __future__ import annotations

from typing import Any

import pytest

from shared.entities.choosing import Limits
from shared.entities.defender import from_evidence
from shared.entities.indicators import is_private, parse_device, parse_indicator
from shared.entities.request import from_request
from shared.errors import InvalidRequest
from shared.model.entity import Device, Dropped, Indicator, IndicatorKind, same_device

SHA1, SHA256, MD5 = "a1" * 20, "b2" * 32, "c3" * 16
DEVICE_ID = "0f" * 20


def evidence(kind: str, verdict: str = "unknown", **fields: Any) -> dict[str, Any]:
    """One piece of evidence as Graph writes it."""
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "verdict": verdict, **fields}


def ip(address: str, verdict: str = "unknown") -> dict[str, Any]:
    """An address as evidence."""
    return evidence("ip", verdict, ipAddress=address)


def device(name: str, verdict: str = "unknown", device_id: str = "") -> dict[str, Any]:
    """A device as evidence."""
    return evidence("device", verdict, deviceDnsName=name, mdeDeviceId=device_id, osPlatform="Linux")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("198.51.100.7", "ip", "198.51.100.7"),
        ("198[.]51[.]100[.]7", "ip", "198.51.100.7"),
        ("2001:DB8:0::1", "ip", "2001:db8::1"),
        ("2001:db8[::]1", "ip", "2001:db8::1"),
        ("[2001:db8::1]", "ip", "2001:db8::1"),
        (SHA256.upper(), "fileHash", SHA256),
        (SHA1, "fileHash", SHA1),
        (MD5, "fileHash", MD5),
        ("Evil.Example.", "domain", "evil.example"),
        ("evil[.]example", "domain", "evil.example"),
        ("bücher.example", "domain", "xn--bcher-kva.example"),
        ("hxxps://evil[.]example/a/", "url", "evil.example/a"),
        ("HXXP[:]//evil[.]example/A?b=c", "url", "evil.example/A?b=c"),
        ("evil.example/a", "url", "evil.example/a"),
        ("http://198.51.100.7:8080/x", "url", "198.51.100.7:8080/x"),
    ],
)
def test_kind(text: str, kind: IndicatorKind, value: str) -> None:
    """An indicator's kind is guessed and its defanging undone."""
    assert Indicator(kind, value) == parse_indicator(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", None),
        ("   ", None),
        ("not an indicator", None),
        ("localhost", None),
        ("evil.example", "ip"),
        ("198.51.100.7", "domain"),
        ("198.51.100.256", "ip"),
        ("a1" * 21, "fileHash"),
        ("https://", "url"),
        ("https://[/", "url"),
        ("https://evil.example/" + "a" * 2_048, "url"),
        ("\ud800.example", None),
    ],
)
def test_no_indicator(text: str, kind: IndicatorKind | None) -> None:
    """What is no indicator, or not of the kind that was named, is refused."""
    with pytest.raises(InvalidRequest, match="is no "):
        parse_indicator(text, kind)


def test_device() -> None:
    """Forty hexadecimal digits are an id, all else is a name."""
    assert Device(id=DEVICE_ID) == parse_device(f" {DEVICE_ID.upper()} ")
    assert Device(name="web01") == parse_device("web01")


@pytest.mark.parametrize("text", ["", " ", "x" * 256])
def test_no_device(text: str) -> None:
    """A device needs a name of at most 255 characters."""
    with pytest.raises(InvalidRequest, match="give its name or its 40-digit Defender id"):
        parse_device(text)


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("web01", "web01.contoso.com", True),
        ("WEB01.contoso.com", "web01.contoso.com", True),
        ("web01", "web011.contoso.com", False),
        ("", "", False),
    ],
)
def test_same_device(name: str, row: str, expected: bool) -> None:
    """A short name stands for the full one, and for no other."""
    assert expected == same_device(Device(name=name), "", row)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("fe80::1", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:198.51.100.7", False),
        ("198.51.100.7", False),
        ("2001:db8::1", False),
    ],
)
def test_private(address: str, expected: bool) -> None:
    """Addresses that mean another machine in every network are private, however they are written."""
    assert expected == is_private(parse_indicator(address))


def test_worst_verdict_first() -> None:
    """Malicious comes before suspicious, and that before what has no verdict; what is clean is dropped."""
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


def test_two_verdicts() -> None:
    """What one alert clears and another accuses is hunted, and not also said to be dropped."""
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


def test_caps() -> None:
    """Beyond the caps the least suspicious is dropped, with the setting's name."""
    items = [ip(f"198.51.100.{n}") for n in range(3)] + [ip("198.51.100.9", "malicious")]
    items += [device(f"web{n}") for n in range(3)]

    chosen = from_evidence(items, Limits(devices=1, indicators=2), private=False)

    assert ["198.51.100.9", "198.51.100.0"] == [i.value for i in chosen.indicators]
    assert ["web0"] == [d.name for d in chosen.devices]
    assert {("198.51.100.1", "MAX_INDICATORS"), ("198.51.100.2", "MAX_INDICATORS"), ("web1", "MAX_DEVICES"),
            ("web2", "MAX_DEVICES")} == {(d.value, d.reason.split("(")[1].strip(")")) for d in chosen.dropped}  # fmt: skip


def test_what_is_read() -> None:
    """Each kind of evidence yields what can be hunted, and the rest yields nothing."""
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
def test_ignored(entry: str, item: dict[str, Any]) -> None:
    """A network, a domain with all below it, and a hash can be ignored."""
    chosen = from_evidence([item], Limits(ignored=frozenset({entry})), private=False)

    assert () == chosen.indicators
    assert ["on IGNORE_INDICATORS"] == [drop.reason for drop in chosen.dropped]


def test_ignored_neighbour() -> None:
    """A domain that only ends in the same letters is not ignored."""
    item = evidence("url", url="https://evilcontoso.com/a")

    chosen = from_evidence([item], Limits(ignored=frozenset({"contoso.com"})), private=False)

    assert ["evilcontoso.com/a"] == [i.value for i in chosen.indicators]


def test_private_evidence() -> None:
    """Private addresses are hunted only where the run names its hunts."""
    items = [ip("10.1.2.3")]

    assert () == from_evidence(items, Limits(), private=False).indicators
    assert (Indicator("ip", "10.1.2.3"),) == from_evidence(items, Limits(), private=True).indicators


def test_request() -> None:
    """What a caller names twice is hunted once."""
    one, indicator = Device(name="web01"), Indicator("ip", "198.51.100.7")

    chosen = from_request([one, one], [indicator, indicator], Limits())

    assert ((one,), (indicator,)) == (chosen.devices, chosen.indicators)


def test_request_all_ignored() -> None:
    """A request of which nothing is left is refused."""
    with pytest.raises(InvalidRequest, match="nothing is left to hunt for"):
        from_request([], [Indicator("domain", "contoso.com")], Limits(ignored=frozenset({"contoso.com"})))


def test_request_too_much() -> None:
    """A caller's entities are refused, not cut, beyond the caps."""
    indicators = [Indicator("ip", f"198.51.100.{n}") for n in range(3)]

    with pytest.raises(InvalidRequest, match="3 indicators of kind ip: one run takes at most 2"):
        from_request([], indicators, Limits(indicators=2))
    with pytest.raises(InvalidRequest, match="2 devices: one run takes at most 1"):
        from_request([Device(name="web01"), Device(name="web02")], [], Limits(devices=1))
