"""What keeps a run from going on, and since when: an outage, a missing role, throttling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime


class Troubles:
    """
    The troubles of one run, each with the time since which it has lasted without an interruption.

    A trouble lasts while every delivery of the run meets it, and ends with an answer. *before* are those of
    the run's latest wait; `lasting` are those to store with the next one.
    """

    def __init__(self, before: Mapping[str, datetime] | None = None) -> None:
        self._before = dict(before or {})
        self._met: dict[str, datetime] = {}

    def meet(self, trouble: str, now: datetime, *, ends: Collection[str] = ()) -> datetime:
        """Record that *trouble* is met, which *ends* others; return since when it has lasted."""
        for other in ends:
            self._before.pop(other, None)
            if other in self._met:
                self._met[other] = now
        since = self._met.get(trouble) or self._before.get(trouble) or now
        self._met[trouble] = since
        return since

    def answered(self, at: datetime) -> None:
        """Record an answer: what was met earlier is over, and what else is met now begins anew."""
        self._before = {trouble: since for trouble, since in self._before.items() if since >= at}
        self._met = {trouble: max(since, at) for trouble, since in self._met.items()}

    @property
    def lasting(self) -> dict[str, datetime]:
        """The troubles met; if none was met, those of the wait before, which then are not over yet."""
        return self._met or self._before
