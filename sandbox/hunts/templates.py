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
#: Two devices' ids.
MINE, OTHER = "a" * 40, "b" * 40


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
            mine=MINE, other=OTHER, name=names[0], command=command, suffix=".exe" if "." in names[0] else ""
        ),
    )


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
