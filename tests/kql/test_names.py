"""Tables that know devices by their names alone are held to the devices, and never to another of a like name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox.telemetry.engine import Engine
from shared.kql.batch import batch_query
from shared.kql.write import device_leg, fleet_query
from shared.model.entity import Device
from shared.model.hunt import AppliesTo
from tests.support.batches import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = END - timedelta(days=1)
QUERY = "IdentityQueryEvents | project Timestamp, DeviceName"
#: What DeviceInfo has, by the digit that a device's id is made of.
DEVICES = {
    "a": "srv-1.contoso.com", "b": "srv-1.example.com", "c": "srv-10.contoso.com", "d": "pc7", "e": "Srv-2.contoso.com", "f": "10",
    "0": "",
}  # fmt: skip
#: What Defender for Identity calls them.
WRITTEN = (
    "srv-1", "SRV-1.CONTOSO.COM", "srv-1.example.com", "srv-10", "SRV-2", "srv-2.contoso.com", "srv-2.example.com", "pc7",
    "PC7.contoso.com", "10.0.0.4", "dc-1.contoso.com", "",
)  # fmt: skip
LINUX = AppliesTo(("Linux",))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with these devices, all Linux but srv-2, and a query under each name; srv-2 had another name the day before."""
    engine = Engine()
    now, before = {"Timestamp": END - timedelta(hours=1)}, {"Timestamp": START - timedelta(hours=1)}
    for digit, name in DEVICES.items():
        system = {"OSPlatform": "Windows11" if digit == "e" else "Linux"}
        engine.load("DeviceInfo", [now | system | {"DeviceId": digit * 40, "DeviceName": name}])
    engine.load("DeviceInfo", [before | {"DeviceId": "e" * 40, "DeviceName": "dc-1.contoso.com"}])
    engine.load("IdentityQueryEvents", [now | {"DeviceName": name} for name in WRITTEN])
    yield engine
    engine.close()


def ids(digits: str) -> list[Device]:
    """Return the devices whose ids are made of these digits."""
    return [Device(digit * 40) for digit in digits]


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        # srv-1 alone is two devices' name: whose row it is, nobody knows.
        (ids("a"), ["SRV-1.CONTOSO.COM"]),
        (ids("b"), ["srv-1.example.com"]),
        (ids("ab"), ["SRV-1.CONTOSO.COM", "srv-1", "srv-1.example.com"]),
        (ids("c"), ["srv-10"]),
        (ids("d"), ["PC7.contoso.com", "pc7"]),
        (ids("e"), ["SRV-2", "srv-2.contoso.com"]),
        # A name without a letter may be the beginning of an address; an empty one is no name.
        (ids("f0"), []),
        ([Device(name="srv-1.contoso.com")], ["SRV-1.CONTOSO.COM"]),
        ([Device(name="srv-2")], ["SRV-2", "srv-2.contoso.com", "srv-2.example.com"]),
        # Defender for Endpoint need not know it.
        ([Device(name="DC-1.contoso.com")], ["dc-1.contoso.com"]),
        ([*ids("d"), Device(name="srv-2")], ["PC7.contoso.com", "SRV-2", "pc7", "srv-2.contoso.com", "srv-2.example.com"]),
    ],
)  # fmt: skip
def test_rows_are_those_of_the_devices_by_their_names(
    devices: list[Device], expected: list[str], engine: Engine
) -> None:
    """In any case, with or without a domain, alone and beside a hunt for another device."""
    legs = {"one": device_leg(QUERY, devices, take=50, end=END, start=START)}
    alone = engine.hunt(legs["one"].query, start=START - timedelta(days=1), end=END, now=END)[1]
    legs["two"] = device_leg(QUERY, ids("c"), take=50, end=END)
    both = apart(engine.hunt(batch_query(legs), start=START - timedelta(days=1), end=END, now=END)[1])

    assert expected == sorted(row["DeviceName"] for row in alone)
    assert expected == sorted(row["DeviceName"] for row in both.get("one", []))
    assert ["srv-10"] == [row["DeviceName"] for row in both["two"]]


def test_a_kind_of_device_is_a_kind_of_names(engine: Engine) -> None:
    """A hunt for Linux has no rows of the names of a Windows device, on devices of the incident and over the fleet."""
    leg = device_leg(QUERY, ids("de"), take=50, end=END, start=START, applies_to=LINUX)
    fleet = {
        "": fleet_query(QUERY, end=END),
        "Linux": fleet_query(QUERY, end=END, applies_to=LINUX),
        "e": fleet_query(QUERY, end=END, prefixes=["e", "c"]),
    }
    found = {
        part: sorted(row["DeviceName"] for row in engine.hunt(query, start=START, end=END, now=END)[1])
        for part, query in ({"devices": leg.query} | fleet).items()
    }

    assert ["PC7.contoso.com", "pc7"] == found["devices"]
    assert sorted(WRITTEN) == found[""]
    assert ["PC7.contoso.com", "SRV-1.CONTOSO.COM", "pc7", "srv-1", "srv-1.example.com", "srv-10"] == found["Linux"]  # fmt: skip
    assert ["SRV-2", "srv-10", "srv-2.contoso.com"] == found["e"]


@pytest.mark.parametrize("name", ['x"] | union (DeviceEvents', "x\\", "x\ny"])
def test_a_name_is_a_literal(name: str, engine: Engine) -> None:
    """Whatever an incident calls a device."""
    query = device_leg(QUERY, [Device(name=name)], take=5, end=END, start=START).query

    assert [] == engine.hunt(query, start=START, end=END, now=END)[1]
