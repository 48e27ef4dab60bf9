"""What `hunts new` writes: hunts that find something small and whole, each to be edited into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What begins every file; `rest` is the query and its block.
FILE = """\
{modeline}
id: {id}
name: {title}
version: 1.0.0
description: |
  Says in one to three sentences what is found, and how. To begin with: {description}
requiredDataConnectors:
  - connectorId: MicrosoftThreatProtection
    dataTypes:
{tables}
tactics:
  - {tactic}
relevantTechniques:
  - {technique}
metadata:
  author:
    name: Your name
query: |
{query}
enrichment:
  entity: {entity}
{block}  role: finding
  severity: medium
  lookback: P7D
  columns: [{columns}]
  means: {means}
  falsePositives:
    - {harmless}
  blindSpots:
    - {unseen}
  nextSteps:
    - {next}
"""


class Example(NamedTuple):
    """A hunt to begin with: the parts of its file, and of its cases."""

    tables: tuple[str, ...]
    tactic: str
    technique: str
    query: str
    columns: str
    description: str
    means: str
    harmless: str
    unseen: str
    next: str
    cases: str


_PROCESS_QUERY = """\
DeviceProcessEvents
| where FileName in~ ({names})
| where ProcessCommandLine has_any ({words})
| project
    Timestamp,
    DeviceName,
    AccountName,
    FileName,
    ProcessCommandLine,
    InitiatingProcessFileName,
    DeviceId
| order by Timestamp desc"""
_PROCESS_CASES = """\
devices:
  - {{id: &mine {mine}}}
cases:
  - why: the tool with what is looked for in its command line
    telemetry:
      DeviceProcessEvents:
        - &hit {{Timestamp: 60, DeviceId: *mine, DeviceName: dev-1, FileName: {name}, ProcessCommandLine: '{command}', AccountName: ada}}
    rows: [{{DeviceName: dev-1, AccountName: ada, FileName: {name}}}]
  - why: another tool, and the tool for another purpose
    telemetry:
      DeviceProcessEvents:
        - {{<<: *hit, FileName: other{suffix}}}
        - {{<<: *hit, ProcessCommandLine: {name} --version}}
    rows: []
  - why: another device
    telemetry:
      DeviceProcessEvents:
        - {{<<: *hit, DeviceId: {other}}}
    rows: []
"""
_MINE, _OTHER = "a" * 40, "b" * 40


def device_example(system: str) -> Example:
    """Return the hunt for devices of a *system*, '' for all of them."""
    if system == "Windows":
        return _process(
            ("powershell.exe", "pwsh.exe"), ("-enc", "-EncodedCommand"), "powershell.exe -enc SQBFAFgA",
            tactic="Execution", technique="T1059.001", what="PowerShell with an encoded command",
            next_="Decode the command; what does it fetch, start or change?",
        )  # fmt: skip
    if system:
        return _process(
            ("tar", "zip"), ("/tmp", "/var/tmp"), "tar -czf /tmp/x.tgz /srv",
            tactic="Collection", technique="T1560.001", what="an archive in a folder for temporary files",
            next_="Find out what was packed, and where the archive is now.",
        )  # fmt: skip
    return _process(
        ("curl", "curl.exe"), ("http", "https", "ftp"), "curl https://files.example/x",
        tactic="CommandAndControl", technique="T1105", what="a file that curl fetched",
        next_="Look the address up, and find out what became of the file.",
    )  # fmt: skip


def _process(
    names: Sequence[str],
    words: Sequence[str],
    command: str,
    *,
    tactic: str,
    technique: str,
    what: str,
    next_: str,
) -> Example:
    return Example(
        tables=("DeviceProcessEvents",),
        tactic=tactic,
        technique=technique,
        query=_PROCESS_QUERY.format(names=_quoted(names), words=_quoted(words)),
        columns="DeviceName, AccountName, FileName, ProcessCommandLine, InitiatingProcessFileName",
        description=f"finds {what}.",
        means=f"Somebody, or something, made {what} on this device."
        if what.startswith("an ")
        else f"There was {what} on this device.",
        harmless="Scripts of administrators that do the same on a schedule",
        unseen="The same done by another tool, or by a copy of this one under another name",
        next=next_,
        cases=_PROCESS_CASES.format(
            mine=_MINE, other=_OTHER, name=names[0], command=command, suffix=".exe" if "." in names[0] else ""
        ),
    )


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
        row = f"Timestamp: 60, DeviceId: {_MINE}, DeviceName: dev-1"
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


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
