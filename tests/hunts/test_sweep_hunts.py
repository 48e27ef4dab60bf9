"""The sweep blocks of the hunts as Microsoft's parser reads them, in every form that is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.kusto.judge import Judge
from shared.catalog.load import load_hunts
from shared.kql.batch import batch_query
from shared.kql.write import fleet_query
from shared.model.hunt import Hunt
from shared.model.outcome import Window
from shared.sweep.counting import KINDS, ROWS
from shared.sweep.parts import ODD, Part
from shared.sweep.together import Swept
from tests.support.hunt_trials import lacking, swept

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SWEEPING = [hunt for hunt in load_hunts().hunts if hunt.sweep]


@pytest.mark.node
@pytest.mark.parametrize("part", [Part(), Part(14, 200), ODD], ids=lambda part: part.name)
@pytest.mark.parametrize("hunt", SWEEPING, ids=lambda hunt: hunt.name)
def test_microsofts_parser_accepts_every_sweep_query(hunt: Hunt, part: Part, judge: Judge) -> None:
    """Over the whole fleet and over a part, the query and its count have the columns that a sweep reads."""
    verdicts = [judge(query) for query in swept(hunt, part)]
    rows, counts = ({name for name, _ in verdict.columns or []} for verdict in verdicts)

    assert [([], "Query")] * 2 == [(verdict.diagnostics, verdict.kind) for verdict in verdicts]
    assert set() == lacking(hunt, rows)
    assert {"Ids", "Rows"} == counts


@pytest.mark.node
def test_microsofts_parser_accepts_the_count_of_devices(judge: Judge) -> None:
    """It has no error or warning, and the columns from which the fleet's size is read."""
    verdict = judge(fleet_query("DeviceInfo", end=NOW, summarize=KINDS))

    assert [] == verdict.diagnostics
    assert {"OSPlatform", "DeviceType", "Devices"} == {name for name, _ in verdict.columns or []}


@pytest.mark.node
@pytest.mark.parametrize("then", ["", ROWS], ids=["rows", "counts"])
def test_microsofts_parser_accepts_all_sweep_queries_in_one_call(then: str, judge: Judge) -> None:
    """For the rows of all hunts, and for their counts, also where a hunt has a shorter window than the call."""
    whole = Window(NOW - timedelta(days=7), NOW)
    windows = [whole, Window(NOW - timedelta(days=1), NOW)]
    verdict = judge(
        batch_query(
            {hunt.name: Swept(hunt, windows[n % 2]).leg(whole, then) for n, hunt in enumerate(SWEEPING)}
        )
    )

    assert ([], "Query") == (verdict.diagnostics, verdict.kind)
    assert {"_Hunt", "_N", "_Row"} == {name for name, _ in verdict.columns or []}
