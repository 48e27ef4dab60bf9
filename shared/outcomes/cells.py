"""
Bring the values of an answer's cells into one form, and write them as text.

A value has one form as a cell of an answer, and another one in a property bag, in which the rows of several hunts are
packed: a bool is a number and a bool, a dynamic value a text and a value. By its column's type, both become what
a cell of Graph's holds.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.decoding import decode_any, is_too_deep, mend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?:\.([0-9]{1,7}))?(?:Z|\+00:00)?")
#: The length of a time as Graph documents it, `2024-03-26T09:39:50.7688641Z`.
_WHOLE_TIME = 28
_SPAN = re.compile(r"(-?(?:[0-9]+\.)?[0-9]{2}:[0-9]{2}:[0-9]{2})\.([0-9]{1,7})")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
#: Levels of lists and objects around the cell of a row in an answer: the row, the list of rows, the answer.
_AROUND = 3


class Column(Struct, frozen=True):
    """One column of an answer, with Graph's .NET type name."""

    name: str
    type: str = ""


def cell_text(value: Any) -> str:
    """Write a cell's value as people would read it; '' for None, JSON for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def short_type(name: str) -> str:
    """Return the name of a .NET type without its namespace: `String` for `System.String`."""
    return name.rpartition(".")[2]


def _as_time(value: Any) -> Any:
    """Return a time with seven fractional digits, in which the order of texts is that of times."""
    if not isinstance(value, str) or (len(value) == _WHOLE_TIME and value[19] == "." and value[-1] == "Z"):
        return value
    found = _TIME.fullmatch(value)
    return f"{found[1]}.{found[2] or '':0<7}Z" if found else value


def _as_span(value: Any) -> Any:
    """Return a duration as .NET writes it: seven fractional digits, or none if they are zeros."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    return f"{found[1]}.{found[2]:0<7}" if found[2].strip("0") else found[1]


def _as_flag(value: Any) -> Any:
    """Return a bool as the number that Graph writes for it."""
    return int(value) if isinstance(value, bool) else value


def _as_whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _as_real(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    return value


def _as_decimal(value: Any) -> Any:
    """Return a number as text: not every decimal is one that a float can be."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_id(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _as_dynamic(value: Any) -> Any:
    """Return the list or object that a text is, nested no deeper than it could be in the cell itself."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"}:
        return value
    raw = value.encode()
    with suppress(ValueError, RecursionError):
        if not is_too_deep(raw, above=_AROUND):
            return msgspec.json.decode(raw)
    with suppress(msgspec.DecodeError):
        match decode_any(mend(b"[" * _AROUND + raw + b"]" * _AROUND)):
            case [[[found]]]:
                return found
    return value


#: By the type of a column: what gives its values their form.
FORMS: Mapping[str, Callable[[Any], Any]] = {
    "DateTime": _as_time,
    "TimeSpan": _as_span,
    "SByte": _as_flag,
    "Boolean": _as_flag,
    "Int32": _as_whole,
    "Int64": _as_whole,
    "Double": _as_real,
    "SqlDecimal": _as_decimal,
    "Guid": _as_id,
    "Object": _as_dynamic,
}
#: By the type of a column: the type of values that have their form already.
IN_FORM: Mapping[str, type] = {
    "SByte": int,
    "Boolean": int,
    "Int32": int,
    "Int64": int,
    "Double": float,
    "SqlDecimal": str,
}
