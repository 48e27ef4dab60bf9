"""What a comment is made from, and the comment before it is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt
    from shared.model.outcome import Outcome


class Content(Struct, frozen=True):
    """All that there is to say."""

    run_id: str
    chosen: Chosen
    outcomes: tuple[Outcome, ...]
    hunts: dict[str, Hunt]
    cards: tuple[dict[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    report_url: str = ""
    #: Where each hunt's query opens in the portal.
    portal: dict[str, str] = {}


class ShownRow(Struct, frozen=True):
    """Rows alike: how often, when, and their values."""

    count: str
    times: str
    cells: tuple[str, ...]


class Finding(Struct, frozen=True):
    """What one hunt found. All values are harmless as plain text; HTML still has to be escaped."""

    heading: str
    means: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    coverage: str = ""
    next_steps: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    portal: str = ""


class Draft(Struct, frozen=True):
    """A comment before it is written down."""

    verdict: str
    devices: tuple[str, ...]
    findings: tuple[Finding, ...]
    #: Not run; then not applicable, no telemetry and nothing found; then windows, notes and what was dropped.
    lists: tuple[tuple[str, ...], ...]
    report_url: str
    marker: str
