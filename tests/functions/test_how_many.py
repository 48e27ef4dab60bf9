"""How many runs a caller may have, and that one sweep is under way at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest
from msgspec.structs import replace

from functions import app
from shared.model.record import Done
from shared.state.opened import MOST_OPEN
from shared.sweep.starting import start_sweep
from tests.support import callers
from tests.support.callers import ask, principal, said
from tests.support.openapi import problems
from tests.support.sweeping import ARCHIVES, SERVERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BODY = {"devices": ["srv-7"], "comment": False}


@pytest.fixture(params=["entra"], autouse=True)
async def platform(
    address: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Settings of an app whose callers App Service authentication signs in, or who send a function key."""
    with callers.platform(address, request.param, monkeypatch):
        yield
        await callers.close()


async def enrich(who: str = "analyst", key: str = "") -> func.HttpResponse:
    """Start a run as the principal *who*."""
    return await ask("POST /api/enrich", principal(who, **({"idempotency-key": key} if key else {})), BODY)


async def sweep(key: str = "", hunt: str = SERVERS) -> func.HttpResponse:
    """Start a sweep."""
    headers = principal(**({"idempotency-key": key} if key else {}))
    return await ask("POST /api/sweep", headers, {"hunts": [hunt]})


async def fill(who: str = "analyst") -> list[str]:
    """Start as many runs as there may be; return their ids."""
    return [said(await enrich(who, f"{number}"))["runId"] for number in range(MOST_OPEN)]


async def end(run: str) -> None:
    """Let a run end, as its worker records it."""
    runs = app.tools().runs
    await runs.finish(await runs.work(run), Done("completed", "", app.tools().now()))


def statuses(answers: list[func.HttpResponse]) -> list[int]:
    """Return the statuses of responses, sorted."""
    return sorted(answer.status_code for answer in answers)


@pytest.mark.fault("B6", before="assert (429, '120') == (202, '5'): a caller's runs had no bound")
async def test_a_caller_has_two_hundred_runs_at_most_that_have_not_ended() -> None:
    """One more is refused with 429; another caller's is taken, and so is a call that is repeated, or follows an end."""
    runs = await fill()
    refused, other, repeated = await enrich(), await enrich("playbook"), await enrich(key="7")
    await end(runs[3])
    again = await enrich()

    assert (429, "120") == (refused.status_code, refused.headers["Retry-After"])
    assert "200 of your runs have not ended" in said(refused)["error"]["message"]
    assert [] == problems("POST /api/enrich", 429, refused.get_body())
    assert (202, 202, 202) == (other.status_code, repeated.status_code, again.status_code)
    assert runs[7] == said(repeated)["runId"]


@pytest.mark.parametrize("platform", ["key"], indirect=True)
async def test_callers_with_a_function_key_have_them_together() -> None:
    """There, a principal is what the caller says, and does not count."""
    await fill("one")

    assert 429 == (await enrich("other")).status_code


async def test_entries_of_runs_that_ended_do_not_stay_in_the_way() -> None:
    """Whoever ended them died before it took them out, and the watch is off: each call that is refused looks at some."""
    runs = app.tools().runs
    for run in await fill():
        work = await runs.work(run)
        await end(run)
        await runs.open(run, work.group)
    taken = await enrich()

    assert 202 == taken.status_code
    assert len(await runs.listed()) < MOST_OPEN


async def test_a_run_writes_two_objects_when_it_is_started() -> None:
    """Its request, and its entry under its caller, whose id is not in the name; none is left of the entry at the end."""
    store = app.tools().store
    run = said(await enrich("analyst@contoso.com"))["runId"]
    started = await store.keys("")
    await end(run)

    assert [f"/{run}", f"runs/{run}/request"] == [started[0][-33:], *started[1:]]
    assert "contoso" not in started[0]
    assert [] == await store.keys("open/")


@pytest.mark.fault("B6", before="assert [202, 409, …] == [202, 202, …]: all of 20 sweeps were taken")
async def test_one_sweep_is_taken_of_many_that_come_at_once() -> None:
    """The others are answered with 409, which names it, also in Location."""
    answers = await asyncio.gather(*(sweep() for _ in range(20)))
    (taken,) = [answer for answer in answers if answer.status_code == 202]
    run = said(taken)["runId"]
    refused = [answer for answer in answers if answer.status_code == 409]

    assert [202, *[409] * 19] == statuses(answers)
    assert {taken.headers["Location"]} == {answer.headers["Location"] for answer in refused}
    assert all(f"the sweep {run} is under way" in said(answer)["error"]["message"] for answer in refused)
    assert [] == problems("POST /api/sweep", 409, refused[0].get_body())


async def test_a_sweep_is_taken_once_the_one_before_has_ended() -> None:
    """Until then a call that is repeated is answered with its sweep, whichever that is."""
    first = said(await sweep("monday"))["runId"]
    repeated = await sweep("monday")
    refused = await sweep("tuesday", ARCHIVES)
    await end(first)
    second = await sweep("tuesday", ARCHIVES)
    ended = await sweep("monday")

    assert (409, 202) == (refused.status_code, second.status_code)
    assert [first, first] == [said(answer)["runId"] for answer in (repeated, ended)]
    assert first != said(second)["runId"]


def ahead(by: timedelta) -> Any:
    """Return the app's tools with a clock that is ahead."""
    tools = app.tools()
    return replace(tools, now=lambda: tools.now() + by)


async def test_a_sweep_older_than_a_day_stands_in_nobodys_way() -> None:
    """The timer's of the next day is started, though it never ended."""
    await sweep()
    before = await app.tools().runs.listed()
    await start_sweep(ahead(timedelta(hours=23)))
    waits = await app.tools().runs.listed()
    await start_sweep(ahead(timedelta(hours=24)))

    assert before == waits
    assert 2 == len(await app.tools().runs.listed())


async def test_a_turn_whose_sweep_was_never_stored_is_free_after_a_minute() -> None:
    """Whoever took it died."""
    await sweep()
    (run,) = await app.tools().runs.listed()
    await app.tools().store.delete(f"runs/{run}/request")
    refused = await sweep()
    await start_sweep(ahead(timedelta(minutes=1)))

    assert 409 == refused.status_code
    assert 2 == len(await app.tools().runs.listed())
