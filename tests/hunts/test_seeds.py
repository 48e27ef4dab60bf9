"""
Each shipped hunt gives the rows of the published hunt it comes from, its seed, over the same telemetry.

The published queries are in `tests/hunts/seeds/`, with their placeholders filled in.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from shared.catalog.load import load_hunts
from shared.kql.write import device_query, fleet_query, indicator_query
from shared.model.entity import Device, Indicator
from tests.support.seeds_telemetry import (
    DAY,
    KINDS,
    NOW,
    TICK,
    download_by_chance,
    egress_by_chance,
    every_combination,
    filled,
    identity,
    upload_by_chance,
)

if TYPE_CHECKING:
    from random import Random

    from sandbox.telemetry.engine import Engine

SEEDS = Path(__file__).with_name("seeds")
HUNTS = load_hunts().by_name
BASELINES = ("linux-server-egress-baseline", "linux-desktop-egress-baseline")
EVERYONE = [Device(identity(name)) for name in KINDS]
IP, URL = Indicator("ip", "203.0.113.9"), Indicator("url", "evil.example/a")

few = bounds(max_examples=10)  # each example runs two or three hunts, a tenth of a second each
# Telemetry drawn value by value would be too sparse for a join to find anything.
randoms = st.randoms(use_true_random=True)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine whose telemetry combines all edge cases of the hunts."""
    return filled(every_combination())


def run(engine: Engine, query: str, columns: list[str] | None = None) -> tuple[Counter[Any], list[str]]:
    """Return the rows of a query over the last day, counted, and the columns: *columns* or its own."""
    schema, rows = engine.hunt(query, start=NOW - DAY + TICK, end=NOW, now=NOW)
    names = columns or [column["name"] for column in schema]
    return Counter(tuple(str(row[name]) for name in names) for row in rows), names


def seed(hunt: str) -> str:
    """Return the published query that a hunt comes from."""
    return (SEEDS / f"{hunt}.kql").read_text()


def of_devices(rows: Counter[Any], columns: list[str], devices: set[str]) -> Counter[Any]:
    """Return those of *rows* that belong to *devices*."""
    where = columns.index("DeviceName")
    return Counter({row: n for row, n in rows.items() if row[where].split(".")[0].lower() in devices})


@pytest.mark.parametrize(
    ("hunt", "devices"),
    [
        ("linux-server-egress-baseline", {"srv-1", "srv-2", "box-1"}),
        ("linux-desktop-egress-baseline", {"wks-1", "box-1"}),
    ],
)
def test_a_baseline_gives_its_seeds_rows_for_its_devices(
    engine: Engine, hunt: str, devices: set[str]
) -> None:
    """The rows agree for named devices and for the fleet; devices of another kind have none."""
    published, columns = run(engine, seed(hunt))
    wanted = of_devices(published, columns, devices)
    shipped = HUNTS[hunt]
    query = device_query(shipped.query, EVERYONE, take=100_000, end=NOW, applies_to=shipped.applies_to)

    assert wanted
    assert wanted == run(engine, query, columns)[0]
    assert (
        wanted == run(engine, fleet_query(shipped.query, end=NOW, applies_to=shipped.applies_to), columns)[0]
    )


@pytest.mark.parametrize("hunt", BASELINES)
@few
@given(chance=randoms)
def test_a_baseline_goes_by_the_last_kind_of_a_device(hunt: str, chance: Random) -> None:
    """In random telemetry devices change their kind, and what they were last within the day decides."""
    tables = egress_by_chance(chance)
    engine = filled(tables)
    shipped = HUNTS[hunt]
    last = {}
    for row in sorted(tables["DeviceInfo"], key=lambda row: row["Timestamp"]):
        if row["Timestamp"] > NOW - DAY:
            last[row["DeviceName"].split(".")[0].lower()] = row["OSPlatform"], row["DeviceType"]
    devices = {name for name, kind in last.items() if not shipped.applies_to.excludes(*kind)}
    published, columns = run(engine, seed(hunt))
    query = device_query(shipped.query, EVERYONE, take=100_000, end=NOW, applies_to=shipped.applies_to)

    assert of_devices(published, columns, devices) == run(engine, query, columns)[0]


@pytest.mark.parametrize(
    "device", [Device(identity("srv-1")), Device(name="srv-1"), Device(name="SRV-1.contoso.com")]
)
def test_archive_then_upload_gives_its_seeds_rows(engine: Engine, device: Device) -> None:
    """Exactly 30 minutes later still counts, and the device is found by id, short name or full name."""
    wanted, columns = run(engine, seed("archive-then-upload"))
    shipped = HUNTS["archive-then-upload"]
    query = device_query(shipped.query, [device], take=100_000, end=NOW, applies_to=shipped.applies_to)

    assert wanted
    assert {"srv-1.contoso.com", "SRV-1.CONTOSO.COM"} == {row[columns.index("DeviceName")] for row in wanted}
    assert wanted == run(engine, query, columns)[0]


@few
@given(chance=randoms)
def test_archive_then_upload_agrees_on_random_telemetry(chance: Random) -> None:
    """The hunt and its seed give the same rows, at random times and for random commands."""
    engine = filled(upload_by_chance(chance))
    wanted, columns = run(engine, seed("archive-then-upload"))
    query = device_query(HUNTS["archive-then-upload"].query, [Device(name="Srv-1")], take=100_000, end=NOW)

    assert wanted == run(engine, query, columns)[0]


def origins(engine: Engine) -> tuple[Counter[Any], Counter[Any], list[str]]:
    """Return the seed's rows for the address, also by FileOriginIP, those for the URL, and the columns."""
    text = seed("file-origin")
    by_ip = text.replace(
        'FileOriginUrl contains "evil.example/a" or FileOriginReferrerUrl contains "evil.example/a"',
        'FileOriginIP == "203.0.113.9"',
    )
    addresses, columns = run(engine, by_ip)
    return addresses, run(engine, text.replace('FileOriginUrl == "203.0.113.9" or ', ""))[0], columns


def test_file_origin_gives_its_seeds_rows_and_direct_ones(engine: Engine) -> None:
    """It adds the rows whose FileOriginIP is the address, and no others."""
    shipped = HUNTS["file-origin"].query
    addresses, pages, columns = origins(engine)

    assert addresses
    assert pages
    assert addresses == run(engine, indicator_query(shipped, [IP], take=100_000, end=NOW), columns)[0]
    assert pages == run(engine, indicator_query(shipped, [URL], take=100_000, end=NOW), columns)[0]
    assert (
        addresses + pages
        == run(engine, indicator_query(shipped, [IP, URL], take=100_000, end=NOW), columns)[0]
    )


@few
@given(chance=randoms)
def test_file_origin_agrees_on_random_telemetry(chance: Random) -> None:
    """A file that came from the address by way of the URL is there once for each of them."""
    engine = filled(download_by_chance(chance))
    addresses, pages, columns = origins(engine)
    query = indicator_query(HUNTS["file-origin"].query, [IP, URL], take=100_000, end=NOW)

    assert addresses + pages == run(engine, query, columns)[0]
