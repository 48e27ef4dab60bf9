"""Every fuzz target, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import hunts, reading, writing

if TYPE_CHECKING:
    from .target import Target

TARGETS: dict[str, Target] = {**reading.TARGETS, **hunts.TARGETS, **writing.TARGETS}
