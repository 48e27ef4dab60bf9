"""Write what happens in an ordinary fleet (`patterns`) into Advanced Hunting's tables, in SQL."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from .columns import columns
from .patterns import patterns, roles

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.telemetry.engine import Engine

    from .patterns import Patterns

_TYPES = {
    "p": "INTEGER",
    "by_people": "BOOLEAN",
    "times": "INTEGER",
    "hour": "INTEGER",
    "after": "INTEGER",
    "by_size": "BIGINT",
    "own_size": "BIGINT",
}

#: A row for each time that a pattern happens on a device: who acts (`who`), whose the initiating process is (`by_who`).
#: Most could happen and do not, which is found out from a few numbers, before what they would look like is looked up.
_HAPPENED = """
SELECT *, CASE account WHEN 'user' THEN person WHEN 'admin' THEN 'adm-' || person ELSE account END AS who,
    CASE by_account WHEN 'user' THEN person WHEN 'admin' THEN 'adm-' || person ELSE by_account END AS by_who
FROM (
    SELECT *, day + to_seconds((
        (CASE WHEN hour >= 0 THEN hour * 3600 + (key // 7 % 3600)::BIGINT
            WHEN by_people THEN 25200 + (key // 7 % 19800 + key // 139 % 19800)::BIGINT
            ELSE (key // 7 % 86400)::BIGINT END
        - day_second + 86400) % 86400) + after) + to_microseconds((key % 1000000)::BIGINT) AS moment
    FROM (
        SELECT * FROM (
            SELECT n, day_number, p, hash(day_hash, story_hash) % 1000000000000000 AS key
            FROM (SELECT n, day_number, hash(n, day_number) AS day_hash FROM days)
            JOIN members USING (n)
            JOIN (SELECT p, "on" AS role, chance, hash(story, i, $seed) AS story_hash FROM patterns, unnest(range(times)) t(i))
            USING (role)
            WHERE key % 1000003 < chance * 1000003
        )
        JOIN days USING (n, day_number) JOIN patterns USING (p)
    )
    WHERE NOT by_people OR isodow(day) < 6 OR key % 13 = 0
)
WHERE moment < $end
"""


def live(engine: Engine, first: int, last: int, *, seed: int, end: datetime) -> None:
    """
    Write the ordinary life of the devices *first* to before *last*, until *end* (UTC, naive).

    It needs the temporary tables `fleet`, a row for each device, and `days`, one for each device and day.
    """
    run = engine.connection.execute
    run(_members(), {"first": first, "last": last})
    for number, some in enumerate(patterns()):
        # As in life, a tenant without a licence has no such table.
        if some.table not in engine.tables:
            continue
        run(_made(some), {"rows": _rows(number)})
        known = engine.tables[some.table]
        chosen = ", ".join(
            f'{sql} AS "{name}"' for name, sql in columns(some, known).items() if name in known
        )
        run(
            f"INSERT INTO {some.table} BY NAME SELECT {chosen} FROM ({_HAPPENED})",
            {"seed": seed, "end": end},
        )


def _members() -> str:
    values = ", ".join(f"('{role}', '{kind}', {of}, {which})" for role, kind, of, which in roles())
    return f"""
    CREATE OR REPLACE TEMP TABLE members AS
    SELECT n, role FROM fleet JOIN (VALUES {values}) t(role, for_kind, part, which)
    ON for_kind = kind AND number % part = which % part WHERE n >= $first AND n < $last
    """


@cache
def _rows(number: int) -> str:
    return json.dumps([{**row, "p": p} for p, row in enumerate(patterns()[number].rows)])


def _made(some: Patterns) -> str:
    names = ["p", *sorted({name for row in some.rows for name in row})]
    shape = {name: _TYPES.get(name, "DOUBLE" if name == "chance" else "VARCHAR") for name in names}
    return (
        "CREATE OR REPLACE TEMP TABLE patterns AS SELECT unnest(from_json($rows, "
        f"'{json.dumps([shape])}'), recursive := true)"
    )
