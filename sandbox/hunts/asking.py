"""Ask the sandbox's engine what the app would ask Graph about one hunt."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.catalog.query import KEPT, Asked, one_call

if TYPE_CHECKING:
    from sandbox.telemetry.engine import Column, Engine, Row
    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt
    from shared.model.outcome import Window

#: What KEPT is.
ALL = timedelta(days=30)


def ask(
    engine: Engine, hunt: Hunt, chosen: Chosen, window: Window, take: int
) -> tuple[list[Column], list[Row]]:
    """
    Return the schema and the rows, at most *take*, that a hunt has for *chosen* in a window, whose end is the time of `now()`.

    Raises ValueError where none of *chosen* fits the hunt, and QueryError for a query that the engine cannot run.
    """
    call = one_call(Asked(hunt, chosen, window), take)
    # What shows how things stand is read whatever the window.
    start = min(window.start, window.end - ALL) if call.timespan == KEPT else window.start
    return engine.hunt(call.query, start=start, end=window.end, now=window.end)
