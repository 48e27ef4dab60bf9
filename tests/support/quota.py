"""Processes that share a simulated account and the hunting quota in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.errors import Throttled
from shared.state.quota import StoredQuota

from .simulated import Account, SimulatedStore, passed, simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any


class Tenant:
    """Processes that share an account, and a quota of *limit* calls a minute."""

    def __init__(self, limit: int, *, whole: bool = False) -> None:
        self.limit = limit
        self.account = Account(whole=whole)

    def process(self) -> tuple[StoredQuota, SimulatedStore]:
        """Return a new process's quota, and its store; its clock is an hour off."""
        store = SimulatedStore(self.account)
        return StoredQuota(store, self.limit, clock=lambda: passed() - 3_600), store

    def quota(self) -> StoredQuota:
        """Return a new process's quota."""
        return self.process()[0]

    def numbers(self) -> list[int]:
        """Return the numbers of the places that are stored."""
        keys = [key for key in self.account.objects if key.startswith("quota/places/")]
        return sorted(int(key.rpartition("/")[2]) for key in keys)


def simulated(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in simulated time."""

    def run() -> None:
        """Run it."""
        simulate(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def refused(call: Awaitable[float]) -> float:
    """Return for how many seconds a call is refused."""
    with pytest.raises(Throttled) as caught:
        await call
    assert caught.value.ours
    assert caught.value.retry_after
    return caught.value.retry_after
