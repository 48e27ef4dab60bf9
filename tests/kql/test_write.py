"""Writing queries: values become literals, and a query without a scope is never written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.kql.write import device_query, fleet_query, indicator_query
from shared.model.entity import Device, Indicator

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEVICE = Device("a" * 40)


@pytest.mark.parametrize("end", ["", ";", " ; // done", "\n// done | take 1", ";;\n\n"])
def test_the_row_limit_follows_the_query_however_it_ends(end: str) -> None:
    """Neither comments nor semicolons at the end of a query can hide the limit."""
    query = device_query(f"DeviceInfo{end}", [DEVICE], take=7, end=END)

    assert ["DeviceInfo", "| take 7"] == query.splitlines()[-2:]


def test_a_device_with_an_id_is_found_by_id_alone() -> None:
    """Ids are written in lower case and each once, and the name is not used."""
    devices = [Device("B" * 40, "pc"), Device("a" * 40), Device("b" * 40)]

    assert [
        f'let _DeviceIds = dynamic(["{"a" * 40}", "{"b" * 40}"]);',
        "let DeviceInfo = DeviceInfo | where DeviceId in (_DeviceIds);",
        "DeviceInfo",
    ] == device_query("DeviceInfo", devices, take=5, end=END).splitlines()[:3]


def test_a_device_without_an_id_is_found_by_name() -> None:
    """The name matches in any case, alone or followed by any domain."""
    assert [
        'let DeviceInfo = DeviceInfo | where DeviceName =~ "pc" or DeviceName startswith "pc.";',
        "DeviceInfo",
    ] == device_query("DeviceInfo", [Device(name="pc")], take=5, end=END).splitlines()[:2]


@pytest.mark.parametrize("devices", [[], [Device()]])
def test_a_query_for_no_device_is_never_written(devices: list[Device]) -> None:
    """Without a device in its scope, it would read the whole fleet."""
    with pytest.raises(ValueError, match="no device"):
        device_query("DeviceInfo", devices, take=5, end=END)


def test_a_query_on_an_unscopable_table_is_never_written() -> None:
    """A table without devices is an error that names it, for some devices and for the fleet."""
    with pytest.raises(ValueError, match="SigninLogs"):
        device_query("SigninLogs", [DEVICE], take=5, end=END)
    with pytest.raises(ValueError, match="SigninLogs"):
        fleet_query("SigninLogs", end=END)


def test_timegenerated_works_as_a_name_for_timestamp() -> None:
    """A query that uses Sentinel's name for the time gets a column of that name."""
    query = device_query("DeviceInfo | where TimeGenerated > ago(1d)", [DEVICE], take=5, end=END)

    assert "| where DeviceId in (_DeviceIds) | extend TimeGenerated = Timestamp;" in query


def test_a_fleet_query_is_scoped_only_by_id_prefixes() -> None:
    """The sweep's own `summarize` follows the query; without prefixes there is no scope at all."""
    query = fleet_query(
        "DeviceInfo // all", end=END, summarize="\n| summarize count() by DeviceId\n", prefixes=["0a"]
    )

    assert [
        'let DeviceInfo = DeviceInfo | where DeviceId startswith "0a";',
        "DeviceInfo",
        "| summarize count() by DeviceId",
    ] == query.splitlines()
    assert "DeviceInfo" == fleet_query("DeviceInfo", end=END)


def test_only_the_indicator_kinds_a_query_uses_are_bound() -> None:
    """A kind that it uses and that has no values is bound to an empty list."""
    given = [Indicator("url", "b.example/x"), Indicator("url", "a.example"), Indicator("fileHash", "0" * 40)]

    assert [
        "let _IpAddresses = dynamic([]);",
        'let _Urls = dynamic(["a.example", "b.example/x"]);',
        "T | where U in (_Urls) or I in (_IpAddresses)",
        "| take 5",
    ] == indicator_query("T | where U in (_Urls) or I in (_IpAddresses)", given, take=5, end=END).splitlines()


@pytest.mark.parametrize("given", [[], [Indicator("ip", "192.0.2.1")], [Indicator("url", " ")]])
def test_a_query_for_no_indicator_is_never_written(given: list[Indicator]) -> None:
    """An empty indicator, which every text contains, and one of a kind that is not used count as none."""
    with pytest.raises(ValueError, match="no indicator"):
        indicator_query("T | where U in (_Urls)", given, take=5, end=END)
