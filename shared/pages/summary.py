"""
Show a run as a JSON body that a playbook can take: under 64,000 bytes, whatever was found.

A list may be cut to its most telling items; a `…Count` beside it says how many there are. A text that is cut
has an ellipsis there. All rows of a hunt are at the address in its `findings`.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from shared.comment.cells import shorten
from shared.comment.places import where_found
from shared.comment.secrets import mask_encoded, mask_secrets
from shared.model.entity import NOT_WANTED
from shared.model.outcome import Ending

from .outcome import BY_IMPORTANCE, hunt_body
from .sizes import Size, clip

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.entity import Chosen
    from shared.model.record import Run

    from .sizes import Shown


#: Bytes of JSON. An action of Power Automate, and a Teams message, hold little more.
LARGEST = 64_000

_SENTENCE = 1_000
_LONGEST_URL = 2_000
_READ = 900, 300  # characters of a text's head and tail that are masked


# The first size that fits is taken. With the last, the parts of a body add up to less than LARGEST.
_SIZES = (
    Size(hunts=200, items=50, rows=10, columns=60, text=1_000),
    Size(hunts=200, items=50, rows=5, columns=60, text=300),
    Size(hunts=100, items=20, rows=3, columns=30, text=200),
    Size(hunts=100, items=10, rows=1, columns=20, text=120),
    Size(hunts=60, items=5, rows=1, columns=10, text=80),
    Size(hunts=20, items=3, rows=0, columns=6, text=60),
)


def summary(run: Run, expires: datetime, url: str, *, mask: bool = True) -> dict[str, Any]:
    """
    Return the body of `GET /api/runs/{runId}`, under 64,000 bytes as JSON.

    *url* is the address of the run itself, and *expires* is when the run is no longer served. *mask* False
    shows what looks like a secret (MASK_SECRETS=off).
    """

    # Rows repeat their values, and each size that is tried repeats the rows.
    @cache
    def shown(value: str, size: int) -> str:
        return clip(mask_secrets(shorten(mask_encoded(value), *_READ)[0]) if mask else value, size)

    for size in _SIZES:
        body = _body(run, expires, url, size, shown)
        if len(msgspec.json.encode(body)) < LARGEST:
            break
    return body


def progress_of(run: Run) -> str:
    """Return the run's status: *queued*, *running*, *waiting* or, once it is done, how it ended."""
    if run.done:
        return run.done.status
    if run.wait:
        return "waiting"
    return "running" if run.plan else "queued"


def _body(run: Run, expires: datetime, url: str, size: Size, shown: Shown) -> dict[str, Any]:
    plan, done = run.plan, run.done
    body: dict[str, Any] = {
        "runId": run.work.run_id,
        "status": progress_of(run),
        "requested": run.work.requested,
        "expires": expires,
    }
    if plan and plan.incident_id:
        body["incident"] = {
            "id": plan.incident_id,
            "title": shown(plan.incident_title, _SENTENCE),
            # A link that is cut leads nowhere.
            "url": plan.incident_url if len(plan.incident_url) <= _LONGEST_URL else "",
        }
    elif run.work.incident_id:
        body["incident"] = {"id": run.work.incident_id}
    if plan:
        body["entities"] = _entities(plan.chosen, size, shown)
    if done:
        counted = Counter(outcome.outcome for outcome in done.outcomes)
        own = plan.of_incident.devices if plan else ()
        telling = sorted(done.outcomes, key=lambda o: (BY_IMPORTANCE.index(o.outcome), o.is_context))
        body |= {
            "finished": done.finished,
            "verdict": shown(done.verdict, _SENTENCE),
            "outcomes": {ending: counted[ending] for ending in get_args(Ending)},
            "counts": _counts(run),
            "hunts": [hunt_body(outcome, own, url, size, shown) for outcome in telling[: size.hunts]],
            "huntCount": len(telling),
            "comments": [
                {
                    "incidentId": comment.incident_id,
                    "status": comment.status,
                    "reason": shown(comment.reason, size.text),
                }
                for comment in done.comments[: size.items]
            ],
            "commentCount": len(done.comments),
            "notes": [shown(note, size.text) for note in done.notes[: size.items]],
            "noteCount": len(done.notes),
        }
        if done.reason:
            body["reason"] = shown(done.reason, _SENTENCE)
    else:
        if run.wait:
            body["waiting"] = {"reason": shown(run.wait.reason, _SENTENCE), "until": run.wait.until}
        if plan:
            answered = [
                {"hunt": name, "rows": found.rows, "reason": shown(found.failure, size.text)}
                for name, found in run.found.items()
            ]
            body |= {"hunts": answered[: size.hunts], "huntCount": len(answered)}
    body["links"] = {"self": url, "report": f"{url}/report"}
    return body


def _entities(chosen: Chosen, size: Size, shown: Shown) -> dict[str, Any]:
    return {
        "devices": [
            {
                "id": clip(device.id, size.text),
                "name": clip(device.name, size.text),
                "osPlatform": clip(device.os_platform, size.text),
            }
            for device in chosen.devices[: size.items]
        ],
        "deviceCount": len(chosen.devices),
        "indicators": [
            {"kind": indicator.kind, "value": shown(indicator.value, size.text)}
            for indicator in chosen.indicators[: size.items]
        ],
        "indicatorCount": len(chosen.indicators),
        "dropped": [
            {"kind": one.kind, "value": shown(one.value, size.text), "reason": shown(one.reason, size.text)}
            for one in chosen.dropped[: size.items]
        ],
        "droppedCount": len(chosen.dropped),
    }


def _counts(run: Run) -> dict[str, int]:
    """Return what a playbook decides by: hunts with findings, with context, rows that hit, and what was left out."""
    found = [each for each in run.done.outcomes if each.outcome == "found"] if run.done else []
    own, dropped = (run.plan.of_incident.devices, run.plan.chosen.dropped) if run.plan else ((), ())
    place = where_found((each for each in found if not each.is_context), own)
    return {
        "findings": sum(not each.is_context for each in found),
        "context": sum(each.is_context for each in found),
        "hits": sum(each.found.hit_rows for each in found),
        "spread": len(place.spread) + place.more,
        "notLookedAt": sum(drop.reason not in NOT_WANTED for drop in dropped),
    }
