"""A watch that does not look is told, by the self-test and by health."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import azure.functions as func
import pytest
from obstore.store import MemoryStore

from functions import app, health
from sandbox.tenant.state import READ, WRITE
from shared.errors import PermissionDenied
from shared.model.watching import STATE
from shared.selftest.watching import watching
from shared.state.objects import Store
from shared.watch import look
from tests.support.deployed import hosted, identity
from tests.support.surroundings import Surroundings, unmet, untold
from tests.support.tenant import ENVIRONMENT, Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.tenant.state import Tenant

NOON = datetime(2026, 11, 24, 12, 0, 20, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 7, tzinfo=UTC)
MINUTES = "0 * * * * *"
WORKDAYS = "0 0 6 * * 1-5"


@pytest.mark.fault("H3", before="met: true, and no need named watch, while nothing looked")
async def test_a_watch_that_has_missed_three_looks_is_a_need_that_is_not_met(around: Surroundings) -> None:
    """The self-test says since when nobody looks, by which schedule, and where to look for the reason."""
    await around.looked(timedelta(minutes=5))
    answer = await around.check()
    watch = next(need for need in answer.needs if need.name == "watch")

    assert {"watch"} == unmet(answer).keys()
    assert watch.found.startswith("incidents could last be listed at 20")
    assert watch.found.endswith("since then 3 times of WATCH_SCHEDULE (0 * * * * *) have passed")
    assert "whether the timer WatchIncidents is fired" in watch.mend


@pytest.mark.parametrize(
    ("schedule", "now", "looked", "status"),
    [
        (MINUTES, NOON, NOON - timedelta(minutes=2, seconds=20), "looking"),
        # The look of 11:58, which began early, and is the third back from noon.
        (MINUTES, NOON, NOON - timedelta(minutes=2, seconds=20, milliseconds=3), "looking"),
        (MINUTES, NOON, NOON - timedelta(minutes=3, seconds=20), "silent"),
        # On a Monday, the third look back is the Thursday's.
        (WORKDAYS, MONDAY, MONDAY - timedelta(days=4), "looking"),
        (WORKDAYS, MONDAY, MONDAY - timedelta(days=5), "silent"),
    ],
)
async def test_three_times_of_the_schedule_are_counted(
    around: Surroundings, schedule: str, now: datetime, looked: datetime, status: str
) -> None:
    """Whatever lies between them: nights and weekends count for nothing."""
    await around.looked(around.app.now() - looked)
    watch = await watching(around.store, schedule, now, started=now, off=False)

    assert (status, looked) == (watch.status, watch.looked)


@pytest.mark.fault("H3", before="met: true, and no need named watch, while nothing looked")
async def test_a_watch_that_never_looked_has_three_looks_from_the_start(around: Surroundings) -> None:
    """Until then nothing is told, and afterwards it is a fault."""
    around.store = Store.open("memory://", around.identity)
    early = await around.check()
    around.started -= timedelta(minutes=5)
    late = await around.check()

    assert ({}, {"watch"}) == (unmet(early), untold(early))
    assert {"watch"} == unmet(late).keys()
    assert "incidents were never listed; the app started at 20" in str(late)


async def test_a_watch_that_is_switched_off_is_no_fault(around: Surroundings) -> None:
    """The self-test says that it is, and is met."""
    await around.looked(timedelta(days=5))
    around.watch_off = True
    answer = await around.check()

    assert answer.met
    assert "the watch is off (AzureWebJobs.WatchIncidents.Disabled)" in str(answer)


async def test_only_a_look_that_lists_incidents_counts(app: Deployment) -> None:
    """One that Graph refuses leaves the time where it was; the next that is answered moves it."""

    async def watch() -> tuple[str, bool]:
        """Return how the watch stands, and whether it looked now."""
        found = await watching(app.tools.store, MINUTES, app.now(), started=app.clock, off=False)
        return found.status, found.looked == app.now()

    await look(app.tools)
    first = await watch()
    app.ahead += timedelta(minutes=5)
    app.tenant.roles -= {READ, WRITE}
    with pytest.raises(PermissionDenied):
        await look(app.tools)
    refused = await watch()
    app.tenant.roles.add(READ)
    await look(app.tools)

    assert [("looking", True), ("silent", False), ("looking", True)] == [first, refused, await watch()]


class Hanging(Store):
    """A store that does not answer."""

    async def get(self, key: str) -> bytes | None:
        """Wait for an hour."""
        await asyncio.sleep(3_600)
        return await super().get(key)


async def test_a_store_that_does_not_answer_is_waited_for_2_seconds(around: Surroundings) -> None:
    """How the watch stands is then not told, and nothing is raised; nor where what is stored cannot be read."""
    hanging = Hanging(MemoryStore())
    await around.store.put(STATE, b"[]")
    began = time.monotonic()
    found = [
        (await watching(store, MINUTES, NOON, started=NOON, off=False)).found
        for store in (hanging, around.store)
    ]
    took = time.monotonic() - began

    assert [
        "not told: the watch's state cannot be read (TimeoutError)",
        "not told: the watch's state cannot be read (ValidationError)",
    ] == found
    assert took >= 2


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Settings of an app whose state is in a folder, and whose watch is on; they are read anew."""
    for name, value in {**ENVIRONMENT, "STATE_URL": tmp_path.as_uri()}.items():
        monkeypatch.setenv(name, value)
    cached = (app.read_settings, app.store, app.started, app.credential, app.hunts)
    for each in cached:
        each.cache_clear()
    yield tmp_path
    for each in cached:
        each.cache_clear()


