"""A process that takes places of the quota in a folder until an instant, and prints when each began."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from shared.errors import Throttled
from shared.state.objects import Store
from shared.state.quota import StoredQuota


async def main(folder: str, limit: int, minute: float, until: float) -> None:
    """Take places in two tasks, each as soon as it may."""
    nobody: Any = None
    quota = StoredQuota(Store.open(f"file://{folder}", nobody), limit, minute=minute)

    async def call() -> None:
        """Take one place after the other."""
        while time.time() < until:
            try:
                await asyncio.sleep(await quota.reserve(3))
            except Throttled as refused:
                await asyncio.sleep(min(refused.retry_after or 0, 1))
            else:
                print(time.time(), flush=True)

    await asyncio.gather(call(), call())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
