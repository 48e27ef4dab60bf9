"""Rewrite what KQL has and duckdb-kql has not, where it means the same in other words."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

from shared.errors import UnreadableQuery
from shared.kql.lexer import Token, lex

if TYPE_CHECKING:
    from collections.abc import Callable

    #: The columns of a query's rows, each with DuckDB's type.
    ColumnsOf = Callable[[str], dict[str, str]]

#: How DuckDB writes a value of each type in JSON as Kusto does; of other types, duckdb-kql knows.
_AS_JSON = {
    "VARCHAR": "{0}",
    "BIGINT": "{0}",
    "HUGEINT": "{0}",
    "INTEGER": "{0}",
    "BOOLEAN": "{0}",
    "JSON": "{0}",
    "TIMESTAMP": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
}
#: What KQL calls DuckDB's types: in .NET's words, and in its own.
_TYPES = {
    "VARCHAR": ("String", "string"),
    "TIMESTAMP": ("DateTime", "datetime"),
    "BIGINT": ("Int64", "long"),
    "HUGEINT": ("Int64", "long"),
    "INTEGER": ("Int32", "int"),
    "BOOLEAN": ("SByte", "bool"),
    "DOUBLE": ("Double", "real"),
    "INTERVAL": ("TimeSpan", "timespan"),
    "UUID": ("Guid", "guid"),
    "JSON": ("Object", "dynamic"),
}
_OTHER = ("Object", "dynamic")
_NUMBERED = re.compile(r"\| extend (\w+) = row_number\(1, (\w+) != prev\(\2\)\)")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_RENAMED = {"makeset": "make_set", "makelist": "make_list"}
#: What is made up of a file's hash, since nobody here knows how common it is.
_PROFILE = (
    "extend GlobalPrevalence = 1 + strlen({0}) * 37 % 1000, GlobalFirstSeen = datetime(2026-01-01), "
    'Signer = "", Issuer = "", IsCertificateValid = false, IsRootSignerMicrosoft = false, '
    'SignatureState = "Unknown", ProfileAvailability = "Available", SoftwareName = "", ThreatName = ""'
)


def adapt(query: str, columns_of: ColumnsOf) -> str:
    """
    Return *query* as duckdb-kql can read it; *columns_of* tells the columns of a part of it.

    Rows are numbered anew for each value of the column that they are sorted by in the one form of KQL's window
    functions that hunts are sent with. `pack_all()` and `project-reorder` name their columns, `serialize` is left out
    where rows have an order anyway, `ingestion_time()` is the time of the event, and `FileProfile` knows no file.
    """
    query = _NUMBERED.sub(r"| extend \1 = row_number() | extend \1 = _number_of_same(\2, \1)", query)
    while (found := _next(query, columns_of)) is not None:
        query = found
    return query


def _next(query: str, columns_of: ColumnsOf) -> str | None:
    """Return *query* with the first thing rewritten that has to be; None where nothing has."""
    try:
        tokens = lex(query)
    except UnreadableQuery:
        return None
    texts = [token.text for token in tokens]
    for at, token in enumerate(tokens):
        called = texts[at + 1 : at + 2] == ["("] and token.kind == "name"
        if called and token.text in _RENAMED:
            return _put(query, token.start, _end(token), _RENAMED[token.text])
        if called and token.text == "ingestion_time":
            return _put(query, token.start, _end(tokens[at + 2]), "Timestamp")
        if called and token.text == "pack_all":
            packed = packing(columns_of(_before(query, tokens, at)))
            return _put(query, token.start, _end(tokens[_closing(texts, at + 1)]), packed)
        if texts[at : at + 2] == ["|", "getschema"]:
            source = _before(query, tokens, at)
            start = query.rindex(source.lstrip(), 0, token.start) if source.strip() else token.start
            return _put(query, start, _end(tokens[at + 1]), _schema_of(columns_of(source)))
        if texts[at : at + 2] == ["|", "serialize"]:
            rest = "extend" if texts[at + 2 : at + 4][1:] == ["="] else "where true"
            return _put(query, tokens[at + 1].start, _end(tokens[at + 1]), rest)
        if texts[at : at + 4] == ["|", "project", "-", "reorder"]:
            end = _operator_end(texts, at + 4)
            order = _reordered(texts[at + 4 : end], [*columns_of(_before(query, tokens, at))])
            return _put(query, tokens[at + 1].start, _end(tokens[end - 1]), f"project {', '.join(order)}")
        if texts[at : at + 4] == ["|", "invoke", "FileProfile", "("]:
            close = _closing(texts, at + 3)
            return _put(
                query, tokens[at + 1].start, _end(tokens[close]), _PROFILE.format(texts[at + 4].strip("\"'"))
            )
    return None


def _schema_of(columns: dict[str, str]) -> str:
    """Return a table that says of *columns* what `getschema` does."""
    rows = [
        f'"{name}", {n}, "System.{_TYPES.get(kind, _OTHER)[0]}", "{_TYPES.get(kind, _OTHER)[1]}"'
        for n, (name, kind) in enumerate(columns.items())
    ]
    return (
        "datatable(ColumnName: string, ColumnOrdinal: int, DataType: string, ColumnType: string) "
        f"[{', '.join(rows)}]"
    )


def packing(columns: dict[str, str]) -> str:
    """Return the call that packs *columns*: of one function for all of them, which costs a fraction of `bag_pack`."""
    if not _AS_JSON.keys() >= set(columns.values()):
        pairs = ", ".join(f"\"{name}\", ['{name}']" for name in columns)
        return f"bag_pack({pairs})"
    pairs = ", ".join(
        f"'{_doubled(name, chr(39))}', {_AS_JSON[kind].format(_quoted(name))}"
        for name, kind in columns.items()
    )
    template = f"json_object({pairs})".replace("{", "{{").replace("}", "}}")
    function = f"_pack_{hashlib.sha256(template.encode()).hexdigest()[:16]}"
    SCALAR_FUNCTIONS.setdefault(function, FunctionSpec(function, "template", template, (0,)))
    return f"{function}()"


def _quoted(name: str) -> str:
    return f'"{_doubled(name, chr(34))}"'


def _doubled(name: str, quote: str) -> str:
    return name.replace(quote, 2 * quote)


def _put(query: str, start: int, end: int, text: str) -> str:
    return f"{query[:start]}{text}{query[end:]}"


def _end(token: Token) -> int:
    return token.start + len(token.text)


def _closing(texts: list[str], opening: int) -> int:
    depth = 0
    for at in range(opening, len(texts)):
        depth += (texts[at] in _OPEN) - (texts[at] in _CLOSE)
        if not depth:
            return at
    return len(texts) - 1


def _operator_end(texts: list[str], at: int) -> int:
    """Return where the operator ends that *at* is in."""
    depth = 0
    while at < len(texts):
        depth += (texts[at] in _OPEN) - (texts[at] in _CLOSE)
        if depth < 0 or (not depth and texts[at] in {"|", ";"}):
            break
        at += 1
    return at


def _before(query: str, tokens: list[Token], at: int) -> str:
    """Return the query, with its `let` statements, whose rows the operator gets that *at* is in."""
    depth, pipe = 0, at
    # The last | at the depth of the operator, which may stand outside of brackets that *at* is in.
    while pipe >= 0 and not (tokens[pipe].text == "|" and depth <= 0):
        depth += (tokens[pipe].text in _CLOSE) - (tokens[pipe].text in _OPEN)
        pipe -= 1
    depth, start = 0, pipe - 1
    while start >= 0 and not (depth == 0 and tokens[start].text in {*_OPEN, ";"}):
        depth += (tokens[start].text in _CLOSE) - (tokens[start].text in _OPEN)
        start -= 1
    lets = [n for n in range(max(start, 0)) if tokens[n].text == ";" and not _depth(tokens, n)]
    front = query[: _end(tokens[lets[-1]])] if lets else ""
    return f"{front}\n{query[tokens[start + 1].start : tokens[pipe].start]}"


def _depth(tokens: list[Token], at: int) -> int:
    return sum((token.text in _OPEN) - (token.text in _CLOSE) for token in tokens[:at])


def _reordered(wanted: list[str], columns: list[str]) -> list[str]:
    """Return *columns*, those first that `project-reorder` names, also by a pattern that ends in *."""
    names = "".join(wanted).split(",")
    first = [
        c for name in names for c in columns if c == name or (name.endswith("*") and c.startswith(name[:-1]))
    ]
    return list(dict.fromkeys([*first, *columns]))
