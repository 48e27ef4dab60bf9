"""What one hunt returned, in the form in which it is stored."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Group(Struct, frozen=True, array_like=True):
    """Rows alike in the columns a hunt shows: their values, how many, the first and the last time."""

    values: tuple[str, ...]
    count: int
    first: str
    last: str


class Found(Struct, frozen=True, rename="camel"):
    """What one hunt's answer holds, small enough for a run record; the rows themselves stay in the findings."""

    hunt: str
    rows: int = 0
    more: bool = False
    digest: str = ""
    columns: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    group_count: int = 0
    first_rows: tuple[dict[str, Any], ...] = ()
    #: How many rows each device has, by lower-cased id where the rows carry one, else by name.
    per_device: dict[str, int] = {}
    seconds: float = 0.0
    #: Why there is no answer; empty where there is one.
    failure: str = ""
