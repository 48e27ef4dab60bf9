"""Evidence and entities of odd types: what can be read is hunted, and what cannot is counted."""

from __future__ import annotations

from typing import Any

import pytest

from shared.entities import defender, sentinel
from shared.entities.choosing import Limits
from shared.entities.fields import folded, is_text, objects_in, text_of, time_of
from shared.model.entity import Device, Indicator
from tests.support.odd import DEEP, HALF, VALUES

ID = "0f" * 20


def evidence(kind: str, **fields: Any) -> dict[str, Any]:
    """Return one piece of evidence as Graph writes it."""
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "verdict": "malicious", **fields}


@pytest.mark.fault("A13", before="AttributeError: 'str' object has no attribute 'get'")
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_evidence_of_any_type_spoils_no_other(value: Any) -> None:
    """An address beside it is read, whichever field is odd."""
    fields = (
        "mdeDeviceId",
        "deviceDnsName",
        "hostName",
        "osPlatform",
        "ipAddress",
        "url",
        "fileDetails",
        "imageFile",
        "verdict",
    )
    items = [
        evidence(kind, **{name: value})
        for kind in ("device", "ip", "url", "file", "process")
        for name in fields
    ]
    items += [{"@odata.type": value}, value, evidence("file", fileDetails={"sha1": value, "md5": "a1" * 16})]
    good = evidence("ip", ipAddress="198.51.100.7")
    chosen = defender.from_evidence([*items, good], Limits(), private=False)

    assert Indicator("ip", "198.51.100.7") in chosen.indicators
    assert Indicator("fileHash", "a1" * 16) in chosen.indicators
    assert defender.count_unreadable([*items, good]) >= 1


@pytest.mark.fault("A13", before="0 of them were named: nothing said that something was missed")
@pytest.mark.parametrize(
    ("item", "count"),
    [
        (evidence("ip", ipAddress="198.51.100.7"), 0),
        (evidence("ip", ipAddress=None), 0),
        (evidence("ip", ipAddress={}), 1),
        (evidence("url", url="https://evil.example/\\ud83d"), 1),
        (evidence("url", url=["https://evil.example"]), 1),
        (evidence("file", fileDetails="x"), 1),
        (evidence("file", fileDetails=[]), 1),
        (evidence("file", fileDetails=None), 0),
        (evidence("file", fileDetails={}), 0),
        (evidence("process", imageFile={"sha1": {}}), 1),
        (evidence("device", mdeDeviceId={}, hostName="srv-7"), 0),
        (evidence("device", mdeDeviceId={}), 1),
        (evidence("user", userAccount=5), 0),
        ({}, 1),
        (None, 1),
    ],
    ids=repr,
)
def test_evidence_that_may_hide_an_entity_is_counted(item: Any, count: int) -> None:
    """What is there and cannot be read counts; what is not there does not."""
    assert count == defender.count_unreadable([item])


@pytest.mark.fault("A13", before="Device(id='4711', name='srv-7'): never found by its name")
@pytest.mark.parametrize("odd", ["4711", 4711, "x" * 40, {}, [], True, "0f" * 32, HALF])
def test_a_device_whose_id_is_none_is_hunted_by_its_name(odd: Any) -> None:
    """Defender's ids have 40 hex digits; with any other text no row would ever match."""
    item = evidence("device", mdeDeviceId=odd, deviceDnsName="srv-7", osPlatform={})
    chosen = defender.from_evidence([item], Limits(), private=False)

    assert (Device("", "srv-7"),) == chosen.devices


@pytest.mark.fault("A13", before="AttributeError, RecursionError or ValueError")
@pytest.mark.parametrize("value", [*VALUES, 10**5_000], ids=lambda value: repr(type(value)))
def test_entities_of_any_type_spoil_no_other(value: Any) -> None:
    """Nor do their fields, or what is below `properties`."""
    names = (
        "hostName",
        "fqdn",
        "address",
        "url",
        "domainName",
        "hashValue",
        "fileHashes",
        "properties",
        "additionalData",
    )
    items = [
        {"kind": kind, name: value}
        for kind in ("Host", "Ip", "Url", "Dns", "File", "FileHash")
        for name in names
    ]
    items += [{"kind": value}, value]
    good = {"kind": "Ip", "properties": {"address": "198.51.100.7"}}
    chosen = sentinel.from_entities([*items, good], Limits(), private=False)

    assert Indicator("ip", "198.51.100.7") in chosen.indicators
    assert 0 == sentinel.count_unreadable([good, {"kind": "Account", "properties": {}}, {"kind": "Host"}])
    assert sentinel.count_unreadable(items) >= 1
    for read in (folded, objects_in, text_of, is_text, time_of):
        read(value)


@pytest.mark.fault("A13", before="[]: half a character, or a nested value, hid all of them")
@pytest.mark.parametrize("more", ["\\ud83d", HALF])
def test_entities_in_json_text_are_read_beside_odd_ones(more: str) -> None:
    """The table SecurityAlert has them as text."""
    text = f'[{{"kind": "Ip", "odd": "{more}"}}, {DEEP.decode()}]'

    assert ["Ip", None] == [each.get("kind") for each in objects_in(text)]
