"""What a host does in the background, until it stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Tasks:
    """Tasks that nobody has to wait for."""

    def __init__(self) -> None:
        self._left: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Start *work*, and return its task."""
        task = asyncio.create_task(work)
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        return task

    async def end(self, grace: float) -> bool:
        """
        Wait until all tasks have ended, those too that are started meanwhile, and cancel them after *grace* seconds.

        Returns whether any was cancelled.
        """
        deadline = time.monotonic() + grace
        while self._left and (patience := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._left), timeout=patience)
        late = set(self._left)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return bool(late)
