"""The sweep blocks of the hunts, as Microsoft's parser and binder see them, in every form that is sent."""

from __future__ import annotations

import pytest

from shared.catalog.load import load_hunts
from shared.kql.write import fleet_query
from shared.model.hunt import Hunt
from shared.sweep.asking import COUNTS, KINDS
from shared.sweep.parts import Part
from tests.support.kql_judge import Judge

SWEEPING = [hunt for hunt in load_hunts().hunts if hunt.sweep]
#: What `sweep_rows` reads.
READ = {"DeviceId", "DeviceName", "Process", "RemoteIP", "RemotePort", "Connections", "LastSeen", "Days"}


@pytest.mark.node
@pytest.mark.parametrize("part", [Part(), Part(14, 200)], ids=lambda part: part.name)
@pytest.mark.parametrize("hunt", SWEEPING, ids=lambda hunt: hunt.name)
def test_binds(hunt: Hunt, part: Part, judge: Judge) -> None:
    """A hunt over the fleet, or a part of it, binds without a diagnostic, as does what counts its rows."""
    assert hunt.sweep
    columns = []
    for more in ("", COUNTS):
        query = fleet_query(
            hunt.query,
            summarize=hunt.sweep.summarize + more,
            applies_to=hunt.applies_to,
            prefixes=part.prefixes,
        )
        verdict = judge(query)
        columns.append({name for name, _ in verdict.columns or []})

        assert ([], "Query") == (verdict.diagnostics, verdict.kind)
    assert READ | {hunt.sweep.new} <= columns[0]
    assert {"Ids", "Rows"} == columns[1]


@pytest.mark.node
def test_fleet_binds(judge: Judge) -> None:
    """The question how many devices there are binds without a diagnostic."""
    verdict = judge(fleet_query("DeviceInfo", summarize=KINDS))

    assert [] == verdict.diagnostics
    assert {"OSPlatform", "DeviceType", "Devices"} == {name for name, _ in verdict.columns or []}
