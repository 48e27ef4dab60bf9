"""
The triggers of the queues: work on runs, and end those that cannot be finished.

A run that must wait sends itself a message and succeeds here, so only a crash or a bug uses up a delivery: a
message in a poison queue means that its run stops the worker.
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
        log.error("a message names no run; it is dropped")  # noqa: TRY400  (a traceback adds nothing)


async def _record(msg: func.QueueMessage) -> None:
    run_id = _text(msg)
    reason = "the run stopped the worker 5 times and was given up; the app's log says where"
    try:
        # Only the first delivery comments: commenting may be what stops the worker.
        await give_up(app.tools(), run_id, reason, posting=(msg.dequeue_count or 1) == 1)
    except RunNotFound:
        log.error("a poison message names no run; it is dropped")  # noqa: TRY400  (a traceback adds nothing)
    else:
        log.error("run %s was given up", run_id)


@blueprint.function_name("DoUrgentRun")
@blueprint.queue_trigger("msg", "urgent", _STORAGE)
async def do_urgent_run(msg: func.QueueMessage) -> None:
    """Work on a run that a caller waits for, or of a fresh incident of high severity."""
    await _work(msg)


@blueprint.function_name("DoRun")
@blueprint.queue_trigger("msg", "runs", _STORAGE)
async def do_run(msg: func.QueueMessage) -> None:
    """Work on a run of any other incident that the watch has found."""
    await _work(msg)


@blueprint.function_name("DoSweep")
@blueprint.queue_trigger("msg", "sweeps", _STORAGE)
async def do_sweep(msg: func.QueueMessage) -> None:
    """Work on a sweep."""
    await _work(msg)


@blueprint.function_name("RecordUrgentFailure")
@blueprint.queue_trigger("msg", "urgent-poison", _STORAGE)
async def record_urgent_failure(msg: func.QueueMessage) -> None:
    """End an urgent run whose 5 deliveries have all failed."""
    await _record(msg)


@blueprint.function_name("RecordFailure")
@blueprint.queue_trigger("msg", "runs-poison", _STORAGE)
async def record_failure(msg: func.QueueMessage) -> None:
    """End a run whose 5 deliveries have all failed."""
    await _record(msg)


@blueprint.function_name("RecordSweepFailure")
@blueprint.queue_trigger("msg", "sweeps-poison", _STORAGE)
async def record_sweep_failure(msg: func.QueueMessage) -> None:
    """End a sweep whose 5 deliveries have all failed."""
    await _record(msg)


def _text(msg: func.QueueMessage) -> str:
    # A message that is not base64 reaches the poison queue unchanged, so this must read any bytes.
    return msg.get_body().decode("utf-8", "replace").strip()
