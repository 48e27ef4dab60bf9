"""
Show a run as a JSON body that a playbook can take: under 64,000 bytes, whatever was found.

A list may be cut to its most telling items; a `…Count` beside it says how many there are. A text that is cut
has an ellipsis there. All rows of a hunt are at the address in its `findings`.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import msgspec

from shared.comment import neutral
from shared.comment.cells import shorten
from shared.comment.secrets import mask_encoded, mask_secrets
from shared.model.outcome import Ending
from shared.outcomes.reading import cell_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.model.entity import Chosen
    from shared.model.outcome import Outcome
    from shared.model.record import Run

    #: Takes a value from telemetry and a size in bytes of JSON; returns the value as it is shown, no larger.
    _Shown = Callable[[str, int], str]

#: Bytes of JSON. An action of Power Automate, and a Teams message, hold little more.
LARGEST = 64_000

_SENTENCE = 1_000
_LONGEST_URL = 2_000
_READ = 900, 300  # characters of a text's head and tail that are masked
_BY_IMPORTANCE: tuple[Ending, ...] = (
    "found", "notRun", "noTelemetry", "notApplicable", "nothingSoFar", "nothingFound",
)  # fmt: skip


class _Size(NamedTuple):
    """How many of each thing a body may have at most; `text` is the size of a text in bytes of JSON."""

    hunts: int
    items: int
    rows: int
    columns: int
    text: int


# The first size that fits is taken. With the last, the parts of a body add up to less than LARGEST.
_SIZES = (
    _Size(hunts=200, items=50, rows=10, columns=60, text=1_000),
    _Size(hunts=200, items=50, rows=5, columns=60, text=300),
    _Size(hunts=100, items=20, rows=3, columns=30, text=200),
    _Size(hunts=100, items=10, rows=1, columns=20, text=120),
    _Size(hunts=60, items=5, rows=1, columns=10, text=80),
    _Size(hunts=20, items=3, rows=0, columns=6, text=60),
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
        return _clip(mask_secrets(shorten(mask_encoded(value), *_READ)[0]) if mask else value, size)

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


def _body(run: Run, expires: datetime, url: str, size: _Size, shown: _Shown) -> dict[str, Any]:
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
        telling = sorted(done.outcomes, key=lambda outcome: _BY_IMPORTANCE.index(outcome.outcome))
        body |= {
            "finished": done.finished,
            "verdict": shown(done.verdict, _SENTENCE),
            "outcomes": {ending: counted[ending] for ending in get_args(Ending)},
            "hunts": [_hunt(outcome, url, size, shown) for outcome in telling[: size.hunts]],
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


def _entities(chosen: Chosen, size: _Size, shown: _Shown) -> dict[str, Any]:
    return {
        "devices": [
            {
                "id": _clip(device.id, size.text),
                "name": _clip(device.name, size.text),
                "osPlatform": _clip(device.os_platform, size.text),
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


def _hunt(outcome: Outcome, url: str, size: _Size, shown: _Shown) -> dict[str, Any]:
    found, window = outcome.found, outcome.window
    telling = sorted(outcome.devices, key=lambda device: _BY_IMPORTANCE.index(device.outcome))
    body: dict[str, Any] = {
        "hunt": outcome.hunt,
        "title": _clip(outcome.title, size.text),
        "outcome": outcome.outcome,
    }
    if outcome.reason:
        body["reason"] = shown(outcome.reason, size.text)
    if window:
        body["window"] = {"start": window.start, "end": window.end}
        if window.cut:
            body["window"]["cut"] = shown(window.cut, size.text)
    body |= {
        "rows": found.rows,
        "more": found.more,
        "seconds": found.seconds,
        "devices": [
            {
                "device": _clip(device.device, size.text),
                "outcome": device.outcome,
                "reason": shown(device.reason, size.text),
            }
            for device in telling[: size.items]
        ],
        "deviceCount": len(telling),
    }
    if found.rows:
        columns = {
            column: _clip(neutral.inert(shown(column, size.text)), size.text)
            for column in found.columns[: size.columns]
        }
        body |= {
            "columns": list(columns.values()),
            "columnCount": len(found.columns),
            "firstRows": [
                {name: _cell(row.get(column), size.text, shown) for column, name in columns.items()}
                for row in found.first_rows[: size.rows]
            ],
            "findings": f"{url}/findings?hunt={outcome.hunt}",
        }
    return body


def _cell(value: Any, size: int, shown: _Shown) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return shown(cell_text(value), size)


def _clip(value: str, size: int) -> str:
    """Cut a text to *size* bytes of JSON, its head and its tail; a character takes one to six."""
    for most in (size, size // 2, size // 6):
        cut = value if len(value) <= most else _middle_cut(value, most - len("…".encode()))
        if len(msgspec.json.encode(cut)) <= size + len('""'):
            break
    return cut


def _middle_cut(value: str, most: int) -> str:
    tail = most // 3
    return f"{value[: most - tail]}…{value[len(value) - tail :]}"
