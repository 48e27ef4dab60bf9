"""What a check looks at: the host over HTTP, its processes, the tenant, and the app's state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec

from shared.model.record import Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.tenant.state import Tenant

    from .processes import HostProcess

_STEP = 0.1  # seconds between two looks


class CheckFailed(Exception):
    """A check saw something else than it expected."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


class Scene(NamedTuple):
    """
    One host of the app.

    `http` calls it, `tenant` is what it takes for Microsoft's cloud, and `state` the folder of its state. It is given
    `patience` seconds to start.
    """

    host: HostProcess
    http: httpx.Client
    tenant: Tenant
    state: Path
    patience: float

    def comments(self, incident: str) -> list[str]:
        """Return the comments on an incident, without those of sweeps, which tell of the same rows in their own right."""
        sweeps = {one.run_id for one in self.timer_sweeps()}
        every = [each["comment"] for each in self.tenant.incidents[incident]["comments"]]
        return [comment for comment in every if run_of(comment) not in sweeps]

    def enrich(self, incident: str) -> str:
        """Start a run through POST /api/enrich, and return its id. Raises CheckFailed."""
        answer = self.http.post("/api/enrich", json={"incidentId": incident})
        if answer.status_code != httpx.codes.ACCEPTED:
            raise CheckFailed("202 from POST /api/enrich", shown(answer))
        return str(answer.json()["runId"])

    def finished(self, run: str, limit: float) -> dict[str, Any]:
        """Return what a run says once it is done. Raises CheckFailed if it is not within *limit* seconds."""
        address = f"/api/runs/{run}"
        # Asked for ten times a second, it would be all that the last lines of the host's log show.
        self.until(
            (self.state / "runs" / run / "done").exists,
            limit,
            f"run {run} to be done within {limit:.0f} s",
            lambda: shown(self.get(address)),
        )
        answer = self.http.get(address)
        if answer.status_code != httpx.codes.OK:
            raise CheckFailed(f"200 from GET {address}, as the run is done", shown(answer))
        return dict(answer.json())

    def get(self, path: str) -> httpx.Response | None:
        """Call the host; None while nobody answers."""
        try:
            return self.http.get(path)
        except httpx.TransportError:
            return None

    def timer_sweeps(self) -> list[Work]:
        """Return the sweeps that the timer has started, in order."""
        stored = [
            msgspec.json.decode(file.read_bytes(), type=Work) for file in self.state.glob("runs/*/request")
        ]
        return sorted((one for one in stored if one.source == "timer"), key=lambda one: one.requested)

    def until(self, look: Callable[[], Any], limit: float, expected: str, seen: Callable[[], str]) -> Any:
        """
        Return what *look* sees as soon as it is something.

        Raises CheckFailed, with *expected* and what *seen* says, after *limit* seconds, or if the host ends.
        """
        deadline = time.monotonic() + limit
        while not (found := look()):
            if self.host.code is not None:
                raise CheckFailed(expected, f"the command ended by itself, with exit code {self.host.code}")
            if time.monotonic() > deadline:
                raise CheckFailed(expected, seen())
            time.sleep(_STEP)
        return found


def told(comment: str) -> str:
    """Return a comment as a line to read: its first line, and the run that made it."""
    return f"{comment.splitlines()[0][:100]!r} of run {run_of(comment)}"


def run_of(comment: str) -> str:
    """Return the run that made a comment, which its last line names."""
    return comment.split()[-2]


def shown(answer: httpx.Response | None) -> str:
    """Return an answer as a line to read."""
    if answer is None:
        return "nobody answers"
    text = " ".join(answer.text.split())[:300] or "an empty body"
    return f"{answer.status_code}, {text}"
