"""Show that work is under way."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 2  # seconds; work that will take longer shows a bar
_BAR = 30  # characters


def bar(title: str) -> Callable[[int, int], None]:
    """Return a hook for (done, total) that draws a bar for long work, if stderr is a terminal."""
    started = time.monotonic()
    drawn = False

    def progress(done: int, total: int) -> None:
        nonlocal drawn
        passed = time.monotonic() - started
        drawn = drawn or (sys.stderr.isatty() and passed / done * total >= _PATIENCE)
        if not drawn:
            return
        filled = _BAR * done // total
        end = "\n" if done == total else ""
        print(
            f"\r{title} [{'#' * filled}{'.' * (_BAR - filled)}] {done:,} of {total:,}",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    return progress
