"""
A hunt of any entity, kind, system and role passes what a hunt file of ours is put through.

So whoever adds one writes the file and its cases, and changes no test.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from sandbox.hunts.cases import Case, Cases, case_rows
from sandbox.telemetry.engine import Engine
from shared.catalog.load import Catalog, load_hunts
from shared.kql.vocabulary import BINDINGS
from shared.model.entity import INDICATOR_KINDS, Device, Indicator
from shared.sweep.parts import Part
from tests.support.hunt_files import write
from tests.support.hunt_trials import EXAMPLES, bound, lacking, options, swept

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.kusto.judge import Judge

ROLES = "finding", "context"
#: By the system that a hunt is for, one that its devices report; with both empty it is for all.
PLATFORMS = {"": "", "Linux": "Linux", "Windows": "WindowsServer2022", "macOS": "macOS"}
KINDS = (*((kind,) for kind in INDICATOR_KINDS), ("ip", "url", "domain"), INDICATOR_KINDS)
HEAD = """\
id: {number:08x}-0000-4000-8000-000000000000
name: A made-up hunt
tactics: [Execution]
relevantTechniques: [T1059]
"""
FOR_DEVICES = """\
query: |
  DeviceProcessEvents
  | where FileName == "tool"
  | project Timestamp, DeviceName, FileName, DeviceId
  | order by Timestamp desc
enrichment:
  entity: device
  appliesTo: {{osPlatform: [{platform}]}}
  columns: [DeviceName, FileName]
  role: {role}
  sweep:
    summarize: "| summarize Runs = count(), FirstSeen = min(Timestamp) by DeviceId, DeviceName, FileName"
    new: FirstSeen
"""
FOR_INDICATORS = """\
query: |
  DeviceEvents
  | extend Indicator = array_concat({bindings})
  | mv-expand Indicator to typeof(string)
  | where Indicator == RemoteIP or Indicator =~ RemoteUrl or Indicator =~ SHA1 or Indicator =~ SHA256
  | project Timestamp, DeviceName, Indicator, DeviceId
  | order by Timestamp desc
enrichment:
  entity: indicator
  kinds: [{kinds}]
  columns: [Indicator, DeviceName]
  role: {role}
"""
MADE = {
    **{
        f"{platform.lower() or 'any'}-device-{role}": FOR_DEVICES.format(platform=platform, role=role)
        for platform, role in product(PLATFORMS, ROLES)
    },
    **{
        f"{'-'.join(kinds).lower()}-{role}": FOR_INDICATORS.format(
            bindings=", ".join(BINDINGS[kind] for kind in kinds), kinds=", ".join(kinds), role=role
        )
        for kinds, role in product(KINDS, ROLES)
    },
}
MINE, OTHER = ({"DeviceId": letter * 40, "DeviceName": f"dev-{letter}"} for letter in "ab")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file of each made-up hunt."""
    folder = tmp_path_factory.mktemp("hunts")
    for number, (name, text) in enumerate(MADE.items()):
        write(folder, f"{name}.yaml", HEAD.format(number=number) + text)
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> Catalog:
    """Return the made-up hunts."""
    return load_hunts(folder)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine without telemetry, shared by all cases."""
    return Engine()


def test_every_made_up_hunt_loads_without_a_word(made: Catalog) -> None:
    """No file is broken, and none has a notice for its author."""
    assert ((), (), sorted(MADE)) == (made.broken, made.notices, [hunt.name for hunt in made.hunts])


@pytest.mark.fault(
    "A31", before="assert {False, True} <= set(): no form of a hunt for hashes was there to check"
)
@pytest.mark.node
@pytest.mark.parametrize("name", MADE)
def test_microsofts_parser_accepts_a_hunt_of_any_kind(made: Catalog, name: str, judge: Judge) -> None:
    """There is a form in which it is sent, for one entity and for several, and each is a query with its columns."""
    hunt = made.by_name[name]
    queries = bound(hunt)

    assert {False, True} <= {"row_number" in query for query in queries.values()}
    for query in queries.values():
        verdict = judge(query)
        assert ([], "Query") == (verdict.diagnostics, verdict.kind)
        assert {*hunt.columns} <= {column for column, _ in verdict.columns or []}


@pytest.mark.fault(
    "A31", before="assert set() == {'Connections', …, 'RemotePort'}: only connections could be swept"
)
@pytest.mark.node
@pytest.mark.parametrize("name", [name for name in MADE if "device" in name])
def test_microsofts_parser_accepts_the_sweep_of_any_hunt(made: Catalog, name: str, judge: Judge) -> None:
    """Its rows need not be connections: they say whose they are and when they were new."""
    rows, counts = [judge(query) for query in swept(made.by_name[name], Part())]

    assert ([], []) == (rows.diagnostics, counts.diagnostics)
    assert set() == lacking(made.by_name[name], {column for column, _ in rows.columns or []})


@pytest.mark.fault("A31", before="KeyError: 'fileHash'")
@pytest.mark.parametrize("name", MADE)
def test_a_hunt_of_any_kind_is_rendered(
    made: Catalog, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples that a test gives each kind are enough for its author to see its query."""
    assert 0 == main(["hunts", "render", name, *options(made.by_name[name]), "--hunts", str(folder)])
    assert made.by_name[name].query in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in MADE if "device" in name])
def test_cases_of_a_device_hunt_of_any_system_run(made: Catalog, engine: Engine, name: str) -> None:
    """Its rows are those of its device, as long as that has its system."""
    hunt = made.by_name[name]
    cases = Cases([], devices=[Device(MINE["DeviceId"])])
    runs = [{**device, "Timestamp": 60, "FileName": "tool"} for device in (MINE, OTHER)]
    rows = {}
    for platform in {"AmigaOS", PLATFORMS[next(iter(hunt.applies_to.os_platform), "")]}:
        reports = [{**device, "Timestamp": 30, "OSPlatform": platform} for device in (MINE, OTHER)]
        telemetry = {"DeviceInfo": reports, "DeviceProcessEvents": runs}
        found = case_rows(engine, hunt, cases, Case("", [], telemetry))[1]
        rows[platform] = [row["DeviceName"] for row in found]

    assert {
        platform: ["dev-a"] if platform != "AmigaOS" or not hunt.applies_to.os_platform else []
        for platform in rows
    } == rows


@pytest.mark.parametrize("name", [name for name in MADE if "device" not in name])
def test_cases_of_an_indicator_hunt_of_any_kind_run(made: Catalog, engine: Engine, name: str) -> None:
    """Its rows are those of its own kinds of indicators, each with the one that it matched, and no others."""
    hunt = made.by_name[name]
    events = [
        {"RemoteIP": "203.0.113.9"}, {"RemoteUrl": "EVIL.example/a"}, {"RemoteUrl": "evil.example"}, {"SHA1": "A" * 40},
        {"RemoteIP": "203.0.113.99", "RemoteUrl": "example", "SHA1": "B" * 40},
    ]  # fmt: skip
    telemetry = {"DeviceEvents": [{**MINE, "Timestamp": n, **event} for n, event in enumerate(events, 1)]}
    values = {kind: EXAMPLES[kind][0].removeprefix("https://") for kind in INDICATOR_KINDS}
    cases = Cases([], indicators=[Indicator(kind, value) for kind, value in values.items()])
    found = case_rows(engine, hunt, cases, Case("", [], telemetry))[1]

    assert [value for kind, value in values.items() if kind in hunt.kinds] == [
        row["Indicator"] for row in found
    ]
