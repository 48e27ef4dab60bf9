"""The hunting quota of six real processes that share a folder."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT, MINUTE, SECONDS = 5, 2.0, 8.0


async def times(folder: Path, until: float) -> list[float]:
    """Return when the calls of one process began."""
    arguments = [str(folder), str(LIMIT), str(MINUTE), str(until)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.quota_process", *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert 0 == process.returncode
    return [float(line) for line in said.split()]


async def test_six_processes_send_no_more_than_one_may(tmp_path: Path) -> None:
    """With a minute of two seconds, none has more than five calls; all of the calls have numbers of their own."""
    until = time.time() + SECONDS
    found = await asyncio.gather(*(times(tmp_path, until) for _ in range(6)))
    began = sorted(time for each in found for time in each)

    assert len(began) > LIMIT
    assert all(later - first > MINUTE for first, later in zip(began, began[LIMIT:], strict=False))
    assert len(began) <= len(list((tmp_path / "quota" / "places").iterdir()))
