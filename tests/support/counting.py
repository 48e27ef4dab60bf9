"""A store that counts what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .mortal import MortalStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from obstore.store import ObjectStore


class CountingStore(MortalStore):
    """An object store that keeps in `asked` each call to it, as its kind and the name or prefix that it was given."""

    def __init__(self, objects: ObjectStore) -> None:
        super().__init__(objects)
        self.asked: list[tuple[str, str]] = []

    async def create(self, key: str, value: bytes | Sequence[bytes]) -> bool:
        """Write an object unless it exists; return whether it was written."""
        self.asked.append(("write", key))
        return await super().create(key, value)

    async def put(self, key: str, value: bytes) -> None:
        """Write an object, replacing the one that exists."""
        self.asked.append(("write", key))
        await super().put(key, value)

    async def get(self, key: str) -> bytes | None:
        """Read an object; None if it does not exist."""
        self.asked.append(("read", key))
        return await super().get(key)

    async def get_piece(self, key: str, start: int, end: int) -> tuple[bytes, int] | None:
        """Read a piece of an object; return it and the object's size, None if it does not exist."""
        self.asked.append(("read", key))
        return await super().get_piece(key, start, end)

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        self.asked.append(("delete", key))
        await super().delete(key)

    async def keys(self, prefix: str) -> list[str]:
        """List the names of the objects below a prefix, sorted."""
        self.asked.append(("read", prefix))
        return await super().keys(prefix)

    async def dated(self, prefix: str) -> dict[str, datetime]:
        """List the objects below a prefix, each with when it was written."""
        self.asked.append(("read", prefix))
        return await super().dated(prefix)

    def about(self, *parts: str) -> list[tuple[str, str]]:
        """Return the calls about names that hold one of these *parts*."""
        return [call for call in self.asked if any(part in call[1] for part in parts)]
