"""
Choose what a comment says, and in which order, so that it can be read in a hurry.

The verdict comes first, then the devices, the findings, what is normal there, what was not run or not looked at, the
other hunts, and last the windows and the notes. `text` and `html` format it.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from . import cards, marker
from .content import Content, Draft
from .findings import context_of, finding_of
from .others import failures, others, windows
from .places import same, where_found
from .unlooked import not_looked_at
from .verdict import name, verdict
from .words import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.outcome import Outcome


class Size(Struct, frozen=True):
    """How much a comment shows: rows per hunt, devices, and lines per list."""

    rows: int
    devices: int
    lines: int


#: From most to least; the first that fits is used.
_SIZES = (Size(12, 10, 20), Size(6, 10, 20), Size(3, 5, 10), Size(1, 3, 5), Size(0, 1, 3))
#: So many devices are described, even if nothing was found on them.
_BESIDE = 3
_MARKUP = re.compile("<[^>]*>")
#: What a comment says whatever was found is at most so much of what else it says: a quarter of the whole.
_FIXED = 1 / 3


def fit(content: Content, write: Callable[[Draft], str], *, max_chars: int, mask: bool) -> str:
    """
    Format as much as fits into *max_chars* characters (at least 1,000), in whole rows.

    Characters are counted in UTF-16, as JavaScript and .NET do. Where even the smallest size is too long,
    only the verdict, a note, the link to the report and the last line remain. *mask* False shows what looks
    like a secret (MASK_SECRETS=off).
    """
    whole = compose(content, mask=mask)
    for size in _SIZES:
        text = write(_advised(_shorten(whole, size), write))
        if _length(text) <= max_chars:
            return text
    return write(
        Draft(
            whole.verdict, (), 0, (), (), {}, (("Too much to show here.",),), whole.report_url, whole.marker
        )
    )


def compose(content: Content, *, mask: bool) -> Draft:
    """Return all that a comment may show, in order, with each hunt's first 12 rows; see `fit` for *mask*."""
    written = replace(content, outcomes=tuple(_written(outcome, mask=mask) for outcome in content.outcomes))
    devices, telling = _devices(written)
    notes = (*windows(written.outcomes), *(sentence(note, mask=mask) for note in content.notes))
    return Draft(
        f"Outrider: {verdict(content, mask=mask)}",
        devices,
        telling,
        tuple(finding_of(outcome, written, most=_SIZES[0].rows, mask=mask) for outcome in written.findings),
        context_of(written, mask=mask),
        {name(each): content.portal[each.hunt] for each in written.context if each.hunt in content.portal},
        (
            failures(written.outcomes),
            tuple(not_looked_at(content.chosen, mask=mask)),
            others(written.outcomes),
            notes,
        ),
        content.report_url,
        marker.line(content.run_id, marker.digest(content.outcomes, content.chosen)),
    )


def _devices(content: Content) -> tuple[tuple[str, ...], int]:
    """Return a line for each device, those with a finding or a hit first, and how many these are."""
    devices = content.of_incident.devices
    found = set(map(same, where_found(content.telling, devices, telling=True).own))
    # Every line begins with a word of our own: a device named "FOUND: …" must not look like a finding.
    lines = [
        (same(card["DeviceName"]) in found, f"Device {cards.device_line(card)}") for card in content.cards
    ]
    first = [line for mine, line in lines if mine]
    rest = [line for mine, line in lines if not mine]
    return (*first, *rest), len(first)


def _written(outcome: Outcome, *, mask: bool) -> Outcome:
    """Return an outcome whose reasons are harmless."""
    window = outcome.window
    return replace(
        outcome,
        reason=sentence(outcome.reason, mask=mask),
        devices=tuple(replace(each, reason=sentence(each.reason, mask=mask)) for each in outcome.devices),
        window=replace(window, cut=sentence(window.cut, mask=mask)) if window else None,
    )


def _shorten(draft: Draft, size: Size) -> Draft:
    """Leave of a draft what a comment of this *size* shows, and say how much is left out."""
    links = size.rows >= _SIZES[1].rows
    described = len(draft.devices) if len(draft.devices) <= _BESIDE else draft.telling or _BESIDE
    return replace(
        draft,
        devices=_first(draft.devices, min(size.devices, described), "device"),
        findings=tuple(
            replace(
                finding,
                rows=finding.rows[: size.rows],
                common=finding.common if size.rows else "",
                counted=finding.counted if size.rows else "",
                portal=finding.portal if links else "",
            )
            for finding in draft.findings
        ),
        context=draft.context[: 1 + size.rows],
        context_portal=draft.context_portal if links else {},
        lists=tuple(_first(lines, size.lines, "line") for lines in draft.lists),
    )


def _advised(draft: Draft, write: Callable[[Draft], str]) -> Draft:
    """Leave out of a draft the fixed sentences for which there is no room, those of the last findings first."""
    bare = replace(draft, findings=tuple(each.keep(frozenset()) for each in draft.findings))
    # Nobody reads markup, nor where a link leads.
    room = _length(unescape(_MARKUP.sub("", write(bare)))) * _FIXED
    findings = []
    for finding in draft.findings:
        kept = set()
        # What another finding says, too, is written once more.
        for text in dict.fromkeys(filter(None, finding.fixed)):
            if (room := room - _length(text) * finding.fixed.count(text)) >= 0:
                kept.add(text)
        findings.append(finding.keep(frozenset(kept)))
    return replace(draft, findings=tuple(findings))


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first(lines: tuple[str, ...], most: int, noun: str) -> tuple[str, ...]:
    left = len(lines) - most
    return (*lines[:most], f"… and {left:,} more {noun}{'' if left == 1 else 's'}") if left > 0 else lines
