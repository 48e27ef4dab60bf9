"""
The queues: do a run; and record what could not be done.

A run that must wait sends itself a message and succeeds here, so only a crash or a bug uses up a delivery: the poison
queue means "this run kills the worker".
"""

from __future__ import annotations

import logging

import azure.functions as func

from functions import app
from shared.errors import RunNotFound
from shared.work import give_up, work_on

blueprint = func.Blueprint()
log = logging.getLogger("outrider")

_STORAGE = "AzureWebJobsStorage"


async def _work(msg: func.QueueMessage) -> None:
    run_id = _text(msg)
    try:
        await work_on(app.tools(), run_id, again=(msg.dequeue_count or 1) > 1)
    except RunNotFound:
        log.error("a message names no run; it is dropped")  # noqa: TRY400


async def _record(msg: func.QueueMessage) -> None:
    run_id = _text(msg)
    reason = "the run stopped the worker 5 times and was given up; the app's log says where"
    try:
        # Once with a comment; should that be what kills the worker, without.
        await give_up(app.tools(), run_id, reason, posting=(msg.dequeue_count or 1) == 1)
    except RunNotFound:
        log.error("a poison message names no run; it is dropped")  # noqa: TRY400
    else:
        log.error("run %s was given up", run_id)


@blueprint.function_name("DoUrgentRun")
@blueprint.queue_trigger("msg", "urgent", _STORAGE)
async def do_urgent_run(msg: func.QueueMessage) -> None:
    """Do a run that a person or a callout waits for."""
    await _work(msg)


@blueprint.function_name("DoRun")
@blueprint.queue_trigger("msg", "runs", _STORAGE)
async def do_run(msg: func.QueueMessage) -> None:
    """Do any other run."""
    await _work(msg)


@blueprint.function_name("DoSweep")
@blueprint.queue_trigger("msg", "sweeps", _STORAGE)
async def do_sweep(msg: func.QueueMessage) -> None:
    """Sweep the fleet."""
    await _work(msg)


@blueprint.function_name("RecordUrgentFailure")
@blueprint.queue_trigger("msg", "urgent-poison", _STORAGE)
async def record_urgent_failure(msg: func.QueueMessage) -> None:
    """End an urgent run that kills the worker."""
    await _record(msg)


@blueprint.function_name("RecordFailure")
@blueprint.queue_trigger("msg", "runs-poison", _STORAGE)
async def record_failure(msg: func.QueueMessage) -> None:
    """End a run that kills the worker."""
    await _record(msg)


@blueprint.function_name("RecordSweepFailure")
@blueprint.queue_trigger("msg", "sweeps-poison", _STORAGE)
async def record_sweep_failure(msg: func.QueueMessage) -> None:
    """End a sweep that kills the worker."""
    await _record(msg)


def _text(msg: func.QueueMessage) -> str:
    # What is not base64 lands in the poison queue as it came: any bytes must do.
    return msg.get_body().decode("utf-8", "replace").strip()
