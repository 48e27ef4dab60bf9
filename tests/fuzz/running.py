"""Run a fuzz target for some time, or for some examples, and tell what was tried."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, given, seed, settings

if TYPE_CHECKING:
    from .target import Target

#: Examples for which one seed stands: few enough to stop in time, and to be found again soon.
ROUND = 500


class Tried(NamedTuple):
    """How many examples became what, and, where one failed, the seed of its round and what it said."""

    ends: Counter[str]
    seed: int = 0
    failure: str = ""


def tried(target: Target, examples: int, number: int) -> Tried:
    """Try as many *examples*, drawn by the seed *number*; the first that fails is made as small as it can be."""
    ends: Counter[str] = Counter()
    last: Any = None

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(target.data)
    def check(value: Any) -> None:
        """Try one example; the last one is the smallest that fails."""
        nonlocal last
        last = value
        ends[target.check(value)] += 1

    try:
        check()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
        lines = traceback.format_exception(error)
        return Tried(ends, number, f"{''.join(lines[-12:])}The input: {last!r}")
    return Tried(ends, number)


def fuzz(target: Target, seconds: float, first: int = 0) -> Tried:
    """Try rounds of examples, one seed after another from *first*, until an example fails or the time is up."""
    ends: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while True:
        one = tried(target, ROUND, first)
        ends += one.ends
        if one.failure or time.monotonic() >= until:
            return Tried(ends, first, one.failure)
        first += 1
