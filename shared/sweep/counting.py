"""Count the fleet's devices, and the rows that each hunt would return, before a sweep asks for any."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shared.catalog.query import MOST_CHARACTERS, MOST_HUNTS
from shared.errors import GraphError, ResultTooLarge, TimedOut
from shared.incident import waiting
from shared.kql.write import fleet_leg
from shared.outcomes.cells import cell_text
from shared.outcomes.reading import decode_answer

from .asking import counted, wait_or_give_up
from .fleet import DeviceKind, Fleet
from .together import around, hunts_of, send, take_apart, takes_batches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.kql.write import Leg
    from shared.model.outcome import Window
    from shared.model.record import Plan
    from shared.outcomes.answer import Answer
    from shared.tools import Tools

    from .record import SweepRecord
    from .together import Swept

log = logging.getLogger("outrider")

#: KQL that counts the devices of each OS platform and device type.
KINDS = """\
| summarize arg_max(Timestamp, OSPlatform, DeviceType) by DeviceId
| summarize Devices = count() by OSPlatform, DeviceType"""
#: KQL that counts a hunt's rows.
ROWS = "\n| summarize Rows = count()"
#: The name of the devices' count beside those of hunts, none of which can have an underscore.
_DEVICES = "_devices"


async def count_fleet(tools: Tools, plan: Plan, record: SweepRecord) -> None:
    """
    Count the fleet's devices by kind, and the rows of each hunt, once per sweep, and record the answer.

    All of it is one call. Where Graph does not answer that, and where hunts do not share calls, devices are counted alone. If
    Graph cannot tell how many there are, the recorded fleet has the reason in `failure`, and the sweep goes on.
    Raises Waiting if Graph may answer later, and GivenUp if the sweep has waited for too long.
    """
    if not plan.hunts or await record.fleet():
        return
    fleet = await _count_together(tools, plan, record) or await _count_devices(tools, plan)
    await record.keep_fleet(fleet)


async def _count_together(tools: Tools, plan: Plan, record: SweepRecord) -> Fleet | None:
    """Count devices and rows in one call; None if that is not possible."""
    swept = hunts_of(tools, plan)
    if len(swept) < 2 or not await takes_batches(tools):
        return None
    legs = _legs(swept, around(plan))
    raw = await send(tools, record, "counts", legs, around(plan))
    answers = take_apart(raw, legs, record.most) if raw else {}
    if not (devices := answers.pop(_DEVICES, None)):
        return None
    try:
        return Fleet(_kinds(devices), rows=_rows(answers))
    except GraphError as error:
        log.warning("sweep: devices counted with rows, now alone: %s", error.message)
        return None


def _legs(swept: list[Swept], whole: Window) -> dict[str, Leg]:
    """Return the counts that one call has room for."""
    legs = {_DEVICES: _devices(whole)}
    length = 0
    for each in swept[: MOST_HUNTS - 1]:
        leg = each.leg(whole, ROWS)
        length += len(leg.query)
        if length <= MOST_CHARACTERS:
            legs[each.hunt.name] = leg
    return legs


def _devices(whole: Window) -> Leg:
    return fleet_leg("DeviceInfo", end=whole.end, summarize=KINDS)


async def _count_devices(tools: Tools, plan: Plan) -> Fleet:
    whole = around(plan)
    try:
        raw = await tools.graph.run_hunting_query(_devices(whole).query, whole.timespan, yielding=True)
        return Fleet(_kinds(decode_answer(raw)))
    except (ResultTooLarge, TimedOut) as error:
        return Fleet(failure=error.message)
    except GraphError as error:
        if not (reason := waiting.why_final(error)):
            raise wait_or_give_up(tools, error) from error
        return Fleet(failure=reason)


def _kinds(answer: Answer) -> tuple[DeviceKind, ...]:
    return tuple(
        DeviceKind(cell_text(row.get("OSPlatform")), cell_text(row.get("DeviceType")), number)
        for row, number in counted(answer, "Devices")
    )


def _rows(answers: Mapping[str, Answer]) -> dict[str, int]:
    """Return the rows of each hunt whose count can be read."""
    found = {}
    for name, answer in answers.items():
        try:
            counts = [number for _, number in counted(answer, "Rows")]
        except GraphError:
            continue
        if len(counts) == 1:
            found[name] = counts[0]
    return found
