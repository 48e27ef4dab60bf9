"""How the hunts of a run ended, and the planted incidents by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.outcome import Outcome
    from shared.model.record import Done

EXFILTRATION, WINDOWS, SILENT, MERGED, BENIGN, UNKNOWN = "4101", "4103", "4104", "4105", "4106", "999999"

# Only file-origin asks for this column.
FILE_ORIGIN = "FileOriginUrl"


def outcome(done: Done, hunt: str) -> Outcome:
    """Return how *hunt* ended."""
    return next(each for each in done.outcomes if each.hunt == hunt)


def endings(done: Done) -> dict[str, str]:
    """Return each hunt's outcome."""
    return {each.hunt: each.outcome for each in done.outcomes}
