"""What duckdb-kql learns here: functions as SQL, which it puts into a query."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from duckdb_kql.translate.functions import (
    AGGREGATE_FUNCTIONS,
    BINARY_OPERATORS,
    SCALAR_FUNCTIONS,
    FunctionSpec,
)

from .place import column

#: How a value of each of DuckDB's types is written in JSON as Kusto does; others as DuckDB does.
_AS_JSON = {
    "TIMESTAMP": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
    "UUID": "CAST({0} AS VARCHAR)",
    # JSON has no such numbers, and Graph sends these words for them.
    "DOUBLE": (
        "CASE WHEN isnan({0}) THEN to_json('NaN') WHEN isfinite({0}) THEN to_json({0}) "
        "WHEN {0} > 0 THEN to_json('Infinity') WHEN {0} < 0 THEN to_json('-Infinity') END"
    ),
}
_PRIVATE = ((167772160, 184549375), (2886729728, 2887778303), (3232235520, 3232301055))  # RFC 1918
_HASH = "CAST(hash(lower({0})) % 1000000 AS BIGINT)"


def _scalar(name: str, template: str, *arities: int) -> None:
    SCALAR_FUNCTIONS[name] = FunctionSpec(name, "template", template, arities)


# Each takes rows in the order that they have, and numbers them: all, or those with the same value in a column.
_scalar("row_number", "row_number() OVER ()")
_scalar("_number_of_same", "row_number() OVER (PARTITION BY {0} ORDER BY {1})", 2)
_scalar("_is_private", f"({' OR '.join(f'{{0}} BETWEEN {low} AND {high}' for low, high in _PRIVATE)})", 1)
_scalar("_number_of_hash", _HASH, 1)

# `has` with a column, such as Indicator, is a pattern compiled for each row: only where the text stands at all.
_HAS = BINARY_OPERATORS["has"].template
_CHEAP = f"(CASE WHEN contains(lower({{0}}), lower({{1}})) THEN {_HAS} ELSE FALSE END)"
BINARY_OPERATORS["has"] = replace(BINARY_OPERATORS["has"], template=_CHEAP)
BINARY_OPERATORS["!has"] = replace(BINARY_OPERATORS["!has"], template=f"NOT {_CHEAP}")

for _name in ("make_set", "make_list"):
    _all = AGGREGATE_FUNCTIONS[_name]
    _some = _all.template.replace("{0} IS NOT NULL", "{0} IS NOT NULL AND ({1})")
    AGGREGATE_FUNCTIONS[f"{_name}_if"] = replace(
        _all, name=f"{_name}_if", template=_some, arities=(2, 3), name_prefix=_all.prefix
    )


def packing(columns: dict[str, str]) -> str:
    """Return the call that packs *columns*, each with DuckDB's type, into JSON: one function for all of them."""
    pairs, spans = list[str](), list[str]()
    for name, kind in columns.items():
        quoted = _escaped('"' + name.replace('"', '""') + '"')
        value = _AS_JSON.get(kind, "{0}").format(quoted)
        if kind == "INTERVAL":
            value = f"CASE WHEN {quoted} IS NULL THEN NULL ELSE {{{len(spans)}}} END"
            spans.append(name)
        pairs.append(_escaped("'" + name.replace("'", "''") + "'") + f", {value}")
    template = f"json_object({', '.join(pairs)})"
    function = f"_pack_{hashlib.sha256(template.encode()).hexdigest()[:16]}"
    _scalar(function, template, len(spans))
    return f"{function}({', '.join(f'tostring({column(name)})' for name in spans)})"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