async def test_health_answers_where_the_store_cannot_be_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be made is said, and the app still answers."""
    (folder / "file").write_text("x")
    monkeypatch.setenv("STATE_URL", (folder / "file" / "state").as_uri())
    answer = await health.health.build().get_user_function()(func.HttpRequest("GET", "/api/health", body=b""))
    watch = json.loads(answer.get_body())["watch"]

    assert (200, "unknown") == (answer.status_code, watch["status"])
    assert watch["found"].startswith("not told: the store cannot be opened")


@pytest.mark.fault("H3", before="KeyError: 'watch', and status healthy")
@pytest.mark.parametrize(
    ("ago", "off", "expected"),
    [
        (timedelta(seconds=1), "", ("healthy", "looking")),
        (timedelta(minutes=5), "", ("degraded", "silent")),
        (timedelta(minutes=5), "true", ("healthy", "off")),
        (None, "", ("healthy", "unknown")),
    ],
)
async def test_health_is_degraded_while_the_watch_is_silent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ago: timedelta | None, off: str, expected: tuple[str, str]
) -> None:
    """A watch that is switched off, or of which nothing is known yet, degrades nothing."""
    monkeypatch.setenv("AzureWebJobs.WatchIncidents.Disabled", off)
    if ago is not None:
        at = (datetime.now(UTC) - ago).isoformat()
        (folder / "watch").mkdir()
        (folder / STATE).write_text(json.dumps({"since": at, "looked": at}))
    answer = await health.health.build().get_user_function()(func.HttpRequest("GET", "/api/health", body=b""))
    body = json.loads(answer.get_body())

    assert expected == (body["status"], body["watch"]["status"])


@pytest.mark.fault("H3", before="KeyError: 'watch'; the look logged no interval")
def test_a_look_of_the_deployed_app_is_seen_by_health_and_logs_its_intervals(
    cloud: tuple[str, Tenant], tmp_path: Path
) -> None:
    """Once the timer has fired, health says when it looked, and the log how long three intervals are."""
    timer = {"AzureWebJobs.WatchIncidents.Disabled": "false", "WATCH_SCHEDULE": "* * * * * *"}
    with hosted(tmp_path, **identity(cloud[0]), **timer) as http:
        for _ in range(100):
            watch = http.get("/api/health").json()["watch"]
            if watch["status"] == "looking" and "three intervals are" in (tmp_path / "log.txt").read_text():
                break
            time.sleep(0.1)
    lines = re.findall(r"watch: .*; three intervals are (\d+) s", (tmp_path / "log.txt").read_text())

    assert "looking" == watch["status"]
    assert {"3", "4"} >= set(lines) != set()
