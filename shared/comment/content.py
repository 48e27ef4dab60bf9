"""What a comment is made from (`Content`), and the finished comment before it is formatted (`Draft`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from shared.model.hunt import SEVERITIES

if TYPE_CHECKING:
    from shared.model.entity import Chosen, Device
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
    #: What the incident names in all, where `chosen` is only what was due; None where that is all.
    named: Chosen | None = None

    @property
    def of_incident(self) -> Chosen:
        """The devices and indicators of the incident: rows elsewhere are its spread."""
        return self.named or self.chosen

    def called(self, device: Device) -> str:
        """Return a device's name, as its card has it."""
        names = {card["DeviceId"].lower(): card["DeviceName"] for card in self.cards}
        return names.get(device.id) or device.label

    @property
    def findings(self) -> list[Outcome]:
        """What was found and is worth an analyst's time: by severity, then hits, then the fewest rows."""
        found = [each for each in self.outcomes if each.outcome == "found" and not each.is_context]
        return sorted(
            found, key=lambda o: (SEVERITIES.index(o.severity), not o.found.hit_rows, o.found.rows, o.hunt)
        )

    @property
    def telling(self) -> list[Outcome]:
        """What makes a verdict: the findings, and context that holds an indicator of the incident."""
        return [*self.findings, *(each for each in self.context if each.found.hit_rows)]

    @property
    def context(self) -> list[Outcome]:
        """What was found and is normal there: hits first, then the fewest rows."""
        found = [each for each in self.outcomes if each.is_context]
        return sorted(found, key=lambda o: (not o.found.hit_rows, o.found.rows, o.hunt))


#: Columns beside the time that a table has at most, and characters of a value in it: a pane may be 390 pixels wide.
_COLUMNS, _SHORT = 3, 48


class ShownRow(Struct, frozen=True):
    """
    Rows with the same values: how many they are, when they were seen, the values as text, and whether they hit.

    A value is '' where there is none.
    """

    count: int
    times: str
    cells: tuple[str, ...]
    #: Whether they hold one of the incident's own indicators.
    hit: bool = False
    #: On how many devices of the fleet what they hold is; '' where that was not counted.
    seen_on: str = ""

    @property
    def seen(self) -> str:
        """How many they are and when, such as a dozen at a time in UTC; one is not counted."""
        count = f"{self.count:,}×" if self.count > 1 or not self.times else ""
        return " ".join(filter(None, ("HIT" if self.hit else "", count, self.times)))

    @property
    def values(self) -> tuple[str, ...]:
        """The cells of a table's row: none of them is empty."""
        return tuple(cell or "(empty)" for cell in self.cells)


class Finding(Struct, frozen=True):
    """What one hunt found. All values are harmless as plain text; HTML still has to be escaped."""

    heading: str
    #: What the finding means; '' where the hunt does not say.
    means: str = ""
    #: What the finding leaves open, such as whose its rows are; '' for nothing.
    note: str = ""
    #: What all rows have in common, as a sentence; '' where that is nothing, or there is one row.
    common: str = ""
    #: What is counted over the fleet, or why it was not, as a sentence; '' where nothing was to be counted.
    counted: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    #: How many events the hunt found, and whether there were more than it may return.
    total: int = 0
    more: bool = False
    #: In which order its rows are, but for hits.
    order: str = "the rarest first"
    #: What to do next.
    next_steps: tuple[str, ...] = ()
    #: Harmless explanations.
    harmless: tuple[str, ...] = ()
    #: The link that opens the query in the portal; '' for none.
    portal: str = ""

    @property
    def above(self) -> tuple[str, ...]:
        """The sentences above its rows."""
        return tuple(filter(None, (self.means, self.note, self.common, self.counted)))

    @property
    def coverage(self) -> str:
        """How many of the hunt's rows are shown, as a sentence; '' for all."""
        shown = sum(row.count for row in self.rows)
        if shown >= self.total and not self.more:
            return ""
        hits = any(row.hit for row in self.rows)
        return (
            f"{shown:,} of {count_rows(self.total, more=self.more)} shown, {in_words(self.order, hits=hits)}"
        )

    @property
    def is_table(self) -> bool:
        """Whether its rows can be read as a table: few columns, short values."""
        values = (value for row in self.rows for value in row.cells)
        return 0 < len(self.columns) <= _COLUMNS and all(len(value) <= _SHORT for value in values)

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of its table."""
        return ("when", *self.columns, *(("in the fleet",) if self._is_counted else ()))

    def cells_of(self, row: ShownRow) -> tuple[str, ...]:
        """Return the cells of a row of its table, one for each head; none but the first is empty."""
        return (row.seen, *row.values, *((row.seen_on or "not counted",) if self._is_counted else ()))

    @property
    def _is_counted(self) -> bool:
        return any(row.seen_on for row in self.rows)

    def lines_of(self, row: ShownRow) -> tuple[str, ...]:
        """Return a row as lines, each value behind its column's name; a long one, such as a command, alone on a line."""
        named = [(f"{column}: {value}", value) for column, value in zip(self.columns, row.cells, strict=True)]
        short = [fact for fact, value in named if 0 < len(value) <= _SHORT]
        return (
            " · ".join(filter(None, (row.seen, *short, row.seen_on))),
            *(fact for fact, value in named if len(value) > _SHORT),
        )

    @property
    def fixed(self) -> tuple[str, ...]:
        """What it says whatever was found, the most useful first."""
        return (self.means, *self.next_steps[:1], *self.harmless, *self.next_steps[1:])

    def keep(self, kept: frozenset[str]) -> Finding:
        """Return it with only those of its fixed sentences that are *kept*."""
        return Finding(
            self.heading,
            self.means if self.means in kept else "",
            self.note,
            self.common,
            self.counted,
            self.columns,
            self.rows,
            self.total,
            self.more,
            self.order,
            tuple(step for step in self.next_steps if step in kept),
            tuple(each for each in self.harmless if each in kept),
            self.portal,
        )


def in_words(order: str, *, hits: bool) -> str:
    """Write the *order* of rows, in which *hits* come first: `hits first, then the rarest`."""
    return f"hits first, then {order.removesuffix(' first')}" if hits else order


def count_rows(total: int, *, more: bool) -> str:
    """Write `1 row`, `12 rows` or, if there were *more*, `more than 10,000 rows`."""
    return f"{'more than ' if more else ''}{total:,} {'row' if total == 1 and not more else 'rows'}"


class Draft(Struct, frozen=True):
    """The content of a comment, in order, before it is formatted as text or HTML."""

    verdict: str
    #: One line per device, and how many of them, the first, are about those on which something was found.
    devices: tuple[str, ...]
    telling: int
    findings: tuple[Finding, ...]
    #: What is normal there: a heading, and lines with rows; empty for none.
    context: tuple[str, ...]
    #: The links that open its queries in the portal, by hunt.
    context_portal: dict[str, str]
    #: Four lists of lines: not run; not looked at; no telemetry, nothing found and not applicable; windows and notes.
    lists: tuple[tuple[str, ...], ...]
    #: The link to the run's page; '' for none.
    report_url: str
    #: The line that identifies the comment (`marker.line`).
    marker: str

    @property
    def blocks(self) -> tuple[tuple[str, ...], ...]:
        """The lists as they are set apart: what was not run, which is to be mended, and all else."""
        return self.lists[0], tuple(line for lines in self.lists[1:] for line in lines)
