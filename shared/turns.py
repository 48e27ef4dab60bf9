"""
Whose turn it is: the order in which waiting incidents get their runs.

The most severe first would let whoever raises sixty grave alerts keep every other incident waiting. So
severities take turns, and an incident is delayed by those of its own severity that joined before it, and by a
fixed number of turns of the others.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model.watching import Pending

_SEVERITIES = ("informational", "low", "medium", "high")
#: Of eight turns, high severity has four, medium two, and low and informational one each.
WHEEL = ("high", "medium", "high", "low", "high", "medium", "high", "informational")
#: Every fourth turn is the backlog's, the others are those of fresh incidents.
BACKLOG_TURN = 4
#: An incident that changed longer ago is backlog.
_FRESH = timedelta(minutes=15)


def is_minor(severity: str | None, lowest: str) -> bool:
    """Return whether a severity is below *lowest*; one that is not known never is: nothing says that it is low."""
    return severity in _SEVERITIES and _SEVERITIES.index(severity) < _SEVERITIES.index(lowest)


def runs_between_looks(gap: timedelta, hunts_per_minute: int, hunts: int) -> int:
    """Return how many runs of all *hunts* the quota allows until the next look, if looks are *gap* apart."""
    minutes = min(max(gap / timedelta(minutes=1), 1), 10)
    return max(1, int(minutes * hunts_per_minute / max(1, hunts)))


def is_fresh(each: Pending, now: datetime) -> bool:
    """Return whether an incident changed within the last 15 minutes, or at a time that is not known."""
    updated = read_time(each.updated)
    return updated is None or updated > now - _FRESH


def in_turn(pending: Iterable[Pending], turn: int, now: datetime) -> list[Pending]:
    """
    Return the incidents in the order in which they are due, if *turn* turns were taken before.

    Fresh incidents have three turns of four and the backlog has one; within each, severities take turns as
    `WHEEL` says, and a severity that is not known counts as high. Within a severity, who joined first is
    first; of those who joined in the same look, who was not tried yet, and then who was created first. Nobody
    loses a turn to those who do not need theirs.
    """
    line = sorted(pending, key=lambda each: (each.joined, each.tries, each.created))
    fresh = deque(_by_severity([e for e in line if is_fresh(e, now)], turn - turn // BACKLOG_TURN))
    backlog = deque(_by_severity([e for e in line if not is_fresh(e, now)], turn // BACKLOG_TURN))
    order = []
    for number in range(turn, turn + len(line)):
        backlogs = number % BACKLOG_TURN == BACKLOG_TURN - 1
        order.append((backlog if backlog and (backlogs or not fresh) else fresh).popleft())
    return order


def _by_severity(line: list[Pending], turn: int) -> Iterator[Pending]:
    lines: dict[str, deque[Pending]] = {severity: deque() for severity in _SEVERITIES}
    for each in line:
        lines.get(each.severity, lines["high"]).append(each)
    while any(lines.values()):
        if waiting := lines[WHEEL[turn % len(WHEEL)]]:
            yield waiting.popleft()
        turn += 1
