"""Write values as KQL literals: the only way in which one enters a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def literal(value: str) -> str:
    r"""
    Write *value* as a KQL string literal, whatever characters it has.

    KQL reads every escape that JSON's encoder writes, including `\ud800` ("The string data type", KQL
    reference).
    """
    return json.dumps(value)


def dynamic(values: Iterable[str]) -> str:
    """Write *values* as a KQL array, sorted and without duplicates."""
    return f"dynamic([{', '.join(literal(value) for value in sorted(set(values)))}])"
