"""Comments about rows of 32 KB, ordinary or made to keep their writer busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .repeats import repeats, text_of
from .said import content, outcome

if TYPE_CHECKING:
    from shared.comment.content import Content

LENGTH = 32 * 1024
#: An ordinary command line, over and over.
ORDINARY = (
    "/usr/bin/python3 /opt/app/run.py --config /etc/app.yaml --user bob https://www.example.com/a/b?c=1 && tar -czf /tmp/a.tgz"
    " /srv/data; curl -sS -o /dev/null http://198.51.100.7:8080/x | grep -v ok "
)


def comment_on(unit: str, rows: int = 12) -> Content:
    """Return what a comment is made from that is about so many different rows, all of whose values repeat *unit*."""
    text = text_of(unit, LENGTH)
    return content(outcome("found", values=(text,), groups=rows))


def hostile() -> dict[str, tuple[str, ...]]:
    """Return the pieces to repeat, by where they come from: a tenth of those of the tables, and all others."""
    return {kind: units if kind == "others" else units[::10] for kind, units in repeats().items()}
