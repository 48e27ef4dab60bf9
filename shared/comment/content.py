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
    """Rows with the same values: how many they are, when they were seen, and the values as text."""

    count: int
    times: str
    cells: tuple[str, ...]

    @property
    def seen(self) -> str:
        """How many they are, as text, such as `1,200` with a multiplication sign."""
        return f"{self.count:,}×"


class Finding(Struct, frozen=True):
    """What one hunt found. All values are harmless as plain text; HTML still has to be escaped."""

    heading: str
    #: What the finding means; '' where the hunt does not say.
    means: str = ""
    #: What the finding leaves open, such as whose its rows are; '' for nothing.
    note: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    #: How many rows the hunt returned, and whether there were more than it may return.
    total: int = 0
    more: bool = False
    #: What to do next.
    next_steps: tuple[str, ...] = ()
    #: Harmless explanations.
    harmless: tuple[str, ...] = ()
    #: The link that opens the query in the portal; '' for none.
    portal: str = ""

    @property
    def coverage(self) -> str:
        """How many of the hunt's rows are shown, as a sentence; '' for all."""
        shown = sum(row.count for row in self.rows)
        if shown >= self.total and not self.more:
            return ""
        return f"{shown:,} of {count_rows(self.total, more=self.more)} shown, rarest first"


def count_rows(total: int, *, more: bool) -> str:
    """Write `1 row`, `12 rows` or, if there were *more*, `more than 10,000 rows`."""
    return f"{'more than ' if more else ''}{total:,} {'row' if total == 1 and not more else 'rows'}"


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
