"""Writing queries: values enter as literals, and what cannot be held to a scope is never written."""

from __future__ import annotations

import pytest

from shared.kql.write import device_query, fleet_query, indicator_query
from shared.model.entity import Device, Indicator

DEVICE = Device("a" * 40)


@pytest.mark.parametrize("end", ["", ";", " ; // done", "\n// done | take 1", ";;\n\n"])
def test_take(end: str) -> None:
    """The limit follows the query whatever comments and semicolons end it."""
    query = device_query(f"DeviceInfo{end}", [DEVICE], take=7)

    assert ["DeviceInfo", "| take 7"] == query.splitlines()[-2:]


def test_scope_by_id() -> None:
    """A device with an id is found by it alone, in lower case and each once."""
    devices = [Device("B" * 40, "pc"), Device("a" * 40), Device("b" * 40)]

    assert [
        f'let _DeviceIds = dynamic(["{"a" * 40}", "{"b" * 40}"]);',
        "let DeviceInfo = DeviceInfo | where DeviceId in (_DeviceIds);",
        "DeviceInfo",
        "| take 5",
    ] == device_query("DeviceInfo", devices, take=5).splitlines()


def test_scope_by_name() -> None:
    """A device known by name only is found under that name, in any domain and any case."""
    assert [
        'let DeviceInfo = DeviceInfo | where DeviceName =~ "pc" or DeviceName startswith "pc.";',
        "DeviceInfo",
        "| take 5",
    ] == device_query("DeviceInfo", [Device(name="pc")], take=5).splitlines()


@pytest.mark.parametrize("devices", [[], [Device()]])
def test_no_device(devices: list[Device]) -> None:
    """A query for no device at all is never written, since it would read the fleet."""
    with pytest.raises(ValueError, match="no device"):
        device_query("DeviceInfo", devices, take=5)


def test_unscopable() -> None:
    """A query that cannot be held to devices is never written."""
    with pytest.raises(ValueError, match="SigninLogs"):
        device_query("SigninLogs", [DEVICE], take=5)
    with pytest.raises(ValueError, match="SigninLogs"):
        fleet_query("SigninLogs")


def test_time_generated() -> None:
    """Sentinel's name for the time works in a query that uses it."""
    query = device_query("DeviceInfo | where TimeGenerated > ago(1d)", [DEVICE], take=5)

    assert "| where DeviceId in (_DeviceIds) | extend TimeGenerated = Timestamp;" in query


def test_fleet() -> None:
    """Over the fleet there is no scope but a share of the ids, and the sweep's summary follows."""
    query = fleet_query("DeviceInfo // all", summarize="\n| summarize count() by DeviceId\n", prefixes=["0a"])

    assert [
        'let DeviceInfo = DeviceInfo | where DeviceId startswith "0a";',
        "DeviceInfo",
        "| summarize count() by DeviceId",
    ] == query.splitlines()
    assert "DeviceInfo" == fleet_query("DeviceInfo")


def test_indicators() -> None:
    """Only the bindings that the query names stand in front of it, empty where there is nothing to bind."""
    given = [Indicator("url", "b.example/x"), Indicator("url", "a.example"), Indicator("fileHash", "0" * 40)]

    assert [
        "let _IpAddresses = dynamic([]);",
        'let _Urls = dynamic(["a.example", "b.example/x"]);',
        "T | where U in (_Urls) or I in (_IpAddresses)",
        "| take 5",
    ] == indicator_query("T | where U in (_Urls) or I in (_IpAddresses)", given, take=5).splitlines()


@pytest.mark.parametrize("given", [[], [Indicator("ip", "192.0.2.1")], [Indicator("url", " ")]])
def test_no_indicator(given: list[Indicator]) -> None:
    """A query for no indicator is never written, and an empty one, which everything contains, is none."""
    with pytest.raises(ValueError, match="no indicator"):
        indicator_query("T | where U in (_Urls)", given, take=5)
