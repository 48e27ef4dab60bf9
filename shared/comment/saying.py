"""
Choose what a comment says, and in which order, so that it can be read in a hurry.

The verdict comes first, then the devices, what was found and why it matters, what was not run and why, the
other hunts without a finding, and last the windows, the notes and what was left out. `text` and `html` format
it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from . import cards, marker, neutral
from .cells import write_cell, write_name
from .content import Content, Draft, Finding, ShownRow, count_rows
from .verdict import joined, name, on, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.model.entity import Chosen
    from shared.model.outcome import Outcome

_REASON = 300
_LABEL = 60


class Size(Struct, frozen=True):
    """How much a comment shows: rows per hunt, devices, and lines per list."""

    rows: int
    devices: int
    lines: int


#: From most to least; the first that fits is used.
_SIZES = (Size(12, 10, 20), Size(6, 10, 20), Size(3, 5, 10), Size(1, 3, 5), Size(0, 1, 3))


def fit(content: Content, write: Callable[[Draft], str], *, max_chars: int, mask: bool) -> str:
    """
    Format as much as fits into *max_chars* characters (at least 1,000), in whole rows.

    Characters are counted in UTF-16, as JavaScript and .NET do. Where even the smallest size is too long,
    only the verdict, a note, the link to the report and the last line remain. *mask* False shows what looks
    like a secret (MASK_SECRETS=off).
    """
    whole = compose(content, mask=mask)
    for size in _SIZES:
        text = write(_shorten(whole, size))
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= max_chars:
            return text
    return write(Draft(whole.verdict, (), (), (("Too much to show here.",),), whole.report_url, whole.marker))


def compose(content: Content, *, mask: bool) -> Draft:
    """Return all that a comment may show, in order, with each hunt's first 12 rows; see `fit` for *mask*."""
    by_outcome: dict[str, list[Outcome]] = {}
    outcomes = [_written(outcome, mask=mask) for outcome in content.outcomes]
    for outcome in outcomes:
        by_outcome.setdefault(outcome.outcome, []).append(outcome)
    # Fewest rows first: a hunt with three rows says more than a baseline with three hundred.
    found = sorted(by_outcome.get("found", ()), key=lambda o: (o.found.rows, o.hunt))
    failed = [
        *(f"NOT RUN: {name(o)}: {o.reason}" for o in by_outcome.get("notRun", ())),
        *_each("NOT RUN", "notRun", found),
    ]
    rest = [
        *_each("Not applicable", "notApplicable", outcomes),
        *_each("No telemetry", "noTelemetry", outcomes),
        *_each("Nothing found so far", "nothingSoFar", outcomes),
        *_each("Nothing found", "nothingFound", outcomes),
    ]
    notes = [*_windows(outcomes), *(_sentence(note, mask=mask) for note in content.notes)]
    return Draft(
        f"Outrider: {verdict(content, mask=mask)}",
        # Every line begins with a word of our own: a device named "FOUND: …" must not look like a finding.
        tuple(f"Device {cards.device_line(card)}" for card in content.cards),
        tuple(_finding(outcome, content, mask=mask) for outcome in found),
        (tuple(failed), tuple(rest), (*notes, *_dropped(content.chosen))),
        content.report_url,
        marker.line(content.run_id, marker.digest(content.outcomes, content.chosen)),
    )


def _written(outcome: Outcome, *, mask: bool) -> Outcome:
    """Return an outcome whose reasons are harmless."""
    window = outcome.window
    return replace(
        outcome,
        reason=_sentence(outcome.reason, mask=mask),
        devices=tuple(replace(each, reason=_sentence(each.reason, mask=mask)) for each in outcome.devices),
        window=replace(window, cut=_sentence(window.cut, mask=mask)) if window else None,
    )


def _sentence(text: str, *, mask: bool) -> str:
    return write_cell("", text, mask=mask, length=_REASON)


def _shorten(draft: Draft, size: Size) -> Draft:
    """Leave of a draft what a comment of this *size* shows, and say how much is left out."""
    failed, rest, notes = draft.lists
    return replace(
        draft,
        devices=_first(draft.devices, size.devices, "device"),
        findings=tuple(
            replace(
                finding,
                rows=finding.rows[: size.rows],
                portal=finding.portal if size.rows >= _SIZES[1].rows else "",
            )
            for finding in draft.findings
        ),
        lists=(
            _first(failed, size.lines, "hunt"),
            _first(rest, size.lines, "line"),
            _first(notes, size.lines, "line"),
        ),
    )


def _finding(outcome: Outcome, content: Content, *, mask: bool) -> Finding:
    found, hunt = outcome.found, content.hunts.get(outcome.hunt)
    devices = [neutral.name(d.device, _LABEL) for d in outcome.devices if d.outcome == "found"]
    # A single device is named in the heading, and need not be repeated in every row.
    kept = [n for n, column in enumerate(found.shown) if column != "DeviceName" or len(devices) != 1]
    return Finding(
        f"FOUND: {name(outcome)}: {count_rows(found.rows, more=found.more)}{on(devices)}",
        _one_line(hunt.means) if hunt else "",
        f"Note: {outcome.reason}" if outcome.reason else "",
        tuple(write_name(found.shown[n], mask=mask) for n in kept),
        tuple(
            ShownRow(
                group.count,
                _span(neutral.time(group.first), neutral.time(group.last)),
                tuple(write_cell(found.shown[n], group.values[n], mask=mask) or "(empty)" for n in kept),
            )
            for group in found.groups[: _SIZES[0].rows]
        ),
        found.rows,
        found.more,
        tuple(map(_one_line, hunt.next_steps)) if hunt else (),
        tuple(map(_one_line, hunt.false_positives)) if hunt else (),
        content.portal.get(outcome.hunt, ""),
    )


def _span(first: str, last: str) -> str:
    if first == last:
        return first
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def _each(heading: str, ending: str, outcomes: Iterable[Outcome]) -> Iterable[str]:
    """Yield a line per hunt and reason, with the devices that ended so, even if the hunt itself did not."""
    for outcome in outcomes:
        if not outcome.devices:
            if outcome.outcome == ending:
                yield f"{heading}: {name(outcome)}{_because(outcome.reason)}"
            continue
        by_reason: dict[str, list[str]] = {}
        for device in outcome.devices:
            if device.outcome == ending:
                by_reason.setdefault(device.reason, []).append(neutral.name(device.device, _LABEL))
        for reason, devices in by_reason.items():
            yield f"{heading}: {name(outcome)}{on(devices)}{_because(reason)}"


def _windows(outcomes: Iterable[Outcome]) -> Iterable[str]:
    by_window: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.window is None or outcome.outcome in ("notRun", "notApplicable"):
            continue
        window = outcome.window
        text = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        by_window.setdefault(f"{text}{_because(window.cut)}", []).append(name(outcome))
    for text, names in by_window.items():
        yield f"Looked at: {text}" + (f" [{joined(names, 'hunt')}]" if len(by_window) > 1 else "")


def _dropped(chosen: Chosen) -> Iterable[str]:
    counted = Counter((drop.kind, drop.reason) for drop in chosen.dropped)
    if counted:
        yield "Not hunted: " + "; ".join(
            f"{count} {kind} ({reason})" for (kind, reason), count in counted.items()
        )


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _first(lines: tuple[str, ...], most: int, noun: str) -> tuple[str, ...]:
    left = len(lines) - most
    return (*lines[:most], f"… and {left:,} more {noun}{'' if left == 1 else 's'}") if left > 0 else lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
