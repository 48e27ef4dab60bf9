"""Format a comment as HTML, for Microsoft Sentinel, which renders tables, lists and links in comments."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .content import Content, Draft, Finding
from .saying import fit

if TYPE_CHECKING:
    from collections.abc import Iterable


def render_html(content: Content, *, max_chars: int, mask: bool = True) -> str:
    """Return a comment as valid HTML of at most *max_chars* characters; see `saying.fit`."""
    return fit(content, _write, max_chars=max_chars, mask=mask)


def _write(draft: Draft) -> str:
    parts = [
        f"<h3>{escape(draft.verdict)}</h3>",
        _lines(draft.devices),
        *("".join(_finding(finding)) for finding in draft.findings),
        _lines(draft.context),
        *(_link(url, f"Open {hunt} in Advanced Hunting") for hunt, url in draft.context_portal.items()),
        *map(_lines, draft.blocks),
        _link(draft.report_url, "The run's report") if draft.report_url else "",
        f"<p>{escape(draft.marker)}</p>",
    ]
    return "\n".join(part for part in parts if part)


def _finding(finding: Finding) -> Iterable[str]:
    yield f"<h4>{escape(finding.heading)}</h4>"
    yield from (f"<p>{escape(text)}</p>" for text in finding.above)
    yield from _rows(finding)
    if finding.coverage:
        yield f"<p>{escape(finding.coverage)}</p>"
    if finding.next_steps:
        yield (
            "<p>Next:</p><ul>" + "".join(f"<li>{escape(step)}</li>" for step in finding.next_steps) + "</ul>"
        )
    if finding.harmless:
        yield f"<p>May be harmless: {escape('; '.join(finding.harmless))}</p>"
    if finding.portal:
        yield _link(finding.portal, "Open the query in Advanced Hunting")


def _rows(finding: Finding) -> Iterable[str]:
    if finding.rows and finding.is_table:
        yield (
            "<table><thead><tr>"
            + "".join(f"<th>{escape(name)}</th>" for name in finding.heads)
            + "</tr></thead><tbody>"
        )
        for row in finding.rows:
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in finding.cells_of(row))
            yield f"<tr>{cells}</tr>"
        yield "</tbody></table>"
    elif finding.rows:
        rows = ("<br>".join(map(escape, finding.lines_of(row))) for row in finding.rows)
        yield f"<ul>{''.join(f'<li>{row}</li>' for row in rows)}</ul>"


def _lines(lines: tuple[str, ...]) -> str:
    return f"<p>{'<br>'.join(map(escape, lines))}</p>" if lines else ""


def _link(url: str, text: str) -> str:
    return f'<p><a href="{escape(url)}" rel="noreferrer">{escape(text)}</a></p>'
