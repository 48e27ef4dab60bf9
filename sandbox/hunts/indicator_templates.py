"""What `hunts new` writes for indicators: a query for just the kinds that are named, and a case for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .templates import MINE, Example

if TYPE_CHECKING:
    from collections.abc import Sequence

#: By kind of indicator: the table, and its rows that hold one.
_LEGS = {
    "ip": (
        "DeviceNetworkEvents",
        "| where RemoteIP in (_IpAddresses)\n| extend Indicator = RemoteIP",
    ),
    "url": (
        "DeviceNetworkEvents",
        (
            "| where isnotempty(RemoteUrl)\n| extend Indicator = _Urls\n| mv-expand Indicator to typeof(string)\n"
            "| where RemoteUrl contains Indicator"
        ),
    ),
    "domain": (
        "DeviceNetworkEvents",
        (
            "| where isnotempty(RemoteUrl)\n"
            '| extend Host = extract(@"^(?:[a-z0-9+.-]*://)?(?:[^/?#]*@)?([^/?#:]+)", 1, tolower(RemoteUrl))\n'
            "| extend Indicator = _Domains\n| mv-expand Indicator to typeof(string)\n"
            '| where Host == Indicator or Host endswith strcat(".", Indicator)'
        ),
    ),
    "fileHash": (
        "DeviceFileEvents",
        (
            "| where SHA1 in~ (_FileHashes) or SHA256 in~ (_FileHashes) or MD5 in~ (_FileHashes)\n"
            "| extend Indicator = pack_array(tolower(SHA1), tolower(SHA256), tolower(MD5))\n"
            "| mv-expand Indicator to typeof(string)\n| where Indicator in~ (_FileHashes)"
        ),
    ),
}
#: By kind of indicator: a value, a row's columns that hold it, and those of a row that does not.
_VALUES = {
    "ip": ("203.0.113.9", "RemoteIP: 203.0.113.9", "RemoteIP: 203.0.113.99"),
    "url": ("evil.example/a", "RemoteUrl: 'https://evil.example/a'", "RemoteUrl: 'https://evil.example/b'"),
    "domain": (
        "drop.example",
        "RemoteUrl: 'https://cdn.drop.example/x'",
        "RemoteUrl: 'https://notdrop.example/x'",
    ),
    "fileHash": (f"{'1' * 40}", f"SHA1: '{'1' * 40}'", f"SHA1: '{'2' * 40}'"),
}
_SHOWN = {
    "DeviceNetworkEvents": "RemoteIP, RemoteUrl, RemotePort",
    "DeviceFileEvents": "FileName, FolderPath, SHA1",
}


def indicator_example(kinds: Sequence[str]) -> Example:
    """Return the hunt for indicators of these *kinds*."""
    tables = tuple(dict.fromkeys(_LEGS[kind][0] for kind in kinds))
    shown = ", ".join(_SHOWN[table] for table in tables)
    seen = [
        ("spoken to", "DeviceNetworkEvents" in tables),
        ("written to a disk", "DeviceFileEvents" in tables),
    ]
    what = " or ".join(text for text, there in seen if there)
    return Example(
        tables=tables,
        tactic="CommandAndControl" if tables[0] == "DeviceNetworkEvents" else "Execution",
        technique="T1071" if tables[0] == "DeviceNetworkEvents" else "T1204.002",
        query=f"{_legs(kinds)}\n| project Timestamp, DeviceName, Indicator, {shown}, InitiatingProcessFileName, DeviceId\n"
        "| order by Timestamp desc",
        columns=f"Indicator, DeviceName, {shown}, InitiatingProcessFileName",
        description=f"finds the devices on which an indicator was {what}.",
        means=f"The indicator was {what} on these devices; those that the incident does not name may be affected, too.",
        harmless="Security tools that look up or quarantine what was reported",
        unseen="Devices without a sensor",
        next="Begin with the earliest device; which process was it, and who started that?",
        cases=_indicator_cases(kinds),
    )


def _legs(kinds: Sequence[str]) -> str:
    if len(kinds) == 1:
        table, rows = _LEGS[kinds[0]]
        return f"{table}\n{rows}"
    lets = []
    for kind in kinds:
        table, rows = _LEGS[kind]
        body = "\n".join(f"    {line}" for line in (table, *rows.splitlines()))
        lets.append(f"let {_called(kind)} =\n{body};")
    return "\n".join([*lets, f"union {', '.join(map(_called, kinds))}"])


def _called(kind: str) -> str:
    return f"By{kind[0].upper()}{kind[1:]}"


def _indicator_cases(kinds: Sequence[str]) -> str:
    lines = ["indicators:"]
    lines += [f"  - {{kind: {kind}, value: '{_VALUES[kind][0]}'}}" for kind in kinds]
    lines += ["cases:"]
    for kind in kinds:
        value, hit, miss = _VALUES[kind]
        row = f"Timestamp: 60, DeviceId: {MINE}, DeviceName: dev-1"
        for why, columns, rows in (
            (f"one of kind {kind}", hit, f"[{{DeviceName: dev-1, Indicator: '{value}'}}]"),
            (f"none of kind {kind}, but one like it", miss, "[]"),
        ):
            lines += [
                f"  - why: {why}",
                "    telemetry:",
                f"      {_LEGS[kind][0]}:",
                f"        - {{{row}, {columns}}}",
                f"    rows: {rows}",
            ]
    return "\n".join(lines) + "\n"
