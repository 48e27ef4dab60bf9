"""The Bicep templates, the text of files in `infra/`, and the metrics that the app writes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

INFRA = ROOT / "infra"

TEMPLATES = sorted(INFRA.rglob("*.bicep"))


@cache
def text(name: str) -> str:
    """Return the text of the file *name*, a path inside `infra/`."""
    return (INFRA / name).read_text(encoding="utf-8")


#: The metrics that the app writes, by the names they have in AppMetrics.
METRICS = {
    "outrider.runs",
    "outrider.hunts",
    "outrider.rows",
    "outrider.throttled",
    "outrider.missing_role",
    "outrider.parked",
    "outrider.comment.seconds",
}
