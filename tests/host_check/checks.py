"""
What is checked, by name: RIGHT on an app with the right settings, WRONG on one with the wrong settings.

In the order in which it is checked, each on one host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import answers, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scene import Scene

    Check = tuple[str, Callable[[Scene], str]]

RIGHT: tuple[Check, ...] = (
    ("start", answers.start),
    ("routes", answers.routes),
    ("unknown path", answers.unknown_path),
    ("chunked body", answers.chunked_body),
    ("flow", work.flow),
    ("watch's timer", work.watch),
    ("sweeps' timer", work.sweep),
    ("worker's death", work.death),
    ("comments", work.comments),
    ("stop", work.stop),
)
WRONG: tuple[Check, ...] = (
    ("wrong settings", answers.wrong_settings),
    ("nothing else", answers.nothing_else),
    ("stop", work.stop),
)
