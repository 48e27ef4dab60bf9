"""How single pieces of evidence and entities are read, where an incident has just those."""

from __future__ import annotations

from typing import Any

import pytest

from shared.entities.choosing import Limits
from shared.entities.defender import entity_keys, from_evidence
from shared.entities.sentinel import from_entities
from shared.model.entity import Device, Indicator

ID = "0f" * 20
SHA1, SHA256, MD5 = "a1" * 20, "b2" * 32, "c3" * 16


def evidence(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a piece of Defender's evidence."""
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"deviceDnsName": "web01", "hostName": "other", "osPlatform": "Linux"},
            Device("", "web01", "Linux"),
        ),
        ({"hostName": "web01"}, Device("", "web01")),
        ({"mdeDeviceId": ID.upper(), "osPlatform": None}, Device(ID)),
        ({"mdeDeviceId": None, "deviceDnsName": "", "hostName": "web01"}, Device("", "web01")),
    ],
)
def test_a_device_is_read_by_id_or_name(fields: dict[str, Any], expected: Device) -> None:
    """Its DNS name comes before its host name."""
    assert (expected,) == from_evidence([evidence("device", **fields)], Limits(), private=False).devices


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (evidence("device", osPlatform="Linux"), ()),
        (evidence("url", verdict="malicious", url=None), ()),
        (
            evidence("url", verdict="malicious", url="https://198.51.100.7/a"),
            (Indicator("ip", "198.51.100.7"), Indicator("url", "198.51.100.7/a")),
        ),
        (evidence("file", fileDetails={"md5": MD5, "sha256": SHA256}), (Indicator("fileHash", SHA256),)),
        (evidence("file", fileDetails={"md5": MD5}), (Indicator("fileHash", MD5),)),
        (
            evidence("file", fileDetails={"sha1": "", "sha256": "no hash", "md5": MD5}),
            (Indicator("fileHash", MD5),),
        ),
        (evidence("file", fileDetails={"sha1": "no hash"}), ()),
        (evidence("file", fileDetails=None), ()),
        (evidence("process", verdict="malicious", imageFile={"sha1": SHA1}), (Indicator("fileHash", SHA1),)),
        (evidence("process", verdict="suspicious", imageFile=None), ()),
        (evidence("process", verdict="noThreatsFound", imageFile={"sha1": SHA1}), ()),
        (evidence("process", imageFile={"sha1": SHA1}), ()),
        ({"@odata.type": "ipEvidence", "ipAddress": "198.51.100.7"}, (Indicator("ip", "198.51.100.7"),)),
        ({"ipAddress": "198.51.100.7"}, ()),
    ],
)
def test_evidence_yields_the_indicators_it_holds(
    item: dict[str, Any], expected: tuple[Indicator, ...]
) -> None:
    """Of a file, one hash; of a malicious URL, its host too."""
    found = from_evidence([item], Limits(), private=False)

    assert (expected, ()) == (found.indicators, found.devices)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "ip", "address": "198.51.100.7"}, (Indicator("ip", "198.51.100.7"),)),
        ({"kind": "", "type": "IP", "address": "198.51.100.7"}, (Indicator("ip", "198.51.100.7"),)),
        (
            {"kind": "Ip", "address": "x", "properties": {"address": "198.51.100.7"}},
            (Indicator("ip", "198.51.100.7"),),
        ),
        ({"kind": "DNS", "domainName": "evil.example"}, (Indicator("domain", "evil.example"),)),
        ({"kind": "dns", "domainName": "198.51.100.7"}, ()),
        ({"kind": "Ip", "address": "evil.example"}, ()),
        ({"kind": "FileHash", "value": SHA1}, (Indicator("fileHash", SHA1),)),
        ({"kind": "FileHash", "hashValue": SHA1, "value": SHA256}, (Indicator("fileHash", SHA1),)),
        ({"kind": "FileHash", "hashValue": SHA256, "algorithm": "SHA256"}, (Indicator("fileHash", SHA256),)),
        ({"kind": "FileHash", "hashValue": "no hash", "value": SHA1}, (Indicator("fileHash", SHA1),)),
        ({"kind": "FileHash", "hashValue": "evil.example"}, ()),
        (
            {
                "kind": "File",
                "fileHashes": [{"HashValue": SHA1}, {"hashValue": SHA256, "algorithm": "sha256ac"}],
            },
            (Indicator("fileHash", SHA1),),
        ),
        ({"kind": "Url", "url": "https://evil.example/a"}, (Indicator("url", "evil.example/a"),)),
    ],
)
def test_an_entity_of_sentinels_yields_the_indicators_it_holds(
    item: dict[str, Any], expected: tuple[Indicator, ...]
) -> None:
    """Of the kind that it says, and no other."""
    found = from_entities([item], Limits(), private=False)

    assert (expected, ()) == (found.indicators, found.devices)


def test_hashes_that_cannot_be_read_are_named_only_where_none_can() -> None:
    """One that can stands for the file; where none can, the run says of each that it was not hunted."""
    bad = {"sha1": "no hash", "sha256": "neither"}
    files = [evidence("file", fileDetails=each) for each in (bad, bad | {"md5": MD5})]
    spoilt, read = (from_evidence([file], Limits(), private=False) for file in files)
    entity = {"kind": "FileHash", "hashValue": "no hash", "value": "neither"}

    assert ["no hash", "neither"] == [drop.value for drop in spoilt.dropped]
    assert () == read.dropped
    assert spoilt.dropped == from_entities([entity], Limits(), private=False).dropped


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"fqdn": "a.contoso.com", "deviceDnsName": "b", "hostName": "c", "netBiosName": "D"},
            "a.contoso.com",
        ),
        ({"deviceDnsName": "b.contoso.com", "hostName": "c", "netBiosName": "D"}, "b.contoso.com"),
        ({"hostName": "c", "dnsDomain": ".contoso.com.", "netBiosName": "D"}, "c.contoso.com"),
        ({"dnsDomain": "contoso.com", "netBiosName": "D"}, "D"),
        ({"hostName": "x" * 300}, "x" * 255),
        ({"fqdn": " ", "hostName": 7}, "7"),
    ],
)
def test_a_host_goes_by_its_fullest_name(fields: dict[str, Any], expected: str) -> None:
    """Up to 255 characters."""
    assert (Device(name=expected),) == from_entities(
        [{"kind": "Host", **fields}], Limits(), private=False
    ).devices


@pytest.mark.parametrize("device_id", [ID, ID.upper(), f" {ID} "])
def test_a_hosts_id_is_defenders(device_id: str) -> None:
    """It may stand beside the name or among the additional data, and is in lower case."""
    for fields in ({"mdatpDeviceId": device_id}, {"additionalData": {"MdatpDeviceId": device_id}}):
        item = {"kind": "Host", "properties": {"hostName": "wks", **fields}}

        assert (Device(ID, "wks"),) == from_entities([item], Limits(), private=False).devices


def test_activity_is_kept_for_all_that_is_hunted() -> None:
    """The keys of a malicious URL are those of the URL and of its domain, as it is hunted."""
    item = {"@odata.type": "#microsoft.graph.security.urlEvidence", "url": "https://evil.example/a"}

    assert {"url:evil.example/a", "domain:evil.example"} == entity_keys({**item, "verdict": "malicious"})
    assert {"url:evil.example/a"} == entity_keys({**item, "verdict": "suspicious"})
    assert set() == entity_keys("no object")
