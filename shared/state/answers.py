"""
The answers of Graph, one object for each call: `runs/{id}/answers/{key}`.

Its first line is JSON, the summaries of the hunts that the call asked; the rest is Graph's answer as it came, '' where
there is none. The key is the hunt's name, or, of several, `_` and a hash of their names: who asks the same again meets
the same object, and its first writer counts. Where two objects have the same hunt, since one worker asked for it
together with others and another by itself, the one that was stored first counts, for all workers alike.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import msgspec

from shared.model.finding import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from .objects import Store

#: No hunt's name begins with it (`catalog.file`).
_SEVERAL = "_"


def folder(run_id: str) -> str:
    """Return what the names of a run's answers begin with."""
    return f"runs/{run_id}/answers/"


def among(run_id: str, listed: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return those of a run's objects, name -> when it was stored, that are answers."""
    return {name: at for name, at in listed.items() if name.startswith(folder(run_id))}


def key_of(hunts: Iterable[str]) -> str:
    """Return the key of the answer to a call that asks these hunts, whatever their order."""
    names = sorted(hunts)
    if len(names) == 1:
        return names[0]
    return _SEVERAL + hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]


def may_overlap(keys: Sequence[str]) -> bool:
    """Tell whether two of these answers may have the same hunt: not where each has a single one."""
    return len(keys) > 1 and any(key.rsplit("/", 1)[-1].startswith(_SEVERAL) for key in keys)


async def keep(store: Store, run_id: str, found: Sequence[Found], raw: bytes) -> tuple[Found, ...]:
    """Store what a call answered; return its summaries, or those that another worker stored first for the same hunts."""
    key = folder(run_id) + key_of(each.hunt for each in found)
    if await store.create(key, (msgspec.json.encode(found), b"\n", raw)):
        return tuple(found)
    return await _summaries(store, key) or tuple(found)


async def read(store: Store, answers: Mapping[str, datetime]) -> dict[str, tuple[Found, str]]:
    """Read *answers*, name -> when it was stored: hunt -> its summary and the name of the answer that counts."""
    names = sorted(answers, key=lambda name: (answers[name], name))
    found: dict[str, tuple[Found, str]] = {}
    for name, some in zip(names, await asyncio.gather(*(_summaries(store, n) for n in names)), strict=True):
        for each in some:
            found.setdefault(each.hunt, (each, name))
    return found


async def _summaries(store: Store, name: str) -> tuple[Found, ...]:
    line = await store.get_line(name)
    return msgspec.json.decode(line, type=tuple[Found, ...]) if line else ()
