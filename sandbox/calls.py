"""What the demo asks of the tenant and the app, and what it shows of a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from sandbox.endings import lines
from sandbox.host.processes import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_LIMIT = 60  # seconds from an incident, or a call, until its run must be done


def show(done: Mapping[str, Any]) -> None:
    """Print how the hunts of a run ended. Raises DemoFailed for a run that was not completed, or had none."""
    if done["status"] != "completed" or not done["hunts"]:
        reasons = [f"{hunt['hunt']}: {why}" for hunt in done.get("hunts", ()) if (why := hunt.get("reason"))]
        raise DemoFailed("; ".join([f"the run ended as {done['status']}", done["verdict"], *reasons]))
    print(*(f"    {line}" for line in lines(done["hunts"])), sep="\n")


def comments_of(tenant: httpx.Client, incident: str) -> list[str]:
    """Return the texts of an incident's comments; [] for one that has not opened."""
    now = body_of(tenant.get("/sandbox/incidents"))["value"]
    return [text["comment"] for one in now if one["id"] == incident for text in one["comments"]]


def follow(app: httpx.Client, answer: httpx.Response, deadline: float, location: str = "") -> Any:
    """
    Follow a 202 to its Location, as a Logic App does, and return what is there once the run is done.

    Raises DemoFailed where that is not before the *deadline* of the monotonic clock.
    """
    location = location or answer.headers.get("Location", "")
    while answer.status_code == httpx.codes.ACCEPTED:
        if time.monotonic() > deadline:
            raise DemoFailed(f"the run was not done after {RUN_LIMIT} s: {answer.text[:500]}")
        # Callers in Azure wait as long as Retry-After says; here half a second is enough.
        time.sleep(min(float(answer.headers.get("Retry-After", "1")), 0.5))
        answer = app.get(location)
    return body_of(answer)


def body_of(answer: httpx.Response) -> Any:
    """Return an answer's body. Raises DemoFailed for a status that is no success."""
    if not answer.is_success:
        raise DemoFailed(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()
