"""
The object store that holds all state.

STATE_URL is `https://<account>.blob.<suffix>/<container>`, `file:///<folder>` or `memory://`. A folder has no
compare-and-swap, so nothing relies on one: where two workers compete, whoever creates the object first wins.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import AzureStore, LocalStore, MemoryStore

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from obstore.store import AzureCredential, ObjectStore

_STORAGE_SCOPE = "https://storage.azure.com/.default"


class Listed(NamedTuple):
    """
    What a listing tells of an object: its size in bytes, and when it was written, in seconds of the store's clock.

    Azure tells whole seconds, cut off.
    """

    key: str
    modified: float
    size: int


class Store:
    """Named objects, read and written whole."""

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
            from datetime import UTC, datetime

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

    async def create(self, key: str, value: bytes) -> bool:
        """Write an object unless it exists; return whether it was written."""
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
        found = await obstore.list(self._objects, prefix).collect_async()
        return [Listed(item["path"], item["last_modified"].timestamp(), item["size"]) for item in found]

    async def get_all(self, keys: list[str]) -> list[bytes]:
        """Read several objects at once, leaving out those that no longer exist."""
        values = await asyncio.gather(*(self.get(key) for key in keys))
        return [value for value in values if value is not None]
