"""What telemetry holds: a trace per run, metrics and logs, and no value from an incident in any."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from shared import telemetry
from shared.model.record import Work
from shared.state.runs import run_id
from shared.work import give_up, work_on
from tests.support.templates import METRICS
from tests.support.tenant import Deployment, Fleet
from tests.support.watched import INCIDENT, Watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


ROOT = Path(__file__).parents[1]


@pytest.fixture
async def watched(fleet: Fleet) -> AsyncIterator[Watched]:
    """Outrider in a tenant, with its telemetry kept in memory."""
    deployment = Deployment(fleet)
    found = Watched(deployment)
    yield found
    await found.tools.graph.close()
    await deployment.close()


def leaves(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, but not its keys."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    elif isinstance(value, str):
        yield value


async def test_a_run_is_one_trace_under_its_id(watched: Watched) -> None:
    """The trace has a span for the run and, inside it, one for the call of its hunts and one for the comment."""
    name = await watched.watch()
    run = next(span for span in watched.spans if span.name == "run")
    plan = (await watched.app.read(name)).plan

    assert plan
    assert ["comment", "hunting call", "run"] == sorted(span.name for span in watched.spans)
    assert [tuple(hunt.name for hunt in plan.hunts)] == [
        (span.attributes or {})["outrider.hunts"] for span in watched.spans if span.name == "hunting call"
    ]
    assert {name} == {f"{span.context.trace_id:032x}" for span in watched.spans if span.context}
    assert {
        "outrider.run": name,
        "outrider.kind": "enrichment",
        "outrider.source": "watch",
        "outrider.status": "completed",
    } == dict(run.attributes or {})
    assert {run.context.span_id if run.context else 0} == {
        span.parent.span_id for span in watched.spans if span.parent and span is not run
    }


async def test_a_redelivered_run_is_counted_only_once(watched: Watched) -> None:
    """The run's end, its hunts' outcomes and rows and the time to its comment are each counted once."""
    name = await watched.watch()
    await work_on(watched.tools, name, again=True)
    done = await watched.app.done(name)
    waited = watched.metrics.pop(("outrider.comment.seconds",))

    assert {("outrider.runs", "completed", "enrichment", "watch"): 1} | {
        ("outrider.hunts", *sorted((each.hunt, each.outcome))): 1 for each in done.outcomes
    } | {("outrider.rows", each.hunt): each.found.rows for each in done.outcomes} == {
        key: value for key, value in watched.metrics.items() if key[0] != "outrider.comment.seconds"
    }
    assert waited > 0


async def test_runs_write_every_metric_that_alerts_read(watched: Watched) -> None:
    """A good run, a throttled one and one without a role together write exactly those metrics."""
    await watched.watch()
    watched.app.tenant.faults.add(match="hunt", status=429, retry_after=60, times=100)
    asked = await watched.app.ask(incidentId=INCIDENT)
    await work_on(watched.tools, asked)
    watched.app.tenant.faults.clear()
    watched.app.tenant.roles.clear()
    await work_on(watched.tools, await watched.app.ask(incidentId=INCIDENT))

    assert METRICS == {key[0] for key in watched.metrics}
    assert 1 == watched.metrics["outrider.missing_role", "SecurityIncident.ReadWrite.All"]
    assert 2 == watched.metrics["outrider.parked",]
    assert watched.metrics["outrider.throttled", "Microsoft Graph"] >= 1


async def test_a_throttled_run_says_so_in_its_trace(watched: Watched) -> None:
    """The run's span has the status waiting, and the only error in its trace is Throttled."""
    watched.app.tenant.faults.add(match="hunt", contains="arg_max", status=429, retry_after=60, times=1)
    await watched.watch()
    run = next(span for span in watched.spans if span.name == "run")
    kinds = {(span.attributes or {}).get("error.type") for span in watched.spans}

    assert "waiting" == (run.attributes or {})["outrider.status"]
    assert {None, "Throttled"} == kinds


async def test_a_span_says_how_its_call_or_its_comment_ended(watched: Watched) -> None:
    """How many rows the hunts of a call had, or how it was refused, and whether the comment was written."""
    watched.app.tenant.faults.add(match="hunt", contains="FileOriginUrl", status=400, times=1_000)
    name = await watched.watch()
    calls = [dict(span.attributes or {}) for span in watched.spans if span.name == "hunting call"]
    run = await watched.app.read(name)
    failed = [dict(s.attributes or {}) for s in watched.spans if s.status.status_code is StatusCode.ERROR]
    (comment,) = (dict(span.attributes or {}) for span in watched.spans if span.name == "comment")

    assert 1 < len(failed) < len(calls)
    assert [("BadQuery", True)] * len(failed) == [
        (call["error.type"], "file-origin" in call["outrider.hunts"]) for call in failed
    ]
    for call in (call for call in calls if "error.type" not in call):
        assert sum(run.found[hunt].rows for hunt in call["outrider.hunts"]) == call["outrider.rows"]
    assert "written" == comment["outrider.status"]


async def test_giving_up_is_traced_and_counted_as_a_failure(watched: Watched) -> None:
    """The run that is given up ends as failed, in a trace under its own id and in the metrics."""
    name = await watched.app.ask(incidentId=INCIDENT)
    await give_up(watched.tools, name, "it stopped the worker", posting=True)
    run = next(span for span in watched.spans if span.name == "run")

    assert "failed" == (run.attributes or {})["outrider.status"]
    assert {name} == {f"{span.context.trace_id:032x}" for span in watched.spans if span.context}
    assert 1 == watched.metrics["outrider.runs", "api", "enrichment", "failed"]


async def test_telemetry_and_logs_hold_no_incident_values(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """They hold no device, address, command line, KQL, title or incident's id."""
    caplog.set_level(logging.INFO)
    telemetry.silence_libraries()
    name = await watched.watch()
    watched.app.tenant.roles.clear()
    await work_on(watched.tools, await watched.app.ask(incidentId=INCIDENT))
    said = "\n".join([*(span.to_json() for span in watched.spans), repr(watched.metrics), caplog.text])
    found = (await watched.app.done(name)).outcomes
    values = {*leaves(watched.app.tenant.incidents[INCIDENT]), INCIDENT}
    values |= {text for outcome in found for row in outcome.found.first_rows for text in leaves(row)}

    assert len(values) > 50
    # Ids and times are long numbers, in which a short one stands by chance.
    words = re.sub(r"\w{13,}|[\d:.]+Z", "", said)

    assert [] == sorted(value for value in values if len(value) > 12 and value in said)
    assert [] == sorted(value for value in values if 3 < len(value) <= 12 and value in words)
    assert [] == [kql for kql in ("DeviceInfo", "DeviceId", "| where", "let _", "incidents/") if kql in said]


@pytest.mark.parametrize(("source", "expected"), [("api", 0), ("sentinel", 1)])
async def test_only_automatic_runs_measure_time_to_comment(
    watched: Watched, source: Any, expected: int
) -> None:
    """How long a comment took is measured for a run from Sentinel, but not for one asked of the API."""
    work = Work(run_id(""), watched.app.now(), "", incident_id=INCIDENT, source=source)
    await watched.tools.runs.start(work, chosen_key=False)
    watched.app.ahead = timedelta(minutes=1)
    await work_on(watched.tools, work.run_id)

    assert expected == sum(key[0] == "outrider.comment.seconds" for key in watched.metrics)
