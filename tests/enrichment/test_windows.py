"""The window of a hunt whose query itself looks back, and an old incident that such a hunt is run on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from sandbox.telemetry.engine import Engine, timestamp
from sandbox.telemetry.generation import device_id
from sandbox.telemetry.rows import ran
from sandbox.tenant import evidence
from shared.catalog.load import Catalog, load_hunts
from shared.comment.others import windows
from shared.enrichment.windows import window_of
from shared.model.hunt import Hunt
from shared.model.outcome import Outcome
from tests.support.endings import outcome
from tests.support.hunt_files import SENTINEL, five_hunts, write
from tests.support.tenant import Deployment, Fleet

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KEPT = "Graph keeps 30 days"


def hunt(reach: timedelta) -> Hunt:
    """Return a hunt that looks back so far."""
    return Hunt(name="a", title="A", id="", version="1.0.0", query="DeviceInfo", reach=reach)


def told(
    reach: timedelta, first: timedelta, last: timedelta, asked: timedelta | None = None
) -> tuple[object, ...]:
    """Return start and end, as times before now, and what is cut, for activity from *first* to *last* ago."""
    window = window_of(hunt(reach), asked, NOW - first, NOW - last, NOW)
    return NOW - window.start, NOW - window.end, window.cut


@pytest.mark.parametrize(
    ("tables", "events", "standing"),
    [
        (("DeviceProcessEvents",), True, False),
        (("DeviceProcessEvents", "DeviceTvmSoftwareInventory"), True, True),
        (("DeviceTvmSecureConfigurationAssessment",), False, True),
    ],
)
def test_no_window_is_claimed_for_how_things_stand(
    tables: tuple[str, ...], events: bool, standing: bool
) -> None:
    """Of a hunt that reads that alone, the comment says that it saw no events; of one that reads it too, that it did."""
    window = window_of(replace(hunt(DAY), tables=tables), None, NOW - DAY, NOW, NOW)
    (line,) = windows([Outcome("a", "A", "nothingFound", window=window)])

    assert events == window.events == (" UTC" in line) == ("no events" not in line)
    assert standing == ("as they stand when hunted" in line)


@pytest.mark.parametrize(
    ("reach", "first", "last", "expected"),
    [
        (7 * DAY, 20 * DAY, 20 * DAY, (26 * DAY, 19 * DAY, "")),
        (7 * DAY, 2 * HOUR, HOUR, (7 * DAY, 0 * DAY, "")),
        (14 * DAY, 20 * DAY, 20 * DAY, (30 * DAY, 19 * DAY, KEPT)),
        (90 * DAY, HOUR, HOUR, (30 * DAY, 0 * DAY, KEPT)),
        (30 * DAY, HOUR, HOUR, (30 * DAY, 0 * DAY, "")),
        (30 * DAY, 40 * DAY, HOUR, (30 * DAY, 0 * DAY, KEPT)),
        (
            HOUR,
            3 * DAY,
            3 * DAY,
            (2 * DAY + HOUR, 2 * DAY, "the query looks back 1 hour, not to the incident's first activity"),
        ),
        (
            timedelta(minutes=90),
            2 * HOUR,
            HOUR,
            (1.5 * HOUR, 0 * DAY, "the query looks back 90 minutes, not to the incident's first activity"),
        ),
    ],
)
def test_a_hunt_that_looks_back_has_the_window_it_looks_at(
    reach: timedelta, first: timedelta, last: timedelta, expected: tuple[object, ...]
) -> None:
    """It ends as any other, and begins where the query begins, or 30 days ago; what is cut is said."""
    assert expected == told(reach, first, last)


def test_a_shorter_lookback_of_the_callers_own_wins() -> None:
    """It counts from the first activity, as for any other hunt; a longer one does not make the query look further."""
    assert (3 * DAY + HOUR, 2 * DAY, "") == told(7 * DAY, 3 * DAY, 3 * DAY, asked=HOUR)
    assert (9 * DAY, 2 * DAY, "") == told(7 * DAY, 3 * DAY, 3 * DAY, asked=20 * DAY)


def test_without_activity_it_looks_back_from_now() -> None:
    """A run for a device alone has no times but its own."""
    window = window_of(hunt(7 * DAY), None, None, None, NOW)

    assert (NOW - 7 * DAY, NOW, "") == (window.start, window.end, window.cut)


class Old(Fleet):
    """One server, with one process 20 days ago, and one hunt that looks back seven days."""

    def __init__(self, folder: Path) -> None:
        self.end = datetime.now(UTC)
        self.at = self.end - 20 * DAY
        self.engine = Engine()
        on = {"DeviceId": device_id("srv-7.contoso.com"), "DeviceName": "srv-7.contoso.com"}
        seen = [
            {**on, "OSPlatform": "Windows11", "Timestamp": timestamp(self.at + n * HOUR)} for n in range(20)
        ]
        self.engine.load("DeviceInfo", seen)
        table, row = ran("srv-7.contoso.com", self.at, "zip.exe", "zip.exe a", "svc")
        self.engine.load(table, [{**row, "ProcessVersionInfoOriginalFileName": "7z.exe"}])
        write(folder, "renamed-archiver.yaml", SENTINEL)
        card = five_hunts().by_name["device-card"]
        self.catalog = Catalog((card, *load_hunts(folder).hunts))


@pytest.mark.fault("A5", before="'found' == 'nothingFound', and the comment said: the hunt's own window")
async def test_a_drop_in_hunt_finds_what_happened_at_an_old_incident(tmp_path: Path) -> None:
    """Its `ago(7d)` counts from the day after a 20-day-old incident, and the comment says these dates."""
    fleet = Old(tmp_path)
    app = Deployment(fleet, planted_open=False, HUNTS_AUTO="*")
    opened = evidence.incident(
        7001, "An archiver", "high", "Collection", fleet.at, fleet.at, evidence.device("srv-7.contoso.com"),
        opened=fleet.at,
    )  # fmt: skip
    app.tenant.incidents["7001"] = opened
    done = await app.enrich(incidentId="7001")
    (text,) = app.comments("7001")
    await app.close()

    assert "found" == outcome(done, "renamed-archiver").outcome
    looked = f"Looked at: {fleet.at - 6 * DAY:%Y-%m-%d %H:%M} to {fleet.at + DAY:%Y-%m-%d %H:%M} UTC"
    assert looked in text
    assert "own window" not in text
