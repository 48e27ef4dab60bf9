"""The ids of incidents in the local tenant, by what they are about, and how a run's hunts ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.outcome import Outcome
    from shared.model.record import Done

EXFILTRATION, WINDOWS, SILENT, MERGED, BENIGN, UNKNOWN = "4101", "4103", "4104", "4105", "4106", "999999"

# Only the query of the hunt file-origin has this column.
FILE_ORIGIN = "FileOriginUrl"


def outcome(done: Done, hunt: str) -> Outcome:
    """Return the outcome of the hunt named *hunt*, which must be in *done*."""
    return next(each for each in done.outcomes if each.hunt == hunt)


def endings(done: Done) -> dict[str, str]:
    """Return how each hunt ended: its name -> `found`, `nothingFound` and so on."""
    return {each.hunt: each.outcome for each in done.outcomes}
