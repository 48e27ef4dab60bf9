"""Loading hunt files, refusing wrong ones with all that is wrong, and selecting what fits."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from shared import catalog
from shared.catalog import Catalog, Hunt
from shared.errors import InvalidRequest

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
    """Put a hunt file into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(dedent(content), encoding="utf-8")
    return file


def problems(folder: Path, content: str) -> list[str]:
    """What is wrong with a hunt file."""
    write(folder, "wrong.yaml", content)
    loaded = catalog.load(folder)

    assert () == loaded.hunts
    return list(loaded.broken[0].problems)


def enrichment(block: str) -> str:
    """A hunt file with *block* as its own."""
    return SENTINEL + "enrichment:\n" + "".join(f"  {line}\n" for line in dedent(block).strip().splitlines())


def test_shipped() -> None:
    """The hunts that come with the app all load, in the order of their names."""
    loaded = catalog.load()

    assert () == loaded.broken
    assert [
        "archive-then-upload",
        "device-card",
        "file-origin",
        "linux-desktop-egress-baseline",
        "linux-server-egress-baseline",
    ] == [hunt.name for hunt in loaded.hunts]
    assert all(hunt.shipped for hunt in loaded.hunts)


def test_sentinel_file(tmp_path: Path) -> None:
    """An unmodified file of Azure-Sentinel loads as a device hunt, with the defaults and its own window."""
    write(tmp_path, "Renamed archiver (1).yaml", SENTINEL)
    (hunt,) = catalog.load(tmp_path).hunts

    assert (
        Hunt(
            name="renamed-archiver-1",
            title="Renamed archiver",
            id="6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11",
            version="1.0.0",
            description="An archiver under another name. Questions: someone@contoso.com",
            query=hunt.query,
            entity="device",
            lookback=timedelta(days=1),
            lookahead=timedelta(days=1),
            max_window=timedelta(days=7),
            tactics=("Collection",),
            techniques=("T1560",),
            credit="Ada",
            tables=("DeviceProcessEvents",),
            own_window=True,
            shipped=False,
        )
        == hunt
    )


def test_indicator_hunt(tmp_path: Path) -> None:
    """An indicator hunt may read any table."""
    write(tmp_path / "indicator", "mail-url.yaml", INDICATOR)
    (hunt,) = catalog.load(tmp_path).hunts

    assert ("mail-url", "indicator", ("url",)) == (hunt.name, hunt.entity, hunt.kinds)


