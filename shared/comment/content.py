"""What a comment is made from (`Content`), and the finished comment before it is formatted (`Draft`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt
    from shared.model.outcome import Outcome


class Content(Struct, frozen=True):
    """Everything that a comment can draw on."""

    run_id: str
    chosen: Chosen
    outcomes: tuple[Outcome, ...]
    #: By their names.
    hunts: dict[str, Hunt]
    #: The rows of the device card, column -> text.
    cards: tuple[dict[str, str], ...] = ()
    #: Sentences to add.
    notes: tuple[str, ...] = ()
    #: The link to the run's page; '' for none.
    report_url: str = ""
    #: The link that opens each hunt's query in the portal, by hunt.
    portal: dict[str, str] = {}


class ShownRow(Struct, frozen=True):
    """Rows with the same values, as text: how many they are, when they were seen, and the values."""

    count: str
    times: str
    cells: tuple[str, ...]


class Finding(Struct, frozen=True):
    """What one hunt found. All values are harmless as plain text; HTML still has to be escaped."""

    heading: str
    #: What the finding means; '' where the hunt does not say.
    means: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    #: How many of the rows are shown; '' for all.
    coverage: str = ""
    #: What to do next.
    next_steps: tuple[str, ...] = ()
    #: Harmless explanations.
    harmless: tuple[str, ...] = ()
    #: The link that opens the query in the portal; '' for none.
    portal: str = ""


class Draft(Struct, frozen=True):
    """The content of a comment, in order, before it is formatted as text or HTML."""

    verdict: str
    #: One line per device.
    devices: tuple[str, ...]
    findings: tuple[Finding, ...]
    #: Three lists of lines: not run; not applicable, no telemetry and nothing found; windows, notes and
    #: dropped entities.
    lists: tuple[tuple[str, ...], ...]
    #: The link to the run's page; '' for none.
    report_url: str
    #: The line that identifies the comment (`marker.line`).
    marker: str
