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
    yield from finding.above
    if finding.rows and finding.is_table:
        yield f"  {' · '.join(finding.heads)}"
    for row in finding.rows:
        if finding.is_table:
            yield "• " + " · ".join(filter(None, finding.cells_of(row)))
        else:
            first, *others = finding.lines_of(row)
            yield f"• {first}"
            yield from (f"    {line}" for line in others)
    if finding.coverage:
        yield f"  {finding.coverage}"
    if finding.next_steps:
        yield "Next: " + " ".join(finding.next_steps)
    if finding.harmless:
        yield "May be harmless: " + "; ".join(finding.harmless)
