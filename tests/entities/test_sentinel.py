"""Which entities of a Microsoft Sentinel incident a run hunts for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.entities.choosing import Limits, limit
from shared.entities.sentinel import count_unreadable, from_entities
from shared.model.entity import Chosen, Device, Dropped, Indicator
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
def test_entities_are_read_in_every_form(listed: list[dict[str, Any]]) -> None:
    """Field names come in two casings, and properties below the entity's kind or beside it."""
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
def test_a_device_gets_the_best_name_there_is(fields: dict[str, Any], expected: Device) -> None:
    """It gets an id only if that has the form of Defender's device ids."""
    assert (expected,) == from_entities([entity("hOsT", **fields)], Limits(), private=False).devices


@pytest.mark.parametrize("item", [{"properties": {"address": "198.51.100.7"}}, {"kind": None}, {}])
def test_what_says_no_kind_yields_nothing(item: dict[str, Any]) -> None:
    """It is counted as unreadable instead."""
    assert Chosen() == from_entities([item], Limits(), private=False)
    assert 1 == count_unreadable([item])


@pytest.mark.fault("A18", before="assert (Dropped('ip', 'no address', 'it is no IP address'),) == ()")
def test_an_entity_that_cannot_be_read_is_listed_as_dropped() -> None:
    """The value stands there as it came, with the reason."""
    chosen = from_entities([entity("Ip", address="no address")], Limits(), private=False)

    assert (Dropped("ip", "no address", "it is no IP address"),) == chosen.dropped


def test_a_domain_written_as_a_url_is_a_domain() -> None:
    """Analytics rules may name a bare domain as a URL."""
    chosen = from_entities([entity("Url", url="evil.example")], Limits(), private=False)

    assert (Indicator("domain", "evil.example"),) == chosen.indicators


def test_private_and_ignored_entities_are_dropped() -> None:
    """The reasons are those for Defender's evidence, and runs that name hunts keep private addresses."""
    items = [entity("Ip", address="10.1.2.3"), entity("DnsResolution", domainName="www.contoso.com")]
    limits = Limits(ignored=frozenset({"contoso.com"}))

    assert (
        Dropped("ip", "10.1.2.3", "private or reserved address"),
        Dropped("domain", "www.contoso.com", "on IGNORE_INDICATORS"),
    ) == from_entities(items, limits, private=False).dropped
    assert (Indicator("ip", "10.1.2.3"),) == from_entities(items, limits, private=True).indicators


def test_entities_beyond_the_caps_are_dropped() -> None:
    """The first ones are kept, and the reason names the setting that limits their number."""
    listed = [entity("Ip", address=f"203.0.113.{n}") for n in range(60)]
    listed += [entity("Host", hostName=f"wks-{n}") for n in range(60)]

    limits = Limits(indicators=50)
    found = parse(json.dumps(trigger(relatedEntities=listed)).encode()).entities
    chosen = limit(from_entities(found, limits, private=False), limits)

    assert [f"203.0.113.{n}" for n in range(50)] == [one.value for one in chosen.indicators]
    assert [f"wks-{n}" for n in range(50)] == [one.name for one in chosen.devices]
    assert ["(MAX_INDICATORS)"] * 10 + ["(MAX_DEVICES)"] * 10 == [
        one.reason.split()[-1] for one in chosen.dropped
    ]
