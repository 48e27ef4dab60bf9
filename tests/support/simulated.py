"""Hours of several processes in a moment: a loop whose time is simulated, and a store with a clock and delays of its own."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

from shared.state.objects import Listed, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from concurrent.futures import Executor

#: What the store's clock shows when a simulation begins.
EPOCH = 1_764_000_000.25


class _Skipping(selectors.DefaultSelector):
    """A selector that waits for nothing, and counts the seconds that it would have waited."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let *timeout* seconds pass."""
        self.passed += timeout or 0.0
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that skips the time in which nothing happens."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Return the simulated seconds since the loop was made."""
        return self._skipping.passed

    def run_in_executor(
        self, _executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call *func* at once: time would pass while another thread does."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  (the caller's)
            future.set_exception(error)
        return future


def simulate(main: Coroutine[Any, Any, Any]) -> None:
    """Run *main* in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(main)


def passed() -> float:
    """Return the seconds that have passed in the simulation."""
    return asyncio.get_running_loop().time()


class Account:
    """The objects of a simulated store, name -> value and time; its clock tells *whole* seconds, as Azure's, or fractions."""

    def __init__(self, *, whole: bool = True) -> None:
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.whole = whole
        #: By how much the store's clock was set.
        self.ahead = 0.0

    def now(self) -> float:
        """Return what an object that is written now has as its time."""
        now = EPOCH + self.ahead + passed()
        return float(int(now)) if self.whole else now


async def at_once() -> None:
    """Take no time."""


class SimulatedStore(Store):
    """
    A process's way to an account.

    *delay* is awaited before each call takes effect and again before its answer comes; what it raises is raised.
    `calls` has the name of each call, in order.
    """

    def __init__(self, account: Account, delay: Callable[[], Awaitable[None]] = at_once) -> None:
        self.account = account
        self.delay = delay
        self.calls: list[str] = []

    async def create(self, key: str, value: bytes | Sequence[bytes]) -> bool:
        """Write an object unless it exists; return whether it was written."""
        whole = value if isinstance(value, bytes) else b"".join(value)
        return await self._call("create", lambda: key not in self.account.objects and self._write(key, whole))

    async def put(self, key: str, value: bytes) -> None:
        """Write an object."""
        await self._call("put", lambda: self._write(key, value))

    async def get(self, key: str) -> bytes | None:
        """Read an object; None if it does not exist."""
        return await self._call("get", lambda: self.account.objects.get(key, (None, 0))[0])

    async def get_piece(self, key: str, start: int, end: int) -> tuple[bytes, int] | None:
        """Read a piece of an object; return it and the object's size, None if it does not exist."""
        whole = await self.get(key)
        return None if whole is None else (whole[start:end], len(whole))

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        await self._call("delete", lambda: self.account.objects.pop(key, None))

    async def delete_all(self, keys: list[str]) -> None:
        """Delete several objects."""
        await self._call("delete_all", lambda: [self.account.objects.pop(key, None) for key in keys])

    async def listed(self, prefix: str) -> list[Listed]:
        """List the objects below a prefix."""
        return await self._call("list", lambda: self._list(prefix))

    async def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.calls.append(name)
        await self.delay()
        result = effect()
        await self.delay()
        return result

    def _write(self, key: str, value: bytes) -> bool:
        self.account.objects[key] = value, self.account.now()
        return True

    def _list(self, prefix: str) -> list[Listed]:
        objects = self.account.objects.items()
        return [Listed(key, at, len(value)) for key, (value, at) in objects if key.startswith(prefix)]
