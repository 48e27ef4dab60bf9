"""
The triggers of the queues: work on runs, and send those again whose message was delivered in vain.

A run that must wait sends itself a message and succeeds here, so only a death, or a bug, uses up a delivery. A
message in a poison queue says no more than that: the run may have died with others. So it is sent on, to start
alone.
"""

from __future__ import annotations

import logging

import azure.functions as func

from functions import app
from shared.errors import RunNotFound
from shared.work import come_back, work_on

blueprint = func.Blueprint()
log = logging.getLogger("outrider")

_STORAGE = "AzureWebJobsStorage"


async def _work(msg: func.QueueMessage) -> None:
    run_id = _text(msg)
    try:
        await work_on(app.tools(), run_id, again=(msg.dequeue_count or 1) > 1)
    except RunNotFound:
        log.error("a message names no run; it is dropped")  # noqa: TRY400  (a traceback adds nothing)


async def _send_on(msg: func.QueueMessage) -> None:
    try:
        await come_back(app.tools(), _text(msg))
    except RunNotFound:
        log.error("a poison message names no run; it is dropped")  # noqa: TRY400  (a traceback adds nothing)


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


@blueprint.function_name("ReturnUrgentRun")
@blueprint.queue_trigger("msg", "urgent-poison", _STORAGE)
async def return_urgent_run(msg: func.QueueMessage) -> None:
    """Send an urgent run on whose 5 deliveries did not end it."""
    await _send_on(msg)


@blueprint.function_name("ReturnRun")
@blueprint.queue_trigger("msg", "runs-poison", _STORAGE)
async def return_run(msg: func.QueueMessage) -> None:
    """Send a run on whose 5 deliveries did not end it."""
    await _send_on(msg)


@blueprint.function_name("ReturnSweep")
@blueprint.queue_trigger("msg", "sweeps-poison", _STORAGE)
async def return_sweep(msg: func.QueueMessage) -> None:
    """Send a sweep on whose 5 deliveries did not end it."""
    await _send_on(msg)


def _text(msg: func.QueueMessage) -> str:
    # The host passes text alone: what is not base64, or not UTF-8 within, never comes here.
    return msg.get_body().decode().strip()
