"""
Format a comment as plain text that reads well in a proportional font.

Nothing but text is used, because it is not documented what Defender renders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .content import Content, Draft, Finding
from .saying import fit

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters. A longer value, such as a command line, has a line of its own, behind the row.
_SHORT = 48


def render_text(content: Content, *, max_chars: int, mask: bool = True) -> str:
    """Return a comment as plain text of at most *max_chars* characters; see `saying.fit`."""
    return fit(content, _write, max_chars=max_chars, mask=mask)


def _write(draft: Draft) -> str:
    parts = [
        draft.verdict,
        "\n".join(draft.devices),
        *("\n".join(_finding(finding)) for finding in draft.findings),
        "\n".join((*draft.context[:1], *(f"• {row}" for row in draft.context[1:]))),
        *("\n".join(lines) for lines in draft.blocks),
        (f"Report: {draft.report_url}\n" if draft.report_url else "") + draft.marker,
    ]
    return "\n\n".join(part for part in parts if part)


def _finding(finding: Finding) -> Iterable[str]:
    yield finding.heading
    if finding.means:
        yield finding.means
    if finding.note:
        yield finding.note
    if finding.common:
        yield finding.common
    long = any(len(value) > _SHORT for row in finding.rows for value in row.cells)
    if finding.rows and finding.columns and not long:
        yield "  when · " + " · ".join(finding.columns)
    for row in finding.rows:
        if long:
            named = list(zip(finding.columns, row.cells, strict=True))
            facts = [f"{column}: {value}" for column, value in named if len(value) <= _SHORT]
            yield "• " + " · ".join(filter(None, (row.seen, *facts)))
            yield from (f"    {column}: {value}" for column, value in named if len(value) > _SHORT)
        else:
            yield "• " + " · ".join(filter(None, (row.seen, *row.cells)))
    if finding.coverage:
        yield f"  {finding.coverage}"
    if finding.next_steps:
        yield "Next: " + " ".join(finding.next_steps)
    if finding.harmless:
        yield "May be harmless: " + "; ".join(finding.harmless)
