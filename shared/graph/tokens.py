"""Tokens for Graph, asked for once however many calls wait for one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential


class OneAtATime:
    """azure-identity's cache is filled by whoever comes first; those who come meanwhile would each ask again."""

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._lock = asyncio.Lock()

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token, asked for once however many wait for it."""
        async with self._lock:
            return await self._credential.get_token(*scopes, **options)
