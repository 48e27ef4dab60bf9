"""What of a hunt's rows is counted over the fleet, and in which table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.kql.output import columns_of
from shared.kql.prevalence import Counted
from shared.kql.vocabulary import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.hunt import Hunt
    from shared.model.outcome import Window


def counted_of(hunt: Hunt, window: Window) -> Counted | None:
    """
    Return what of *hunt*'s rows is counted over the fleet in *window*; None for a hunt without `prevalence`.

    The table is one that the hunt itself names, where one of these can be counted: an address of sign-ins is counted in
    sign-ins.
    """
    if not hunt.prevalence:
        return None
    tables = COUNTED[hunt.prevalence]
    table = next((each for each in tables if each in hunt.tables), tables[0])
    return Counted(hunt.prevalence, table, window.start, window.end)


def prevalence_problem(column: str, shown: Iterable[str], query: str) -> str:
    """Return what is wrong with `prevalence: column` of a hunt that shows *shown*, as a sentence; '' for nothing."""
    if column not in COUNTED:
        return f"write one of {', '.join(COUNTED)}, which can be counted over the fleet"
    columns, shown = columns_of(query), tuple(shown)
    if columns is not None and column not in columns:
        return f"must be a column of the query's rows, which are {', '.join(sorted(columns))}"
    if shown and column not in shown:
        return f"add {column} to columns, so that a row says what is counted"
    return ""
