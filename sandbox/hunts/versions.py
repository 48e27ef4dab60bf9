"""Whether a hunt's version was raised where its query changed, for git knows what it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.catalog.document import Unreadable, content_of, read_document

from .git import ask_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .keys import Looked


def versions(looked: Looked) -> Iterator[str]:
    """Yield a problem where the last commit has the file with another query, and a version that is no lower."""
    before, now = _committed(looked.source.file), looked.source.content
    if before is None or _plain(before) == _plain(now):
        return
    old, new = (str(each.get("version") or "1.0.0") for each in (before, now))
    if not _parts(old) < _parts(new):
        text = f"the query changed: raise the version over {old}, for incidents are hunted once with each"
        yield looked.source.problem(("version",), text)


def _committed(file: Path) -> dict[str, Any] | None:
    """Return a file's content in the last commit; None without git, or where it has no such file."""
    told = ask_git(file.resolve().parent, "cat-file", "blob", f"HEAD:./{file.name}")
    try:
        root = read_document(told.decode()) if told is not None else None
    except (UnicodeDecodeError, Unreadable):
        return None
    content = content_of(root) if root else None
    return content if isinstance(content, dict) else None


def _plain(content: dict[str, Any]) -> str:
    """Return a query without its indentation and the ends of its lines, which change nothing."""
    return "\n".join(line.strip() for line in str(content.get("query")).strip().splitlines())


def _parts(version: str) -> tuple[int, ...]:
    """Return the numbers of a version: 1.10 is higher than 1.9."""
    return tuple(int(part[:9]) for part in re.findall(r"\d+", version))
