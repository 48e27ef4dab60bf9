"""
Slips in a hunt file with which the app would run something else than its author meant, and nobody would be told.

What is only unusual is none: published files hold much that is not read here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.kql.output import columns_of, untimed
from shared.model.hunt import DEVICE_KINDS, PLATFORMS

from .indentation import OF_BLOCK
from .nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.kql.read import Reading

    from .source import Source

#: Keys that only a block within it has, and which.
_DEEPER = {"osPlatform": "appliesTo", "deviceType": "appliesTo", "summarize": "sweep"}
#: A version of Windows, of which there are ever new ones.
VERSION_OF_WINDOWS = re.compile(r"windows(server)?\d{1,4}[a-z0-9]*")
_BLOCK = ("enrichment",)
#: Columns that an error names.
_SHOWN = 20


def misplaced(source: Source, read: Iterable[str]) -> Iterator[str]:
    """Yield a problem for each key of the file that is one of those that are *read*, misspelt or not indented."""
    read = (*read, "enrichment")
    for key in source.content:
        if key in OF_BLOCK and "enrichment" in source.content:
            yield source.problem((key,), "belongs into the enrichment block: indent it", at_key=True)
        elif key in _DEEPER and "enrichment" in source.content:
            wanted = f"belongs below {_DEEPER[key]} in the enrichment block: indent it"
            yield source.problem((key,), wanted, at_key=True)
        elif key not in read and (near := nearest(key, read)) and near not in source.content:
            yield source.problem((key,), f"unknown; did you mean {near}?", at_key=True)


def nowhere(source: Source, ours: dict[str, Any]) -> Iterator[str]:
    """Yield a problem for each platform and device type in `appliesTo` that is a known one, misspelt: no device has it."""
    if not (applies_to := ours.get("applies_to")):
        return
    for key, given, known in (
        ("osPlatform", applies_to.os_platform, PLATFORMS),
        ("deviceType", applies_to.device_type, DEVICE_KINDS),
    ):
        for n, name in enumerate(given):
            if name in known or VERSION_OF_WINDOWS.fullmatch(name.lower()):
                continue
            near = nearest(name, known)
            if near and near.lower() != name.lower():
                path = (*_BLOCK, "appliesTo", key, n)
                yield source.problem(path, f"no device is called {name}: write {near}")


def unseen(source: Source, ours: dict[str, Any], reading: Reading) -> Iterator[str]:
    """Yield a problem for each column that the block names and the query's rows certainly lack."""
    columns = columns_of(reading.text)
    if columns is None or reading.problems:
        return
    for n, name in enumerate(ours.get("columns", ())):
        if name not in columns:
            yield source.problem((*_BLOCK, "columns", n), no_column(name, columns))
    if ours.get("entity") == "indicator" and "Indicator" not in columns and "Indicator" in reading.names:
        wanted = (
            "return a column Indicator, which says what each row matched; its last operator leaves it out"
        )
        yield source.problem(("query",), wanted)


def no_column(name: str, columns: Iterable[str]) -> str:
    """Return the problem of a column that rows do not have, with those that they have."""
    known = sorted(columns)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    near = nearest(name, known)
    hint = f"; did you mean {near}, or is that misspelt in the query?" if near else ""
    return f"the query returns no column {name}, but {', '.join(known[:_SHOWN])}{more}{hint}"


def timeless(source: Source, ours: dict[str, Any], reading: Reading) -> Iterator[str]:
    """Yield a problem where what makes a sweep's row new is certainly no time."""
    sweep = ours.get("sweep")
    if sweep and sweep.new in untimed(f"{reading.text}\n{sweep.summarize}"):
        wanted = f"must be a time, and {sweep.new} is none: name a column such as FirstSeen = min(Timestamp)"
        yield source.problem((*_BLOCK, "sweep", "new"), wanted)