def test_durations(tmp_path: Path) -> None:
    """Durations are ISO 8601."""
    write(tmp_path, "a.yaml", enrichment("lookback: PT36H\nlookahead: P0D\nmaxWindow: P30D"))
    (hunt,) = catalog.load(tmp_path).hunts

    assert timedelta(hours=36) == hunt.lookback
    assert timedelta(0) == hunt.lookahead
    assert timedelta(days=30) == hunt.max_window


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("lookBack: P1D", "enrichment.lookBack: unknown; there are"),
        ("entity: account", "enrichment.entity: Invalid enum value 'account'"),
        ("lookback: 1 day", "enrichment.lookback: Invalid ISO8601 duration"),
        ("lookback: P0D", "enrichment.lookback: must be more than nothing"),
        ("maxWindow: P31D", "enrichment.maxWindow: must be more than nothing and at most P30D"),
        ("lookahead: -P1D", "enrichment.lookahead: must be at most P30D, and not negative"),
        ("lookback: P14D", "enrichment.maxWindow: must be as long as lookback, P14D"),
        ("kinds: [ip]", "enrichment.kinds: is for indicator hunts"),
        ("kinds: [hostname]", "enrichment.kinds: Invalid enum value 'hostname'"),
        ("appliesTo: {os: [Linux]}", "enrichment.appliesTo: Object contains unknown field `os`"),
        ("columns: FileName", "enrichment.columns: Expected `array`, got `str`"),
        ("sweep: {new: Seen}", "enrichment.sweep.new: must be a column of the sweep's rows"),
        ("sweep: {news: Seen}", "enrichment.sweep.news: unknown"),
        ("sweep: {summarize: '| union Foo', new: Timestamp}", "Foo is neither declared"),
    ],
)
def test_wrong_block(tmp_path: Path, block: str, problem: str) -> None:
    """Whatever is wrong in our block is named with its key."""
    assert problem in "\n".join(problems(tmp_path, enrichment(block)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kinds: [url]", "kinds: []", "an indicator hunt needs one or more of ip, url"),
        ("kinds: [url]", "kinds: [url, ip]", "has ip if, and only if, the query uses _IpAddresses"),
        ("kinds: [url]", "kinds: [ip]", "has url if, and only if, the query uses _Urls"),
        (
            "kinds: [url]",
            "kinds: [url]\n  appliesTo: {osPlatform: [Linux]}",
            "appliesTo: is for device hunts",
        ),
        ("Indicator", "Match", "return a column Indicator"),
        ("  EmailUrlInfo", "  let _Urls = 1;\n  EmailUrlInfo", "_Urls is declared in front of the query"),
    ],
)
def test_wrong_indicator_hunt(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """An indicator hunt says which kinds it takes, uses them all, and tells what matched."""
    assert problem in "\n".join(problems(tmp_path, INDICATOR.replace(old, new)))


def test_all_problems(tmp_path: Path) -> None:
    """Everything wrong with a file is said at once, with the file's name and the query's line."""
    write(
        tmp_path,
        "many.yaml",
        "id: 7\nquery: |\n  DeviceInfo\n  | union Foo\nenrichment: {lookback: x, a: 1}\n",
    )
    (error,) = catalog.load(tmp_path).broken

    wanted = [
        "id: Expected `str`, got `int`",
        "name: is missing",
        "enrichment.a: unknown",
        "enrichment.lookback: Invalid ISO8601 duration",
        "query line 2: Foo is neither declared by the query",
    ]

    assert wanted == [found[: len(start)] for start, found in zip(wanted, error.problems, strict=True)]
    assert str(error).startswith("many.yaml: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("id: [1\nname: x", "line 2: "),
        ("- a list", "is not a mapping"),
        ("", "is not a mapping"),
        ("enrichment: 5", "enrichment: must be a mapping"),
        ("a: \x00", "is not YAML"),
    ],
)
def test_not_a_hunt(tmp_path: Path, content: str, problem: str) -> None:
    """What is no hunt file at all is said to be none, with the line where YAML knows it."""
    assert problem in "\n".join(problems(tmp_path, content))


def test_broken_hides_nothing(tmp_path: Path) -> None:
    """A broken file, one that is not UTF-8 included, hides no other."""
    write(tmp_path, "a.yaml", "id: 1")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    write(tmp_path, "c.yaml", SENTINEL)
    loaded = catalog.load(tmp_path)

    assert ["a.yaml", "b.yaml"] == [error.file.name for error in loaded.broken]
    assert ["c"] == [hunt.name for hunt in loaded.hunts]


def test_taken(tmp_path: Path) -> None:
    """Of two files with one name or id the first counts, and the second is broken."""
    write(tmp_path / "one", "a.yaml", SENTINEL)
    write(tmp_path / "two", "a.yaml", INDICATOR)
    write(tmp_path / "two", "b.yaml", SENTINEL)
    loaded = catalog.load(tmp_path / "one", tmp_path / "two")

    assert ["a"] == [hunt.name for hunt in loaded.hunts]
    assert [
        ("a.yaml", ("the name a is taken by another file",)),
        ("b.yaml", ("the id 6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11 is that of a",)),
    ] == [(error.file.name, error.problems) for error in loaded.broken]


def test_no_folder(tmp_path: Path) -> None:
    """A folder that does not exist is as broken as a file."""
    loaded = catalog.load(catalog.SHIPPED, tmp_path / "nowhere")

    assert 5 == len(loaded.hunts)
    assert ["nowhere"] == [error.file.name for error in loaded.broken]


@pytest.mark.parametrize(
    ("devices", "kinds", "names", "expected"),
    [
        (True, (), (), ["archive-then-upload", "device-card", "linux-desktop-egress-baseline",
                        "linux-server-egress-baseline"]),
        (False, ("ip",), (), ["file-origin"]),
        (False, ("fileHash",), (), []),
        (False, (), (), []),
        (True, ("url",), ("archive-then-upload",), ["archive-then-upload", "device-card"]),
        (True, ("url",), ("file-origin",), ["device-card", "file-origin"]),
        (False, ("domain", "ip"), ("file-origin",), ["file-origin"]),
    ],
)  # fmt: skip
def test_select(devices: bool, kinds: tuple[str, ...], names: tuple[str, ...], expected: list[str]) -> None:
    """What is there, and what was asked for, select the hunts; with devices the device card is always one."""
    loaded = catalog.load()

    assert expected == [h.name for h in catalog.select(loaded, devices=devices, kinds=kinds, names=names)]


@pytest.mark.parametrize(
    ("devices", "kinds", "names", "message"),
    [
        (
            True,
            (),
            ("nope",),
            "there is no hunt nope; there are archive-then-upload, device-card, file-origin",
        ),
        (True, ("fileHash",), ("file-origin",), "the hunt file-origin needs an indicator (ip, url, domain)"),
        (False, ("ip",), ("archive-then-upload",), "the hunt archive-then-upload needs a device"),
    ],
)
def test_cannot_select(devices: bool, kinds: tuple[str, ...], names: tuple[str, ...], message: str) -> None:
    """A hunt that does not exist, or that nothing given can start, is the caller's mistake."""
    with pytest.raises(InvalidRequest) as raised:
        catalog.select(catalog.load(), devices=devices, kinds=kinds, names=names)

    assert raised.value.message.startswith(message)


def test_cannot_select_several() -> None:
    """Every name that cannot be selected is told."""
    with pytest.raises(InvalidRequest) as raised:
        catalog.select(Catalog(()), devices=True, kinds=(), names=("a", "b"))

    assert 2 == len(raised.value.details)


def test_cold_start() -> None:
    """Importing the catalogue does not import YAML, which only loading needs."""
    code = "import sys, shared.catalog; print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()
