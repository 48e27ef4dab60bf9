"""What each operator that shapes rows does to the columns that say whose a row is, and when it was."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .lexer import Token, inside, is_call, name_of, options, split, text
from .vocabulary import INVOKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .lexer import Node

WATCHED = ("DeviceId", "DeviceName", "Indicator", "Timestamp")
"""The columns that are followed."""

Columns = dict[str, bool | None]
"""
For each column: True where every row has it, as its source fills it; False where no row has it; None where that
is unclear.
"""

UNCLEAR: Columns = dict.fromkeys(WATCHED)
_NONE: Columns = dict.fromkeys(WATCHED, False)

#: Functions that leave it clear whose a row is.
_KEEPING = {"tolower", "toupper", "tostring", "todatetime"}
#: Aggregates that name their column after themselves, such as `dcount_DeviceId`.
_NAMED = {
    "avg", "countif", "count_distinct", "dcount", "dcountif", "make_list", "make_set", "makelist", "makeset",
    "max", "min", "percentile", "stdev", "sum", "sumif",
}  # fmt: skip


def _extend(nodes: list[Node], columns: Columns) -> Columns:
    changed = dict(columns)
    for part in split(nodes, ","):
        name, value = _named(part)
        if name in WATCHED:
            changed[name] = _assigned(name, value, columns)
        elif not name:
            changed |= dict.fromkeys(_mentioned(part))
    return changed


def _project(nodes: list[Node], columns: Columns) -> Columns:
    kept = dict(_NONE)
    for part in split(nodes, ","):
        name, value = _named(part)
        if name in WATCHED:
            kept[name] = _assigned(name, value, columns)
        elif len(part) == 1 and (column := name_of(part[0])):
            kept |= {column: True} if column in WATCHED else {}
        elif "*" in texts(part):
            return UNCLEAR
        elif not name:
            kept |= {each: None for each in _mentioned(part) if not kept[each]}
    return kept


def _distinct(nodes: list[Node], columns: Columns) -> Columns:
    return columns if [text(node) for node in nodes] == ["*"] else _project(nodes, columns)


def _project_away(nodes: list[Node], columns: Columns) -> Columns:
    patterns = ["".join(name_of(node) or text(node) for node in part) for part in split(nodes, ",")]
    gone = {name: False for name in WATCHED if any(fnmatchcase(name, pattern) for pattern in patterns)}
    return columns | gone


def _project_rename(nodes: list[Node], columns: Columns) -> Columns:
    pairs = [_named(part) for part in split(nodes, ",")]
    gone = {
        name: False for name in WATCHED for _, value in pairs if [name] == [name_of(node) for node in value]
    }
    new = {name: _assigned(name, value, columns) for name, value in pairs if name in WATCHED}
    return columns | gone | new


def _summarize(nodes: list[Node], columns: Columns) -> Columns:
    keys = after(nodes, "by")
    kept = _project(keys, columns)
    for part in split(nodes[: len(nodes) - len(keys) - 1] if keys else nodes, ","):
        name, value = _named(part)
        call = value if name else part
        function = name_of(call[0]) if call else None
        arguments = texts(inside(call[1])) if is_call(call) else []
        # A row stands for many: it may name one device of several.
        unclear = (
            set(_mentioned(call))
            if function not in _NAMED and (not name or "arg_" in str(function))
            else set()
        )
        if "*" in arguments and function != "count":
            unclear |= {each for each in WATCHED if columns[each] is not False}
        kept |= {each: None for each in unclear | ({name} & set(WATCHED)) if not kept[each]}
        latest = not name and function in {"arg_max", "arg_min"} and arguments[:1] == ["Timestamp"]
        least = name == "Timestamp" and function in {"max", "min"} and arguments == ["Timestamp"]
        if (latest and arguments[1:2] in ([], [","])) or least:
            kept["Timestamp"] = True
    return kept


def _mv_expand(nodes: list[Node], columns: Columns) -> Columns:
    changed = dict(columns)
    for part in split(options(nodes) if nodes and text(nodes[0]) == "with_itemindex" else nodes, ","):
        first = name_of(part[0]) if part else None
        if first in WATCHED:
            changed[first] = True if first == "Indicator" else None
    return changed


def _add(nodes: list[Node], columns: Columns) -> Columns:
    """Return the columns after an operator that adds some which its text names."""
    return columns | dict.fromkeys(_mentioned(nodes))


def _evaluate(nodes: list[Node], columns: Columns) -> Columns:
    if nodes and name_of(nodes[0]) in {"bag_unpack", *INVOKED} and len(nodes) == 2:
        return {name: state or None for name, state in columns.items()}
    return UNCLEAR


SHAPING: dict[str, Callable[[list[Node], Columns], Columns]] = {
    "count": lambda _nodes, _columns: _NONE,
    "distinct": _distinct,
    "evaluate": _evaluate,
    "extend": _extend,
    "invoke": _evaluate,
    "mv-expand": _mv_expand,
    "mvexpand": _mv_expand,
    "parse": _add,
    "parse-where": _add,
    "project": _project,
    "project-away": _project_away,
    "project-keep": _project,
    "project-rename": _project_rename,
    "serialize": _extend,
    "summarize": _summarize,
}


def _assigned(name: str, value: list[Node], columns: Columns) -> bool | None:
    """Return what is known of a column after `name = value`."""
    same = inside(value[1]) if is_call(value) and name_of(value[0]) in _KEEPING else value
    if name == "Indicator" or [name_of(node) for node in same] == [name]:
        return columns[name] or name == "Indicator" or None
    return None


def _named(part: list[Node]) -> tuple[str, list[Node]]:
    """Return the name and the value of `name = value`; '' and nothing for anything else."""
    if [text(node) for node in part[1:2]] == ["="]:
        return name_of(part[0]) or "", part[2:]
    return "", []


def after(nodes: list[Node], word: str) -> list[Node]:
    """Return the nodes after the first *word*; none where there is no such word."""
    return next((nodes[at + 1 :] for at, node in enumerate(nodes) if text(node) == word), [])


def hinted(nodes: list[Node]) -> list[Node]:
    """Return what follows hints, such as `hint.strategy=shuffle`."""
    at = 0
    while at < len(nodes) and text(nodes[at]) == "hint":
        at += 5
    return nodes[at:]


def _mentioned(nodes: list[Node]) -> Iterable[str]:
    words = set(texts(nodes))
    return [name for name in WATCHED if name in words]


def texts(nodes: list[Node]) -> list[str]:
    """Return the text of every token in *nodes*, brackets included."""
    return list(_flat(nodes))


def _flat(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Token):
            yield node.text
        else:
            yield node.kind
            yield from _flat(node.items)
            yield {"(": ")", "[": "]", "{": "}"}[node.kind]
