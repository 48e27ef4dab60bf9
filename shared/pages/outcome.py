"""How one hunt ended, as a part of a run's body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.comment import neutral
from shared.comment.places import where_found
from shared.model.outcome import Ending
from shared.outcomes.cells import cell_text

from .sizes import clip

if TYPE_CHECKING:
    from shared.model.entity import Device
    from shared.model.outcome import Outcome

    from .sizes import Shown, Size

BY_IMPORTANCE: tuple[Ending, ...] = (
    "found", "notRun", "noTelemetry", "notApplicable", "nothingSoFar", "nothingFound",
)  # fmt: skip


def hunt_body(
    outcome: Outcome, own: tuple[Device, ...], url: str, size: Size, shown: Shown
) -> dict[str, Any]:
    """Return how a hunt ended, as a part of a run's body; *own* are the incident's devices."""
    found, window = outcome.found, outcome.window
    telling = sorted(outcome.devices, key=lambda device: BY_IMPORTANCE.index(device.outcome))
    body: dict[str, Any] = {
        "hunt": outcome.hunt,
        "title": clip(outcome.title, size.text),
        "outcome": outcome.outcome,
        "role": outcome.role,
        "severity": outcome.severity,
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
                "device": clip(device.device, size.text),
                "outcome": device.outcome,
                "reason": shown(device.reason, size.text),
            }
            for device in telling[: size.items]
        ],
        "deviceCount": len(telling),
    }
    if found.rows:
        place = where_found([outcome], own)
        body |= {
            "events": found.count,
            "hits": found.hit_rows,
            "spread": [clip(name, size.text) for name in place.spread[: size.items]],
            "spreadCount": len(place.spread) + place.more,
        }
        columns = {
            column: clip(neutral.inert(shown(column, size.text)), size.text)
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


def _cell(value: Any, size: int, shown: Shown) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return shown(cell_text(value), size)
