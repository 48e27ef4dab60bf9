"""Which of an incident's entities in Microsoft Sentinel a run hunts for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.entities.choosing import Limits
from shared.entities.sentinel import from_entities
from shared.model.entity import Device, Dropped, Indicator
from shared.sentinel.body import parse
from tests.support.sentinel_bodies import DEVICE_ID, ENTITIES, FLAT, SHA1, entity, pascal, trigger

WANTED = (
    Indicator("ip", "203.0.113.7"),
    Indicator("url", "evil.example/login"),
    Indicator("domain", "evil.example"),
    Indicator("fileHash", SHA1),
)


@pytest.mark.parametrize(
    "listed", [ENTITIES, pascal(ENTITIES), FLAT], ids=["camel", "pascal", "as alerts write it"]
)
def test_entities(listed: list[dict[str, Any]]) -> None:
    """Entities are hunted alike in both casings, with their properties below their kind or beside it."""
    chosen = from_entities(
        parse(json.dumps(trigger(relatedEntities=listed)).encode()).entities, Limits(), private=False
    )

    assert (Device(DEVICE_ID, "wks-0042.corp.contoso.com"),) == chosen.devices
    assert set(WANTED) == set(chosen.indicators)
    assert () == chosen.dropped


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"hostName": "wks", "dnsDomain": "contoso.com"}, Device(name="wks.contoso.com")),
        ({"hostName": "wks.contoso.com", "dnsDomain": "contoso.com"}, Device(name="wks.contoso.com")),
        ({"hostName": "wks"}, Device(name="wks")),
        ({"netBiosName": "WKS"}, Device(name="WKS")),
        ({"hostName": "wks", "mdatpDeviceId": DEVICE_ID}, Device(DEVICE_ID, "wks")),
        ({"hostName": "wks", "additionalData": {"mdatpdeviceid": "no id"}}, Device(name="wks")),
        ({"additionalData": {"MdatpDeviceId": DEVICE_ID}}, Device(DEVICE_ID)),
    ],
)
def test_device(fields: dict[str, Any], expected: Device) -> None:
    """A device has the best name there is, and an id only where it is one of Defender's."""
    assert (expected,) == from_entities([entity("hOsT", **fields)], Limits(), private=False).devices


@pytest.mark.parametrize(
    "item",
    [
        entity("Account", accountName="svc"),
        entity("Host", hostName=None, additionalData=None),
        entity("Ip", address="no address"),
        entity("FileHash", hashValue="a1" * 32, algorithm="SHA256AC"),
        entity("File", fileName="a.exe", fileHashes="none"),
        {"kind": "Ip", "properties": None},
        {"kind": 7},
        {},
    ],
)
def test_nothing_to_hunt(item: dict[str, Any]) -> None:
    """What is no entity that can be hunted yields nothing."""
    chosen = from_entities([item], Limits(), private=False)

    assert ((), (), ()) == (chosen.devices, chosen.indicators, chosen.dropped)


def test_bare_domain() -> None:
    """A domain that an analytics rule calls a URL is hunted as a domain."""
    chosen = from_entities([entity("Url", url="evil.example")], Limits(), private=False)

    assert (Indicator("domain", "evil.example"),) == chosen.indicators


def test_dropped() -> None:
    """Private and ignored entities are dropped with the reasons that evidence has."""
    items = [entity("Ip", address="10.1.2.3"), entity("DnsResolution", domainName="www.contoso.com")]
    limits = Limits(ignored=frozenset({"contoso.com"}))

    assert (
        Dropped("ip", "10.1.2.3", "private or reserved address"),
        Dropped("domain", "www.contoso.com", "on IGNORE_INDICATORS"),
    ) == from_entities(items, limits, private=False).dropped
    assert (Indicator("ip", "10.1.2.3"),) == from_entities(items, limits, private=True).indicators


def test_many() -> None:
    """Beyond the caps, later entities are dropped, with the setting's name."""
    listed = [entity("Ip", address=f"203.0.113.{n}") for n in range(60)]
    listed += [entity("Host", hostName=f"wks-{n}") for n in range(60)]

    chosen = from_entities(
        parse(json.dumps(trigger(relatedEntities=listed)).encode()).entities,
        Limits(indicators=50),
        private=False,
    )

    assert [f"203.0.113.{n}" for n in range(50)] == [one.value for one in chosen.indicators]
    assert [f"wks-{n}" for n in range(50)] == [one.name for one in chosen.devices]
    assert ["(MAX_INDICATORS)"] * 10 + ["(MAX_DEVICES)"] * 10 == [
        one.reason.split()[-1] for one in chosen.dropped
    ]
