"""Read a hunt's KQL: its tables, its names, and whether it can be restricted to a scope."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from shared.errors import UnreadableQuery

from . import clock
from .columns import UNKNOWN, read_rows
from .edit import Edit, edited
from .lexer import Token, lex, nest, unquoted
from .problem import Problem, Problems
from .sources import Sources
from .tables import SCOPABLE


class Reading(Struct, frozen=True):
    """
    What reading a query finds out.

    `text` is the query without comments and semicolons at its end, so that an operator can follow on the next
    line. `tables` are the tables in it that can be restricted to devices. `names` holds every token, strings
    without their quotes. `reach` is how far back the query looks by ago() and now(), None where it calls neither, or
    has a problem.

    `reads` are all tables that it reads; None where that is not certain, or where it declares one of them itself.

    `carries` are those of DeviceId, DeviceName, Indicator and Timestamp that its rows have for certain, `lacks`
    those that they certainly do not have. `order` is what its rows are sorted by, as KQL; '' where they are not.

    `told` is what an author should know of how it is sent: `text` is then not what stands in the file (`plain`). `outside`
    says where it reads what is outside of the tenant.
    """

    text: str
    tables: tuple[str, ...]
    reads: frozenset[str] | None
    names: frozenset[str]
    reach: timedelta | None
    carries: frozenset[str]
    lacks: frozenset[str]
    order: str
    problems: tuple[Problem, ...]
    told: tuple[Problem, ...] = ()
    outside: tuple[Problem, ...] = ()


@lru_cache(maxsize=256)  # hunts are few, and every run reads the same ones
def read_query(query: str, *, scoped: bool) -> Reading:
    """
    Read *query*; if *scoped*, also look for whatever could escape a scope set in front of it.

    Problems are returned, not raised; each says where it is and what to change.
    """
    reading, edits = _read(query, scoped=scoped)
    if not edits or reading.problems:
        return reading
    # What is sent is read as any other query, so that it holds to the same rules.
    sent, more = _read(edited(query, edits), scoped=scoped)
    if sent.problems or more:
        found = Problems(query)
        found.add(min(edits).start, "write this as union of the names of tables: it cannot be sent as one")
        return replace(reading, problems=found.all)
    return replace(sent, told=reading.told, outside=reading.outside)


def _read(query: str, *, scoped: bool) -> tuple[Reading, list[Edit]]:
    """Read a query as it stands; return also what is to be sent in place of parts of it."""
    reader = Sources(query, scoped=scoped)
    tokens: tuple[Token, ...] = ()
    rows = UNKNOWN
    try:
        tokens = lex(query)
        nodes = nest(tokens)
        reader.read_whole(nodes)
        clock.check(tokens, reader.found)
        rows = UNKNOWN if reader.found.all else read_rows(nodes)
    except UnreadableQuery as error:
        reader.found.add(error.start, str(error))
    names = frozenset(unquoted(token) if token.kind == "string" else token.text for token in tokens)
    end = max((token.start + len(token.text) for token in tokens if token.text != ";"), default=0)
    reading = Reading(
        text=query[:end],
        tables=tuple(sorted(SCOPABLE & names)),
        reads=reader.tables,
        names=names,
        reach=None if reader.found.all else clock.reach(tokens),
        carries=frozenset(name for name, there in rows.columns.items() if there),
        lacks=frozenset(name for name, there in rows.columns.items() if there is False),
        order=rows.order,
        problems=reader.found.all,
        told=reader.told.all,
        outside=reader.outside.all,
    )
    return reading, reader.edits
