"""Hunts that are asked in one query have the rows that each has alone, and see nothing of each other."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import device_id, generate
from shared.kql.batch import batch_query
from shared.kql.prevalence import Counted
from shared.kql.write import Leg
from shared.model.entity import Device, Indicator
from tests.support.batches import Trial, answer, apart, legs, made_up, shipped
from tests.support.hunt_trials import DEVICES, INDICATORS, NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).with_name("golden")
FLEET = 40
TABLES = ("DeviceInfo", "DeviceFileEvents")
IDS = [f"{n:040x}" for n in range(8)]
COUNT = Counted("DeviceName", "DeviceInfo", NOW - timedelta(days=30), NOW)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Engine]:
    """Return two days of a small fleet."""
    engine = Engine()
    generate(engine, devices=FLEET, days=2, end=NOW)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def marked() -> Iterator[Engine]:
    """Return an engine in which each of eight devices has a row an hour in each table, over nine days."""
    engine = Engine()
    for table in TABLES:
        rows = [
            {"Timestamp": NOW - timedelta(hours=hour, minutes=1), "DeviceId": each, "DeviceName": f"pc-{n}.contoso.com"}
            | ({"OSPlatform": ("Linux", "Windows11", "")[n % 3]} if table == "DeviceInfo" else {})
            | ({"SHA1": f"{n % 4:040x}", "FileSize": 99} if table == "DeviceFileEvents" else {})
            for n, each in enumerate(IDS)
            for hour in range(0, 216, 9)
        ]  # fmt: skip
        engine.load(table, rows)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("devices", "part"),
    [(["srv-1"], 0), (["srv-1", "wks-001", "pc-001"], 1), (["srv-3", "box-1"], 2)],
)
def test_each_hunt_has_the_rows_and_columns_that_it_has_alone(
    fleet: Engine, devices: list[str], part: int
) -> None:
    """Sorted alike: those that come with the app, a third for each list of devices, and made-up ones, each in its window."""
    names = [f"{name}.contoso.com" for name in devices]
    given = [Device(device_id(name)) for name in names[:-1]] + [Device(name=names[-1].partition(".")[0])]
    indicators = [Indicator("ip", "198.51.100.20"), Indicator("domain", "docs.example"), Indicator("fileHash", "a" * 40)]  # fmt: skip
    wanted = legs([*shipped((48, 0), (24, 3))[part::3], *made_up(6)], given, indicators)
    together = apart(answer(fleet, batch_query(wanted))[1])
    rows = 0
    for name, leg in wanted.items():
        schema, alone = answer(fleet, leg.query)
        rows += len(alone)

        assert [{"name": c["name"], "type": f"System.{c['type']}"} for c in schema] == together[
            f"{name}/schema"
        ]
        assert sorted(map(_plain, alone)) == sorted(map(_plain, together.get(name, [])))
        # Rows of the same time, and all where nothing sorts them, are in no order: neither alone nor together.
        if "order by" in leg.query:
            assert [row.get("Timestamp") for row in alone] == [
                row.get("Timestamp") for row in together.get(name, [])
            ]
    assert 50 < rows
    assert {*wanted, *(f"{name}/schema" for name in wanted)} >= {*together}


def _plain(row: dict[str, Any]) -> str:
    """Return what is the same in a row and in a packed one, where false is not 0."""
    return str({name: int(value) if isinstance(value, bool) else value for name, value in row.items()})


def test_prevalence_and_the_fleet_are_counted_beside_the_rows(marked: Engine) -> None:
    """Each value with its devices and its first time, over all devices and the window that is named."""
    count = Counted("SHA1", "DeviceFileEvents", NOW - timedelta(hours=30), NOW)
    trial = Trial("seen", "DeviceFileEvents | where SHA1 !endswith '0'", hours=(12, 0))
    found = apart(
        answer(marked, batch_query(legs([trial], [Device(IDS[1]), Device(IDS[4])]), {"seen": count}))[1]
    )

    assert [{"Devices": 8}] == found["/fleet"]
    assert ["2026-11-23T08:59:00.0000000Z"] == [row.pop("First") for row in found["seen/SHA1"]]
    assert [{"Value": f"{1:040x}", "Devices": 2}] == found["seen/SHA1"]


def test_a_hunt_without_rows_has_its_columns_all_the_same(marked: Engine) -> None:
    """So that one that found nothing can be told from one that was not asked."""
    found = apart(answer(marked, batch_query(legs([Trial("none", "DeviceInfo | where false | project DeviceId, N = 1")], [Device("f" * 40)])))[1])  # fmt: skip

    assert {"none/schema": [{"name": "DeviceId", "type": "System.String"}, {"name": "N", "type": "System.Int64"}]} == found  # fmt: skip


def test_what_all_declare_alike_stands_once_in_front() -> None:
    """What differs, and what uses it, stands in each function; no name is declared twice in a scope."""
    one = Leg((("_A", "1"), ("_B", "_A + 1"), ("_C", "9")), ("print _B",))
    other = Leg((("_A", "2"), ("_B", "_A + 1"), ("_C", "9")), ("print _B",))
    text = batch_query({"one": one, "other": other})

    assert ["let _C = 9;", "let _Hunt0 = () {", "let _A = 1;", "let _B = _A + 1;", "print _B", "};",
            "let _Hunt1 = () {", "let _A = 2;", "let _B = _A + 1;", "print _B", "};"] == text.splitlines()[:11]  # fmt: skip
    assert ["let _A = 1;", "let _B = _A + 1;", "let _C = 9;", "let _Hunt0 = () {"] == batch_query({"one": one, "same": one}).splitlines()[:4]  # fmt: skip


@pytest.mark.parametrize("devices", DEVICES)
def test_no_name_is_declared_twice_where_both_are_seen(devices: str) -> None:
    """Neither in front, nor in a function, nor in a function and in front of it."""
    wanted = legs(
        [*shipped((48, 0), (24, 3), (48, 1)), *made_up(14)], DEVICES[devices], INDICATORS["several"]
    )
    front, *functions = re.split(r"(?m)^let _Hunt\d+ = ", batch_query(wanted).partition("\nunion\n")[0])
    outer = re.findall(r"(?m)^let (\w+)", front)

    assert len(functions) == len(wanted)
    for function in functions:
        names = outer + re.findall(r"(?m)^let (\w+)", function)

        assert sorted({*names}) == sorted(names)


def test_the_whole_query_of_an_incident_is_the_one_reviewed() -> None:
    """All hunts that come with the app, character for character, as in `golden/`; `UPDATE_GOLDEN=1` writes it anew."""
    # Named, so that a hunt that is added changes nothing here.
    names = (
        "archive-then-upload",
        "device-card",
        "file-hash-seen",
        "file-origin",
        "linux-server-egress-baseline",
    )
    trials = [trial for trial in shipped((168, 0)) if trial.name in names]
    indicators = [*INDICATORS["several"], *INDICATORS["hash"]]
    query = batch_query(legs(trials, DEVICES["one-device"], indicators), {"device-card": COUNT})
    file = GOLDEN / "incident.kql"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(f"{query}\n")

    assert file.read_text() == f"{query}\n"
