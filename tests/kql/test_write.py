"""Writing queries: values become literals, and a query without a scope is never written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.kql.write import device_query, fleet_leg, fleet_query, indicator_query, is_fair_for_devices
from shared.model.entity import Device, Indicator
from shared.model.hunt import AppliesTo

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


def test_a_fleet_query_can_hold_itself_to_its_window() -> None:
    """Inside of a call of a wider timespan it looks at its own days alone, also where it looks up kinds of devices."""
    start = END - timedelta(days=1)
    held = "| where Timestamp between (datetime(2026-11-23T12:00:00.000000Z) .. datetime(2026-11-24T12:00:00.000000Z))"
    leg = fleet_leg("DeviceInfo", end=END, start=start, applies_to=AppliesTo(("Linux",)), prefixes=["0a"])

    assert (
        f'let DeviceInfo = DeviceInfo {held} | where DeviceId startswith "0a" | where DeviceId !in (_NotApplicable);'
        in leg.lines
    )
    assert leg.bindings[0][1].startswith(f'materialize(DeviceInfo {held} | where DeviceId startswith "0a" |')


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


def test_a_whole_query_for_devices_of_a_kind() -> None:
    """Ids and names are one scope; devices of another kind are looked up before any table is redeclared."""
    devices = [Device("B" * 40), Device(name="srv\\1"), Device(name='a"b'), Device(name="srv\\1"), Device()]
    query = device_query(
        "union DeviceInfo, (DeviceEvents | project Timestamp, x) | where TimeGenerated > now(-1d);",
        devices,
        take=9,
        end=END,
        applies_to=AppliesTo(os_platform=("Linux", 'Win"dows'), device_type=("server",)),
    )
    scope = (
        r"""| where DeviceId in (_DeviceIds) or DeviceName =~ "a\"b" or DeviceName startswith "a\"b." """
        r'''or DeviceName =~ "srv\\1" or DeviceName startswith "srv\\1."'''
    )
    others = (
        r"""(isnotempty(OSPlatform) and OSPlatform !in~ ("Linux", "Win\"dows", "none", "other", "unknown")) or """
        """DeviceType in~ ("Workstation")"""
    )
    latest = "summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId"
    pipes = f"{scope} | where DeviceId !in (_NotApplicable) | extend TimeGenerated = Timestamp;"

    assert [
        f'let _DeviceIds = dynamic(["{"b" * 40}"]);',
        f"let _DeviceKinds = materialize(DeviceInfo {scope} | {latest});",
        f"let _NotApplicable = _DeviceKinds | where {others} | project DeviceId;",
        f"let DeviceEvents = DeviceEvents {pipes}",
        f"let DeviceInfo = DeviceInfo {pipes}",
        "union DeviceInfo, (DeviceEvents | project Timestamp, x) | where TimeGenerated > datetime(2026-11-23T12:00:00.000000Z)",
        "| take 9",
    ] == query.splitlines()


def test_a_whole_query_for_the_fleet() -> None:
    """Without a kind or a prefix only what the query itself needs stands in front; an empty prefix is the odd ids."""
    assert [
        "let _DeviceKinds = materialize(DeviceInfo | summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId);",
        'let _NotApplicable = _DeviceKinds | where (isnotempty(OSPlatform) and OSPlatform !in~ ("Linux", "none", "other", "unknown")) | project DeviceId;',
        "let DeviceInfo = DeviceInfo | where DeviceId !in (_NotApplicable);",
        "DeviceInfo",
    ] == fleet_query("DeviceInfo;", end=END, applies_to=AppliesTo(os_platform=("Linux",))).splitlines()
    assert '| where DeviceType in~ ("Server", "Workstation") | project DeviceId;' in fleet_query(
        "DeviceInfo", end=END, applies_to=AppliesTo(device_type=("Phone",))
    )
    assert [
        'let DeviceInfo = DeviceInfo | where DeviceId startswith "0" or DeviceId startswith "a\\"" or not(DeviceId matches regex "^[0-9a-fA-F]{2}");',
        "DeviceInfo",
    ] == fleet_query("DeviceInfo", end=END, prefixes=["0", 'a"', ""]).splitlines()


def test_rows_are_limited_fairly_for_each_of_several() -> None:
    """They are numbered for each in the query's own order, its clock included, or the latest first, or in any order."""
    two = [Device("a" * 40), Device("b" * 40)]
    ips = [Indicator("ip", "192.0.2.2"), Indicator("ip", "192.0.2.1"), Indicator("ip", "192.0.2.2")]
    rows = "T | where I in (_IpAddresses) | project Indicator = I"
    for key, order, query in (
        ("DeviceId", ", Timestamp desc", device_query("DeviceInfo", two, take=4, end=END)),
        (
            "DeviceId",
            ", datetime(2026-11-24T12:00:00.000000Z) - x asc",
            device_query("DeviceInfo | sort by now() - x asc", two, take=4, end=END),
        ),
        ("DeviceId", "", device_query("DeviceInfo | project DeviceId", iter(two), take=4, end=END)),
        ("DeviceId", "", device_query("DeviceInfo | project DeviceId", [Device(name="pc")], take=4, end=END)),
        ("Indicator", "", indicator_query(rows, ips, take=4, end=END)),
        ("Indicator", "", indicator_query(rows, iter(ips), take=4, end=END)),
    ):
        assert [
            f"| extend _Whose = tolower(tostring({key}))",
            f"| sort by _Whose asc{order}",
            "| extend _Rank = row_number(1, _Whose != prev(_Whose))",
            f"| sort by _Rank asc{order}",
            "| take 4",
            "| project-away _Whose, _Rank",
        ] == query.splitlines()[-6:]
    assert is_fair_for_devices("DeviceInfo", iter([Device(name="pc")]))
    for query in (
        device_query("DeviceInfo", two[:1], take=4, end=END),
        device_query("DeviceInfo | extend _Whose = 1", two, take=4, end=END),
        device_query("DeviceInfo | extend _Rank = 1", iter(two), take=4, end=END),
        device_query("DeviceInfo | count", two, take=4, end=END),
        indicator_query(rows, ips[::2], take=4, end=END),
        indicator_query("T | where I in (_IpAddresses)", ips, take=4, end=END),
    ):
        assert query.endswith("\n| take 4")
        assert "_Rank asc" not in query


