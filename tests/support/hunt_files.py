"""Three hunt files as text, a function that writes such files, and a fixed selection of our own hunts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

from shared.catalog.load import SHIPPED, Catalog, load_hunts

SENTINEL = """
id: 6C8C9E1A-6B7D-4C59-9A5E-0C6A5D0E4B11
name: Renamed archiver
description: |
  An archiver under another name.
  Questions: someone@contoso.com
requiredDataConnectors:
- connectorId: MicrosoftThreatProtection
  dataTypes:
  - DeviceProcessEvents
tactics:
- Collection
relevantTechniques:
- T1560
query: |
  DeviceProcessEvents
  | where TimeGenerated > ago(7d)
  | where ProcessVersionInfoOriginalFileName =~ "7z.exe" and FileName !~ "7z.exe"
entityMappings: []
metadata:
  source:
    kind: Community
  author:
    name: Ada
"""

NAMELESS = SENTINEL.replace("entityMappings", "  | summarize count() by FileName\nentityMappings").replace(
    "6C8C9E1A-6B7D-4C59-9A5E-0C6A5D0E4B11", "6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b12"
)

INDICATOR = """
id: 5f0f5a0c-9e0b-4a38-8f0e-1f5dd0b6c0aa
name: Mail with a URL
query: |
  EmailUrlInfo
  | extend Indicator = _Urls
  | mv-expand Indicator to typeof(string)
  | where Url contains Indicator
enrichment:
  entity: indicator
  kinds: [url]
"""


def write(folder: Path, name: str, content: str) -> Path:
    """
    Write *content*, without its common indentation, to the file *name* in *folder*; return the file's path.

    The folder is created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(dedent(content), encoding="utf-8")
    return file


FIVE = (
    "archive-then-upload",
    "device-card",
    "file-origin",
    "linux-desktop-egress-baseline",
    "linux-server-egress-baseline",
)


def five_hunts() -> Catalog:
    """Return the five hunts that tests of a run expect, so that a new hunt file breaks none of them."""
    return _named(FIVE)


def six_hunts() -> Catalog:
    """Return the hunts of `five_hunts` and the one for hashes, which comments are written about."""
    return _named(sorted((*FIVE, "file-hash-seen")))


def six_files() -> tuple[str, ...]:
    """Return the text of each file of `six_hunts`, those for devices first: what tests change at random stays the same."""
    known = six_hunts().by_name
    return tuple(
        file.read_text(encoding="utf-8") for file in sorted(SHIPPED.rglob("*.yaml")) if file.stem in known
    )


def _named(names: Iterable[str]) -> Catalog:
    known = load_hunts().by_name
    return Catalog(tuple(known[name] for name in names))


def look_alikes(folder: Path, count: int) -> Path:
    """Write *count* hunt files without a block, as others publish them, to *folder*, and return it."""
    for number in range(count):
        content = (
            f"id: {number:08x}-0000-4000-8000-000000000000\nname: Look-alike {number}\n"
            f"tactics:\n- {('Execution', 'Credential Access')[number % 2]}\nrelevantTechniques:\n- T1059\n"
            f"query: |\n  DeviceProcessEvents\n  | where FileName =~ 'tool{number}.exe'\n"
        )
        write(folder, f"look-alike-{number}.yaml", content)
    return folder


def many_hunts(folder: Path, count: int) -> Catalog:
    """
    Write *count* device hunts with a block to *folder*, and return them with the device card.

    Number n is called `made-{n}`, and looks for processes whose name is `made{n}.exe`; no other query holds that, or
    the column `Made{n}`. Each tenth reads DeviceImageLoadEvents instead.
    """
    for number in range(count):
        table = "DeviceProcessEvents" if number % 10 else "DeviceImageLoadEvents"
        content = (
            f"id: {number:08x}-0000-4000-9000-000000000000\nname: Made {number}\nversion: 1.0.0\n"
            f"tactics:\n- Execution\nrelevantTechniques:\n- T1059\n"
            f"query: |\n  {table}\n  | where FileName =~ 'made{number}.exe'\n"
            f"  | project Timestamp, DeviceName, FileName, Made{number} = SHA1, DeviceId\n"
            f"enrichment:\n  entity: device\n  columns: [DeviceName, FileName, Made{number}]\n"
        )
        write(folder, f"made-{number}.yaml", content)
    known = load_hunts(SHIPPED, folder).by_name
    return Catalog(tuple(known[name] for name in ("device-card", *(f"made-{n}" for n in range(count)))))
