"""How much a hunt returns where nothing happened, and which intrusions it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.noise import finders, measure
from sandbox.telemetry.rows import connected, ran
from tests.support.hunt_files import six_hunts

if TYPE_CHECKING:
    from sandbox.telemetry.engine import Row

END = datetime(2026, 3, 11, 12, tzinfo=UTC)
HUNT = six_hunts().by_name["archive-then-upload"]


def theft(on: str, at: datetime, times: int = 1) -> list[tuple[str, Row]]:
    """Return the rows of an archive, and of uploads of it that are alike."""
    sent = [
        connected(on, at + timedelta(minutes=1 + n), "curl", "curl -T x.tgz", "root", "203.0.113.9")
        for n in range(times)
    ]
    return [ran(on, at, "tar", "tar -czf x.tgz /srv", "root"), *sent]


def filled(*rows: tuple[str, Row]) -> Engine:
    """Return an engine with these rows."""
    engine = Engine()
    for table, row in rows:
        engine.load(table, [row])
    return engine


def three_days() -> Engine:
    """Return an engine in which something happened today, two days ago and nine days ago."""
    days = [END - timedelta(hours=5), END - timedelta(days=2, hours=5), END - timedelta(days=9, hours=5)]
    return filled(*(row for day in days for row in theft("srv-1", day, times=3)))


def test_rows_are_counted_for_an_average_day() -> None:
    """Two days in four have something: uploads that look alike are one event, and what is older than four days is not asked."""
    assert (HUNT.name, 6 / 4, 2 / 4, 2 / 4, "") == measure(HUNT, three_days(), end=END, days=10, windows=4)


def test_every_window_is_asked_that_fits() -> None:
    """What happened on one day of ten counts, however long ago."""
    assert (HUNT.name, 9 / 10, 3 / 10, 3 / 10, "") == measure(HUNT, three_days(), end=END, days=10)


def test_a_hunt_that_cannot_run_is_not_silent() -> None:
    """Its row says why, in the words of the engine."""
    broken = msgspec.structs.replace(HUNT, query="DeviceProcessEvents | where Nonsense == 1")

    assert "Nonsense" in measure(broken, Engine(), end=END, days=1).failed


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ({"theft": theft("srv-1", END - timedelta(hours=1))}, ["theft"]),
        ({"theft": theft("srv-1", END - timedelta(days=3))}, []),
        ({"archive": theft("srv-1", END - timedelta(hours=1), times=0)}, []),
        ({name: theft(name, END - timedelta(hours=1)) for name in ("two", "one")}, ["one", "two"]),
    ],
    ids=["found", "outside of its window", "not what it looks for", "two"],
)
def test_what_is_planted_is_found_or_not(planted: dict[str, Any], found: list[str]) -> None:
    """A hunt finds what lies in the window before the end; rows that were there before are no find."""
    engine = filled(*theft("srv-1", END - timedelta(hours=2)))

    assert {HUNT.name: found} == finders([HUNT], engine, planted, end=END)
