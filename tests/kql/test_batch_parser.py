"""Many hunts in one query, as Microsoft's parser reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from shared.catalog.load import load_hunts
from shared.catalog.prevalence import counted_of
from shared.kql.batch import batch_query
from shared.kql.tables import LOOKUPS, STANDING
from shared.model.entity import Device, Indicator
from shared.model.outcome import Window
from tests.support.batches import Trial, legs, made_up, shipped
from tests.support.hunt_trials import DEVICES, INDICATORS

if TYPE_CHECKING:
    from sandbox.kusto.judge import Judge
    from shared.kql.prevalence import Counted

IDS, NAMES = [Device(f"{n:040x}") for n in range(50)], [Device(name=f"pc-{n}") for n in range(50)]
ALL = [each for given in INDICATORS.values() for each in given]


class Batch(NamedTuple):
    """Hunts with what they are asked for."""

    trials: list[Trial]
    devices: list[Device]
    indicators: list[Indicator]

    def counted(self) -> dict[str, Counted]:
        """Return what is counted over the fleet, each over the window of its hunt."""
        hunts = load_hunts().by_name
        found = {
            each.name: counted_of(hunts[each.name], Window(*each.window))
            for each in self.trials
            if each.name in hunts and self.devices
        }
        return {name: counted for name, counted in found.items() if counted}


#: A run takes no more hunts than these, and the parser needs four times as long for twice as many.
CARD = [trial for trial in shipped() if trial.name == "device-card"]
BATCHES = {
    "all hunts, one device": Batch(shipped(), DEVICES["one-device"], ALL),
    "50 devices by id": Batch([*CARD, *shipped()[1::4]], IDS, []),
    "50 devices by name": Batch([*CARD, *shipped((168, 0), (48, 3))[2::4]], NAMES, []),
    "some by id, others by name": Batch(
        [*CARD, *shipped((168, 0), (48, 3), (24, 1))[3::4]], IDS[:4] + NAMES[:4], ALL
    ),
    "40 made-up hunts": Batch(made_up(40), IDS[:2], []),
    "40 made-up hunts beside others": Batch([*CARD, *shipped((48, 0))[4::4], *made_up(40)], NAMES[:1], ALL),
    **{f"indicators: {kind}": Batch(shipped(), [], given) for kind, given in INDICATORS.items()},
    "indicators, each in a window of its own": Batch(shipped((168, 0), (48, 3), (24, 1)), [], ALL),
}


@pytest.mark.node
@pytest.mark.parametrize("name", BATCHES)
def test_microsofts_parser_accepts_all_hunts_together(name: str, judge: Judge) -> None:
    """Without a warning; every table is read where it is held to devices or a window, but for the fleet's size."""
    batch = BATCHES[name]
    wanted = legs(*batch)
    counted = {name: each for name, each in batch.counted().items() if name in wanted}
    query = batch_query(wanted, counted)
    verdict = judge(query)

    assert wanted
    assert bool(batch.devices and "device-card" in wanted) == bool(counted)
    assert [] == verdict.diagnostics
    assert [("_Hunt", "string"), ("_N", "long"), ("_Row", "string")] == [
        tuple(c) for c in verdict.columns or []
    ]
    reads = []
    for table, offset in verdict.reads:
        before, line = query[:offset].rpartition("\n")[2], query[offset:].partition("\n")[0]
        if (before, line) == ("(", "DeviceInfo"):
            reads.append("fleet")
            continue
        if table in LOOKUPS:
            continue  # it says nothing of devices, and has no events
        reads.append("counted" if before == "(" else "held")
        assert before in {f"let {table} = ", "let _AlertIds = ", "let _DeviceKinds = materialize(", "("}
        assert line.startswith(f"{table} | where " + ("" if table in STANDING else "Timestamp between ("))
    assert len(counted) == reads.count("counted")
    assert bool(counted) == reads.count("fleet")
    assert "held" in reads
