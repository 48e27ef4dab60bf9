"""The rows of a case are moved onto a device of the fleet, with all that names the case's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.hunts.cases import Case, Cases
from sandbox.hunts.moving import moved
from sandbox.hunts.stages import stage_for
from sandbox.telemetry.engine import Engine
from shared.model.entity import Device
from shared.model.hunt import Hunt

END = datetime(2026, 3, 11, 12, tzinfo=UTC)
MINE, OTHER = "a" * 40, "b" * 40


def test_all_that_names_the_cases_device_names_the_incidents() -> None:
    """Id, name, address, a local account's domain and times are replaced in all rows; other devices' rows are left out."""
    hunt = Hunt(name="mine", title="Mine", id="1", version="1", query="T")
    own = {"Timestamp": 30, "DeviceId": MINE, "DeviceName": "dev-1.example", "LocalIP": "10.1.1.1"}
    logon = {"Timestamp": 20, "DeviceId": MINE, "AccountDomain": "DEV-1", "RemoteDeviceName": "dev-1.example", "RemoteIP": "10.1.1.1", "InitiatingProcessCreationTime": "2026-11-24T11:00:00Z"}  # fmt: skip
    about_none = {"Timestamp": 10, "TargetDeviceName": "dev-1.example", "IPAddress": "10.1.1.2"}
    case = Case("", [], {
        "DeviceNetworkEvents": [own, own | {"DeviceId": OTHER, "DeviceName": "dev-2"}], "DeviceLogonEvents": [logon],
        "IdentityDirectoryEvents": [about_none],
    })  # fmt: skip
    place = stage_for(hunt, END)
    tables, count = moved(
        Engine(), hunt, Cases([case], devices=[Device(id=MINE)]), case, place, timedelta(hours=1)
    )

    (network,), (logged_on,), (changed,) = tables.values()
    there = {"DeviceId": place.device.id, "DeviceName": "srv-7.contoso.com"}
    assert 2 == count
    assert network == {
        **there,
        "LocalIP": "10.0.0.12",
        "Timestamp": datetime(2026, 11, 24, 12, 30, tzinfo=UTC),
    }
    assert {
        **there,
        "AccountDomain": "srv-7",
        "RemoteDeviceName": "srv-7.contoso.com",
        "RemoteIP": "10.0.0.12",
    }.items() <= logged_on.items()
    assert datetime(2026, 11, 24, 12, tzinfo=UTC) == logged_on["InitiatingProcessCreationTime"]
    assert ("srv-7.contoso.com", "10.1.1.2") == (changed["TargetDeviceName"], changed["IPAddress"])


def test_an_indicators_rows_on_other_devices_and_on_none_stay() -> None:
    """It is looked for everywhere, so only the first device becomes the incident's."""
    hunt = Hunt(name="mine", title="Mine", id="1", version="1", query="T", entity="indicator", kinds=("ip",))
    first = {"Timestamp": 30, "DeviceId": MINE, "DeviceName": "dev-1", "RemoteIP": "203.0.113.9"}
    mail = {"Timestamp": 30, "SenderIPv4": "203.0.113.9"}
    case = Case("", [], {"DeviceNetworkEvents": [first, first | {"DeviceId": OTHER}], "EmailEvents": [mail]})
    place = stage_for(hunt, END)
    tables, count = moved(Engine(), hunt, Cases([case]), case, place, timedelta())
    alone, none = moved(
        Engine(), hunt, Cases([case]), Case("", [], {"EmailEvents": [mail]}), place, timedelta()
    )

    assert [place.device.id, OTHER] == [row["DeviceId"] for row in tables["DeviceNetworkEvents"]]
    assert (1, 0) == (count, none)
    assert alone == {"EmailEvents": tables["EmailEvents"]}


def test_a_case_of_a_device_hunt_needs_a_row_about_its_device() -> None:
    """Else nothing could be put onto another."""
    hunt = Hunt(name="mine", title="Mine", id="1", version="1", query="T")
    case = Case("", [], {"DeviceEvents": [{"Timestamp": 1, "DeviceId": OTHER}]})

    with pytest.raises(ValueError, match="none of its rows is about a device: write DeviceId and DeviceName"):
        moved(
            Engine(), hunt, Cases([case], devices=[Device(id=MINE)]), case, stage_for(hunt, END), timedelta()
        )
