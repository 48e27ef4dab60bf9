"""Rewrite what KQL has and duckdb-kql has not, where it means the same in other words."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from shared.errors import UnreadableQuery
from shared.kql.edit import edited
from shared.kql.lexer import lex

from .functions import packing
from .place import Place, column, name_or_pattern, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.kql.edit import Edit
    from shared.kql.lexer import Token

    #: The columns of a query's rows, each with DuckDB's type.
    ColumnsOf = Callable[[str], dict[str, str]]
    #: Returns how a place is rewritten; None where nothing is to be done there.
    Rule = Callable[[Place, ColumnsOf], Edit | None]

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
#: What is made up of a file's hash, since nobody here knows the file; without one there is nothing, as documented.
_PROFILE = """extend GlobalPrevalence = iff(isempty({0}), int(null), toint(1 + _number_of_hash({0}) % 100000)),
GlobalFirstSeen = iff(isempty({0}), datetime(null), datetime(2024-01-01) + 1d * (_number_of_hash({0}) % 700)),
GlobalLastSeen = iff(isempty({0}), datetime(null), datetime(2025-12-01) + 1d * (_number_of_hash({0}) % 60)),
Signer = "", Issuer = "", SignerHash = "", IsCertificateValid = bool(null), IsRootSignerMicrosoft = bool(null),
SignatureState = iff(isempty({0}), "", "Unknown"), IsExecutable = bool(null), ThreatName = "", Publisher = "",
SoftwareName = "", ProfileAvailability = iff(isempty({0}), "", "Available")"""


def adapt(query: str, columns_of: ColumnsOf) -> str:
    """
    Return *query* as duckdb-kql can read it; *columns_of* tells the columns of a part of it.

    Rows are numbered anew for each value of the column that they are sorted by in the one form of KQL's window
    functions that hunts are sent with. What takes all columns, or a pattern for them, names them; `serialize` is left
    out, since rows have an order anyway, `ingestion_time()` is the time of the event, and `FileProfile` is made up.
    """
    query = _NUMBERED.sub(r"| extend \1 = row_number() | extend \1 = _number_of_same(\2, \1)", query)
    while found := _edits(query, columns_of):
        query = edited(query, found)
    return query


def _edits(query: str, columns_of: ColumnsOf) -> list[Edit]:
    """Return what is to be rewritten, without what stands in something else of it: that is left to the next time."""
    try:
        tokens = list(lex(query))
    except UnreadableQuery:
        return []
    texts = [token.text for token in tokens]
    found: list[Edit] = []
    for at, token in enumerate(tokens):
        if not (token.text == "|" or token.text in _FUNCTIONS) or (found and token.start < found[-1].end):
            continue
        place = Place(query, tokens, texts, at)
        rule = _OPERATORS.get(place.operator) or _FUNCTIONS.get(place.function)
        if rule and (edit := rule(place, columns_of)) is not None:
            # An operator may take the place of all that leads to it.
            found = [*(each for each in found if each.end <= edit.start), edit]
    return found


def _pack_all(place: Place, columns_of: ColumnsOf) -> Edit | None:
    source = place.source()
    # With an argument it leaves out what is null or empty.
    return place.with_call(packing(columns_of(source))) if source and not place.arguments() else None


def _column_ifexists(place: Place, columns_of: ColumnsOf) -> Edit | None:
    source, arguments = place.source(), place.arguments()
    name = string(arguments[0]) if len(arguments) == 2 else None
    if name is None or not source:
        return None
    return place.with_call(column(name) if name in columns_of(source) else f"({place.text(arguments[1])})")


def _split(place: Place, _: ColumnsOf) -> Edit | None:
    match place.arguments():
        case [source, delimiter, index]:
            one = place.text(index)
            parts = f"split({place.text(source)}, {place.text(delimiter)})"
            return place.with_call(f"array_slice({parts}, {one}, {one})")
    return None


def _is_private(place: Place, _: ColumnsOf) -> Edit | None:
    match place.arguments():
        case [address]:
            return place.with_call(f"_is_private(parse_ipv4({place.text(address)}))")
    return None


def _is_in_range(place: Place, _: ColumnsOf) -> Edit | None:
    """Compare an address with ranges that are written out."""
    address, *ranges = place.arguments() or [[]]
    try:
        networks = [ipaddress.IPv4Network(string(each) or "", strict=False) for each in ranges]
    except ValueError:
        return None
    if not networks:
        return None
    number = f"parse_ipv4({place.text(address)})"
    within = [f"{number} between ({int(each[0])} .. {int(each[-1])})" for each in networks]
    return place.with_call(f"({' or '.join(within)})")


def _getschema(place: Place, columns_of: ColumnsOf) -> Edit | None:
    source = place.source()
    if not source:
        return None
    rows = [
        f'{_text(name)}, {n}, "System.{_TYPES.get(kind, _OTHER)[0]}", "{_TYPES.get(kind, _OTHER)[1]}"'
        for n, (name, kind) in enumerate(columns_of(source).items())
    ]
    return place.with_source(
        "datatable(ColumnName: string, ColumnOrdinal: int, DataType: string, ColumnType: string) "
        f"[{', '.join(rows)}]"
    )


def _serialize(place: Place, _: ColumnsOf) -> Edit:
    given = ", ".join(place.text(operand) for operand in place.operands())
    return place.with_operator(f"extend {given}" if given else "where true")


def _reorder(place: Place, columns_of: ColumnsOf) -> Edit:
    known, first = [*columns_of(place.source())], list[str]()
    for operand in place.operands():
        order = operand[-1].text if len(operand) > 1 and operand[-1].text in {"asc", "desc"} else ""
        found = _matching(operand[:-1] if order else operand, known)
        first += sorted(found, reverse=order == "desc") if order else found
    return _projected(place, dict.fromkeys([*first, *known]))


def _keep(place: Place, columns_of: ColumnsOf) -> Edit:
    known = [*columns_of(place.source())]
    kept = [name for operand in place.operands() for name in _matching(operand, known)]
    return _projected(place, [name for name in known if name in kept] + [n for n in kept if n not in known])


def _away(place: Place, columns_of: ColumnsOf) -> Edit | None:
    if not any(token.text == "*" for operand in place.operands() for token in operand):
        return None
    known = [*columns_of(place.source())]
    gone = {name for operand in place.operands() for name in _matching(operand, known)}
    return _projected(place, [name for name in known if name not in gone])


def _distinct(place: Place, columns_of: ColumnsOf) -> Edit | None:
    if [[token.text for token in operand] for operand in place.operands()] != [["*"]]:
        return None
    return place.with_operator(f"distinct {', '.join(map(column, columns_of(place.source())))}")


def _invoke(place: Place, _: ColumnsOf) -> Edit | None:
    called = place._replace(at=place.at + 2)
    if called.function != "FileProfile":
        return None
    given = called.arguments()
    return place.with_operator(_PROFILE.format(column(name_or_pattern(given[0])) if given else "['SHA1']"))


def _matching(tokens: list[Token], known: Iterable[str]) -> list[str]:
    """Return the columns of *known* that a pattern with `*` matches, or the name, also of a column that is not there."""
    wanted = name_or_pattern(tokens)
    if "*" not in wanted:
        return [wanted]
    pattern = ".*".join(map(re.escape, wanted.split("*")))
    return [name for name in known if re.fullmatch(pattern, name)]


def _projected(place: Place, names: Iterable[str]) -> Edit:
    return place.with_operator(f"project {', '.join(map(column, names))}")


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_OPERATORS: dict[str, Rule] = {
    "getschema": _getschema,
    "serialize": _serialize,
    "project-reorder": _reorder,
    "project-keep": _keep,
    "project-away": _away,
    "distinct": _distinct,
    "invoke": _invoke,
}
_FUNCTIONS: dict[str, Rule] = {
    "makeset": lambda place, _: place.with_name("make_set"),
    "makelist": lambda place, _: place.with_name("make_list"),
    "ingestion_time": lambda place, _: place.with_call("Timestamp"),
    "pack_all": _pack_all,
    "column_ifexists": _column_ifexists,
    "split": _split,
    "ipv4_is_private": _is_private,
    "ipv4_is_in_range": _is_in_range,
    "ipv4_is_in_any_range": _is_in_range,
}
