"""Many hunts in one query, as Microsoft's parser reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.kql.batch import batch_query
from tests.support.batches import legs, shipped
from tests.support.hunt_trials import DEVICES, INDICATORS

if TYPE_CHECKING:
    from tests.support.kql_judge import Judge


@pytest.mark.node
@pytest.mark.parametrize("devices", DEVICES)
def test_microsofts_parser_accepts_all_hunts_together(devices: str, judge: Judge) -> None:
    """Without a warning; every table is read where it is held to devices or a window, but for the fleet's size."""
    indicators = [each for given in INDICATORS.values() for each in given]
    query = batch_query(legs(shipped((168, 0), (48, 3)), DEVICES[devices], indicators))
    verdict = judge(query)

    assert [] == verdict.diagnostics
    assert [("_Hunt", "string"), ("_N", "long"), ("_Row", "string")] == [
        tuple(c) for c in verdict.columns or []
    ]
    assert verdict.reads
    for table, offset in verdict.reads:
        before, line = query[:offset].rpartition("\n")[2], query[offset:].partition("\n")[0]

        assert before in {f"let {table} = ", "let _DeviceKinds = materialize("}
        assert line.startswith(f"{table} | where Timestamp between (")
