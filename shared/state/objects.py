"""
The object store that holds all state.

STATE_URL is `https://<account>.blob.<suffix>/<container>`, `file:///<folder>` or `memory://`. A folder has no
compare-and-swap, so nothing relies on one: where two workers compete, whoever creates the object first wins.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import AzureStore, LocalStore, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from azure.core.credentials_async import AsyncTokenCredential
    from obstore import ObjectMeta
    from obstore.store import AzureCredential, ObjectStore

_STORAGE_SCOPE = "https://storage.azure.com/.default"
#: Bytes: what is read of an object for its first line. The summaries of 40 hunts that found nothing are 20 KB, one
#: of a hunt with 200 groups 100 KB.
_FIRST_PIECE = 256 * 1024
#: Where the line is longer, so many times as much is read next.
_NEXT_PIECE = 16


class Listed(NamedTuple):
    """
    What a listing tells of an object: its size in bytes, and when it was written, in seconds of the store's clock.

    Azure tells whole seconds, cut off.
    """

    key: str
    modified: float
    size: int


class Store:
    """Named objects; each is written whole."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @classmethod
    def open(cls, url: str, credential: AsyncTokenCredential) -> Store:
        """Open the store that a STATE_URL names; nothing is contacted yet."""
        parts = urlsplit(url)
        if parts.scheme == "memory":
            return cls(MemoryStore())
        if parts.scheme == "file":
            return cls(LocalStore(parts.path, mkdir=True))

        async def token() -> AzureCredential:
            access = await credential.get_token(_STORAGE_SCOPE)
            return {"token": access.token, "expires_at": datetime.fromtimestamp(access.expires_on, UTC)}

        # Not `from_url`: for a Government cloud's host, it silently opens a plain HTTP store.
        account = (parts.hostname or "").split(".")[0]
        return cls(
            AzureStore(
                parts.path.strip("/"),
                account_name=account,
                endpoint=f"https://{parts.netloc}",
                credential_provider=token,
            )
        )

    async def create(self, key: str, value: bytes | Sequence[bytes]) -> bool:
        """Write an object, whole or as pieces in their order, unless it exists; return whether it was written."""
        try:
            await obstore.put_async(self._objects, key, value, mode="create")
        except AlreadyExistsError:
            return False
        return True

    async def put(self, key: str, value: bytes) -> None:
        """Write an object, replacing the one that exists."""
        await obstore.put_async(self._objects, key, value)

    async def get(self, key: str) -> bytes | None:
        """Read an object; None if it does not exist."""
        try:
            result = await obstore.get_async(self._objects, key)
        except FileNotFoundError:
            return None
        return bytes(await result.bytes_async())

    async def get_line(self, key: str) -> bytes | None:
        """
        Read the first line of an object that is not empty, without its end; None if it does not exist.

        That is one read where the line is shorter than 256 KB; of what follows it, little is loaded.
        """
        line, first, most = b"", 0, _FIRST_PIECE
        while (piece := await self.get_piece(key, first, first + most)) is not None:
            text, size = piece
            begun, end, _ = text.partition(b"\n")
            line += begun
            first += len(text)
            if end or first >= size or not text:
                return line
            most *= _NEXT_PIECE
        return None

    async def get_piece(self, key: str, start: int, end: int) -> tuple[bytes, int] | None:
        """Read an object from byte *start* to before *end*; return that, and its whole size; None if it does not exist."""
        try:
            result = await obstore.get_async(self._objects, key, options={"range": (start, end)})
        except FileNotFoundError:
            return None
        return bytes(await result.bytes_async()), result.meta["size"]

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._objects, key)

    async def delete_all(self, keys: list[str]) -> None:
        """Delete several objects at once, where they exist."""
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._objects, keys)

    async def keys(self, prefix: str) -> list[str]:
        """List the names of the objects below a prefix, sorted."""
        return sorted(each.key for each in await self.listed(prefix))

    async def listed(self, prefix: str) -> list[Listed]:
        """List the objects below a prefix, in no order."""
        return _listed(await obstore.list(self._objects, prefix).collect_async())

    async def some(self, prefix: str, most: int) -> tuple[list[Listed], bool]:
        """
        List at most *most* objects below a prefix; return them, and whether these are all.

        In Azure they are the first by name, and up to 5,000 are one call.
        """
        found: list[Listed] = []
        async for page in obstore.list(self._objects, prefix, chunk_size=most):
            if found:
                return found, False
            found = _listed(page)
            if len(found) < most:
                break
        return found, True

    async def dated(self, prefix: str) -> dict[str, datetime]:
        """List the objects below a prefix, sorted by name: name -> when it was written, which Azure says in seconds."""
        found = sorted(await self.listed(prefix))
        return {each.key: datetime.fromtimestamp(each.modified, UTC) for each in found}

    async def get_all(self, keys: list[str]) -> list[bytes]:
        """Read several objects at once, leaving out those that no longer exist."""
        values = await asyncio.gather(*(self.get(key) for key in keys))
        return [value for value in values if value is not None]


def _listed(found: Iterable[ObjectMeta]) -> list[Listed]:
    return [Listed(item["path"], item["last_modified"].timestamp(), item["size"]) for item in found]
