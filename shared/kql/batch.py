"""
Write many hunts as one query, whose answer tells their rows apart.

Each hunt stands in a function without parameters, so that what it declares, and what its tables are held to, is its
own. Its rows come packed, since no two hunts have the same columns: a row of the answer is `_Hunt`, `_N` (its number
within the hunt, from 1) and `_Row` (JSON). `{hunt}/schema` are its columns, `{hunt}/{column}` on how many devices of the
fleet each value of a column was, and `/fleet` how many devices there are.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from .literals import literal
from .prevalence import FLEET, MOST_COUNTED, count
from .write import declaration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .front import Binding
    from .prevalence import Counted
    from .write import Leg

_PACKED = (
    "| extend _Row = tostring(pack_all())\n| serialize _N = row_number()\n| project _Hunt = {}, _N, _Row"
)

#: A string literal, or a word, which may be a name.
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|(\w+)')


def batch_query(legs: Mapping[str, Leg], counted: Mapping[str, Counted] | None = None) -> str:
    """
    Write *legs*, by their hunts' names, as one query; *counted* are those whose rows are counted over the fleet.

    What all of them declare alike stands once, in front. The call's timespan must hold all windows.
    """
    counted = counted or {}
    front = _in_front(legs.values())
    functions, sources = [], []
    for number, (name, leg) in enumerate(legs.items()):
        own = [declaration(each) for each in leg.bindings if each not in front]
        functions.append("\n".join([f"let _Hunt{number} = () {{", *own, *leg.lines, "};"]))
        rows = f"_Hunt{number}()"
        if name in counted:
            # It is read twice: without this, it would be evaluated twice.
            functions.append(f"let _Rows{number} = materialize(_Hunt{number}());")
            rows = f"_Rows{number}"
            sources.append(_prevalence(name, rows, counted[name]))
        sources += [_schema(name, f"_Hunt{number}()"), f"{rows}\n{_PACKED.format(literal(name))}"]
    if counted:
        sources.append(f"{FLEET}\n{_PACKED.format(literal('/fleet'))}")
    union = ",\n".join(f"({source})" for source in sources)
    return "\n".join([*map(declaration, front), *functions, f"union\n{union}"])


def _in_front(legs: Iterable[Leg]) -> list[Binding]:
    """Return the bindings that mean the same in every leg that has them, in an order in which each may use those before it."""
    legs = list(legs)
    bindings = dict.fromkeys(binding for leg in legs for binding in leg.bindings)
    values = Counter(name for name, _ in bindings)
    front: list[Binding] = []
    several = {name for name, count in values.items() if count > 1}
    for name, value in bindings:
        # What uses a name that means something else in another leg is its leg's own, too.
        if name not in several and several.isdisjoint(_names(value)):
            front.append((name, value))
        else:
            several.add(name)
    return front


def _names(value: str) -> set[str]:
    """Return the words of a binding's value that may be names: what a device or an indicator is called is none."""
    return {found[1] for found in _WORD.finditer(value) if found[1]}


def _schema(name: str, source: str) -> str:
    return "\n".join(
        [
            source,
            "| getschema",
            "| sort by ColumnOrdinal asc",
            "| project name = ColumnName, type = DataType",
            _PACKED.format(literal(f"{name}/schema")),
        ]
    )


def _prevalence(name: str, rows: str, counted: Counted) -> str:
    column = counted.column
    values = f"({rows} | where isnotempty({column}) | distinct {column} | take {MOST_COUNTED})"
    return "\n".join([*count(counted, values), _PACKED.format(literal(f"{name}/{column}"))])
