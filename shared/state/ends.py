"""
How a run ended, `runs/{id}/done`: two lines of JSON, so that nothing else is read of a run that has ended.

The first line is the end (`Done`), the second the request, the plan, and the summaries that the first does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.model.record import AtEnd, Done, Run

from .returns import read_returns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model.finding import Found
    from shared.model.record import Plan, Work


def pack(work: Work, done: Done, plan: Plan | None, found: Mapping[str, Found]) -> tuple[bytes, ...]:
    """Return the pieces of `done`."""
    told = {outcome.hunt: outcome.found for outcome in done.outcomes}
    beside = AtEnd(work, plan, tuple(each for name, each in found.items() if told.get(name) != each))
    return msgspec.json.encode(done), b"\n", msgspec.json.encode(beside)


def read_done(raw: bytes) -> Done:
    """Return how the run ended whose `done` is *raw*."""
    return msgspec.json.decode(raw.partition(b"\n")[0], type=Done)


def read_run(raw: bytes, keys: Iterable[str]) -> Run:
    """Return the run whose `done` is *raw*, and whose objects have the names *keys*."""
    done, beside = read_done(raw), msgspec.json.decode(raw.partition(b"\n")[2], type=AtEnd)
    found = [*(outcome.found for outcome in done.outcomes if outcome.found.hunt), *beside.found]
    summaries = {each.hunt: each for each in found}
    return Run(beside.work, beside.plan, summaries, done=done, returns=read_returns(keys))
