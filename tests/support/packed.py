"""Answers to several hunts in one query, packed as Kusto packs what each of them would be answered alone."""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Schema = Sequence[Mapping[str, str]]
    Rows = Sequence[Mapping[str, Any]]

_FUNCTION = re.compile(r"let _Hunt(\d+) = \(\) \{\n(.*?)\n\};", re.DOTALL)
_LEG = re.compile(
    r'_(?:Hunt|Rows)(\d+)(?:\(\))?\n\| extend _Row[^\n]*\n[^\n]*\n\| project _Hunt = "([^"/]+)", _N'
)

SCHEMA = [
    {"name": "_Hunt", "type": "String"},
    {"name": "_N", "type": "Int64"},
    {"name": "_Row", "type": "String"},
]


def schema_of(**types: str) -> list[dict[str, str]]:
    """Return the schema of an answer: each column's .NET type by its name."""
    return [{"name": name, "type": kind} for name, kind in types.items()]


def alone(schema: Schema, rows: Rows) -> bytes:
    """Return Graph's answer to one hunt."""
    return json.dumps({"schema": schema, "results": rows}).encode()


def pack(
    hunts: Mapping[str, tuple[Schema, Rows]],
    *,
    counted: Mapping[str, Mapping[str, Mapping[str, tuple[int, str]]]] | None = None,
    fleet: int | None = None,
    seed: int = 0,
) -> bytes:
    """
    Return Graph's answer to *hunts* in one query, from what Graph would answer to each, by name: schema and rows.

    *counted* is how common values are, by hunt, column and value: on how many devices, and when first. The rows, and
    the columns in each, come in an order that *seed* decides: neither has one in Kusto.
    """
    rows = []
    for name, (schema, mine) in hunts.items():
        rows += _numbered(
            f"{name}/schema", ({"name": c["name"], "type": f"System.{c['type']}"} for c in schema)
        )
        types = {column["name"]: column["type"] for column in schema}
        rows += _numbered(name, ({n: _in_bag(v, types.get(n, "")) for n, v in row.items()} for row in mine))
    for name, columns in (counted or {}).items():
        for column, values in columns.items():
            counts = ({"Value": v, "Devices": n, "First": first} for v, (n, first) in values.items())
            rows += _numbered(f"{name}/{column}", counts)
    rows += _numbered("/fleet", [{"Devices": fleet}] if fleet is not None else [])
    chance = random.Random(seed)
    chance.shuffle(rows)
    return packed(
        *((source, number, _text(row, chance)) for source, number, row in rows),
    )


def packed(*rows: tuple[str, Any, Any]) -> bytes:
    """Return an answer with these rows, as they are: `_Hunt`, `_N` and `_Row`."""
    return alone(SCHEMA, [dict(zip(("_Hunt", "_N", "_Row"), row, strict=True)) for row in rows])


def _numbered(source: str, rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int, Mapping[str, Any]]]:
    return [(source, number, row) for number, row in enumerate(rows, 1)]


def _text(row: Mapping[str, Any], chance: random.Random) -> str:
    pairs = list(row.items())
    chance.shuffle(pairs)
    return json.dumps(dict(pairs), separators=(",", ":"), ensure_ascii=chance.random() < 0.5)


def _in_bag(value: Any, kind: str) -> Any:
    """Return a cell's value as a property bag has it."""
    if value is None:
        return "" if kind == "String" else None
    if kind == "SByte":
        return bool(value)
    if kind == "DateTime":
        whole, _, fraction = value.removesuffix("Z").partition(".")
        return f"{whole}.{fraction:0<7}Z"
    if kind == "Double" and isinstance(value, int):
        return float(value)
    if kind == "Object" and isinstance(value, str) and value[:1] in {"{", "["}:
        with suppress(ValueError):
            return json.loads(value)
    return value


def hunts_in(query: str) -> dict[str, str]:
    """Return what each hunt of a batch reads, by name: the text of its function, and the lists in front that it uses."""
    texts = dict(_FUNCTION.findall(query))
    lists = re.findall(
        r"^let (_\w+) = (dynamic\([^\n]*\));$", query.partition("let _Hunt0 =")[0], re.MULTILINE
    )
    return {
        name: "\n".join([*(values for used, values in lists if used in texts[number]), texts[number]])
        for number, name in _LEG.findall(query)
    }
