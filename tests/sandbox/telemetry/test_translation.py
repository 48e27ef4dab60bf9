"""A query is translated once for all times and lists that may stand in it, and its rows are those of each of them."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.telemetry.engine import Engine, QueryError
from sandbox.telemetry.translation import Translator
from shared.kql.literals import dynamic

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = [
    "srv-1", "SRV-2", "it's", 'say "hi"', "back\\slash", "caf\u00e9 \u2603 \U0001f600", "_List0_", "_list1_", '["_List1_"]',
    "1900-01-01T00:00:00.000000Z", "%", "_", "a.*b", "{0}", "$1", "\\1", "a\nb", "'; DROP TABLE DeviceInfo; --", "]);",
]  # fmt: skip
#: With this comment, which holds what could be a stand-in, a query is translated as it is.
AS_IT_IS = "\n// _List0_"
USES = [
    "DeviceInfo | where DeviceName in (_A)",
    "DeviceInfo | where DeviceName in~ (_A)",
    "DeviceInfo | where DeviceName !in (_A)",
    "DeviceInfo | where DeviceName has_any (_A)",
    "DeviceInfo | extend X = _A | mv-expand X to typeof(string) | where DeviceName == X",
    "DeviceInfo | extend X = _A | mv-expand X to typeof(string) | where DeviceName contains X",
    "DeviceInfo | where DeviceName in (_A) and DeviceName in (_B)",
    "DeviceInfo | where DeviceName in (_A) or DeviceName in (_B)",
    "DeviceInfo | extend N = array_length(_A), M = strcat_array(_B, '-')",
    "DeviceInfo | where DeviceName == tostring(_A[0])",
    "DeviceInfo | where Timestamp > datetime(T0) and Timestamp <= datetime(T1)",
    "DeviceInfo | where Timestamp between (datetime(T0) .. datetime(T1))",
    "DeviceInfo | where Timestamp > datetime(T0) - 2h and DeviceName in (_A)",
    "let t = datetime(T0); DeviceInfo | where Timestamp >= t | extend D = Timestamp - t, E = t + 1h, F = datetime(T1) - t",
    "let _ago = (s: timespan) {datetime(T1) - s}; DeviceInfo | where Timestamp > _ago(3h)",
    "let m = materialize(DeviceInfo | where DeviceName in (_A) and Timestamp > datetime(T0)); m | union m",
    "DeviceInfo | extend S = strcat(tostring(datetime(T0)), 'x'), B = bin(datetime(T0), 1d), U = datetime(T1)",
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with a device of each name, an hour apart."""
    engine = Engine()
    engine.load(
        "DeviceInfo",
        [{"Timestamp": NOW - timedelta(hours=n), "DeviceName": name} for n, name in enumerate(NAMES)],
    )
    return engine


def hunt(engine: Engine, query: str) -> Any:
    """Return the rows of *query* in an order of their own, or that it is refused."""
    try:
        rows = engine.hunt(query, start=NOW - timedelta(days=2), end=NOW, now=NOW)[1]
    except QueryError:
        return "refused"
    return sorted([tuple(map(str, row.values())) for row in rows])


def written(use: str, lists: list[list[str]], times: list[datetime]) -> str:
    """Return *use* with lists and times in it, as hunts have them."""
    for n, time in enumerate(times):
        use = use.replace(f"T{n})", f"{time:%Y-%m-%dT%H:%M:%S.%f}Z)")
    front = [
        f"let {name} = {dynamic(given)};"
        for name, given in zip(("_A", "_B"), lists, strict=True)
        if name in use
    ]
    return "\n".join([*front, use])


@pytest.mark.parametrize("use", USES)
def test_rows_are_those_of_a_query_that_is_translated_as_it_is(engine: Engine, use: str) -> None:
    """Whatever stands in lists and times: quotes, the stand-ins themselves, nothing, one value, several, equal times."""
    chance = random.Random(use)
    for _ in range(4):
        lists = [chance.sample(NAMES, chance.choice((0, 1, 1, 2, 5))) for _ in range(2)]
        times = [NOW - timedelta(minutes=chance.choice((0, 90, 600, 599))) for _ in range(2)]
        query = written(use, lists, times)

        assert hunt(engine, query + AS_IT_IS) == hunt(engine, query)


def test_each_value_of_a_list_finds_its_own_row(engine: Engine) -> None:
    """Also one that looks like a stand-in, in a list beside others."""
    for name in NAMES:
        query = written(USES[6], [[name], ["srv-1", name]], [])

        assert 1 == len(hunt(engine, query)), name


@pytest.mark.parametrize("use", [use for use in USES if "has_any" not in use and "[0]" not in use])
def test_the_translation_of_a_query_serves_for_all_lists_and_times(engine: Engine, use: str) -> None:
    """Its SQL is the same up to these; a time is written in the one form that DuckDB reads at once."""
    translator = Translator(engine.tables)
    use = use.replace("materialize", "").replace("m | union m", "m")
    texts = []
    for names, hours in ((["it's 1", "it's 2"], (1, 2)), (["it's 3", "it's 4"], (3, 4))):
        times = [NOW - timedelta(hours=each) for each in hours]
        sql = translator.to_sql(
            engine.connection.cursor(), written(use, [[names[0]], names], times), NOW, {}
        ).sql
        for time in times:
            assert sql.count(f"'{time:%Y-%m-%dT%H}") == sql.count(f"TIMESTAMP '{time:%Y-%m-%dT%H}")
        for n, value in enumerate([*(f"{time:%Y-%m-%dT%H}" for time in times), *names]):
            sql = sql.replace(value.replace("'", "''"), f"value {n}")
        texts.append(sql)

    assert texts[0] == texts[1]


def test_threads_share_translations(engine: Engine) -> None:
    """Each has the rows of its own values, while more queries are translated than are kept."""
    queries = [
        written(USES[0] + f" | take {100 + n % 5}", [[name], []], []) for n, name in enumerate(NAMES * 4)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: hunt(engine, query), queries))

    assert [1] * len(queries) == [len(rows) for rows in found]
