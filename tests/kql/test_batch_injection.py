"""No value changes the structure of a query of many hunts, whatever it holds, as Microsoft's own parser confirms."""

from __future__ import annotations

import functools
import random
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.kql.batch import batch_query
from shared.kql.prevalence import Counted
from shared.kql.write import device_leg, indicator_leg
from shared.model.entity import Device, Indicator
from shared.model.hunt import AppliesTo
from tests.support.breaking_out import FILE_ORIGIN, HASHES, PIECES, hostile, shape, units
from tests.support.hunt_trials import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.kusto.judge import Judge, Verdict

#: Names that batches declare, so that a value may look like one.
NAMES = [
    "_DeviceIds",
    "_DeviceKinds",
    "_NotApplicable",
    "_FileHashes",
    "_Hunt0",
    "_Rows0",
    "_Hunt0()",
    "};",
    "let _Hunt1 = () {",
]
#: Values of a batch: ids and names of devices, an indicator of each kind, names of hunts.
KINDS = ("ip", "url", "domain", "fileHash")
COUNTED = Counted("SHA1", "DeviceFileEvents", NOW - timedelta(days=1), NOW)
DEVICE = "DeviceProcessEvents | project Timestamp, DeviceId"


def query(values: Sequence[str]) -> str:
    """Return a batch of four hunts with *values*, 2 of them ids, 2 names of devices, 4 of hunts, the others indicators."""
    ids, names, hunts, others = values[:2], values[2:4], values[4:8], values[8:]
    devices = [*(Device(value) for value in ids), *(Device(name=value) for value in names)]
    indicators = [Indicator(KINDS[n % 4], value) for n, value in enumerate(others)]
    start, linux = NOW - timedelta(days=2), AppliesTo(os_platform=("Linux",))
    written = [
        device_leg(DEVICE, devices, take=9, end=NOW, start=start, applies_to=linux),
        device_leg(DEVICE, devices[1:3], take=9, end=NOW, start=start, applies_to=linux),
        indicator_leg(FILE_ORIGIN, indicators, take=9, end=NOW, start=start),
        indicator_leg(HASHES, indicators, take=9, end=NOW),
    ]
    return batch_query(dict(zip(hunts, written, strict=True)), {hunts[3]: COUNTED})


@functools.cache
def harmless(judge: Judge, count: int) -> Verdict:
    """Return what the parser says of a batch with *count* harmless values."""
    return judge(query([f"v{n:04}" for n in range(count)]), tokens=True)


def check(judge: Judge, values: list[str]) -> None:
    """Check that a batch with *values* has the tokens of one with harmless values, and each value where that was."""
    values = [f"v{n:04}{value}" for n, value in enumerate(values)]  # so that they are sorted alike
    wanted = harmless(judge, len(values))
    verdict = judge(query(values), tokens=True)
    lower = [value.lower() if n < 2 else value for n, value in enumerate(values)]

    assert [] == verdict.diagnostics
    assert shape(wanted.tokens) == shape(verdict.tokens)
    assert units(
        [
            re.sub(r"^v(\d{4})", lambda found: lower[int(found[1])], text) if isinstance(text, str) else text
            for text in wanted.literals
        ]
    ) == units(verdict.literals)


@pytest.mark.node
def test_hostile_values_stay_one_literal_each(judge: Judge) -> None:
    """In the place of each value, half of them beginning with what the batch itself declares."""
    chance = random.Random(16)
    for _ in range(6):
        check(judge, [chance.choice((hostile(chance), chance.choice(NAMES) + hostile(chance))) for _ in range(48)])  # fmt: skip


@pytest.mark.node
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())) | st.sampled_from([*PIECES, *NAMES]), min_size=12, max_size=12))  # fmt: skip
def test_any_values_stay_one_literal_each(judge: Judge, values: list[str]) -> None:
    """Any strings in the place of each value."""
    check(judge, values)