@pytest.mark.parametrize(
    ("kind", "name"),
    [("ip", "_IpAddresses"), ("url", "_Urls"), ("domain", "_Domains"), ("fileHash", "_FileHashes")],
)
def test_each_kind_of_indicator_has_its_name(kind: Any, name: str) -> None:
    """Whatever else the query names, the values stand under that of their kind, each once."""
    given = [Indicator(kind, "b"), Indicator(kind, "a"), Indicator(kind, "b"), Indicator(kind, "\t")]
    others = "_IpAddresses, _Urls, _Domains, _FileHashes"
    lines = indicator_query(f"T | where I in ({others})", given, take=5, end=END).splitlines()

    assert f'let {name} = dynamic(["a", "b"]);' in lines
    assert 3 == sum(line.endswith(" = dynamic([]);") for line in lines)


def test_an_unreadable_query_is_not_written_for_anyone() -> None:
    """The error has all of its problems, each with its place."""
    text = "query line 1, column 1: Foo is neither declared by the query nor a table that a device hunt may read: leave it out"
    with pytest.raises(ValueError, match=f"^{text}; query line 2, column 9: Bar is neither .*out$"):
        device_query("Foo\n| union Bar", [DEVICE], take=5, end=END)
    with pytest.raises(ValueError, match=r"^query line 1, column 1: Foo"):
        is_fair_for_devices("Foo", [DEVICE, Device("b" * 40)])
    with pytest.raises(ValueError, match=r"^query line 1, column 26: close this string$"):
        indicator_query("T | where I in (_Urls) | '", [Indicator("url", "a.example")], take=5, end=END)
