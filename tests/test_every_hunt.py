"""
Every hunt file, as Microsoft's parser and binder see it, alone and bound.

`UPDATE_GOLDEN=1` writes the exact queries in `tests/golden/` anew.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from shared import catalog, kql
from shared.catalog import Hunt
from shared.entities import Device, Indicator
from tests.fixtures_kql import judge  # noqa: F401  (a fixture)
from tests.kql_judge import Judge

GOLDEN = Path(__file__).with_name("golden")
HUNTS = catalog.load().hunts
DEVICES = {
    "one-device": [Device("a" * 40, "srv-1")],
    "three-devices": [Device("c" * 40), Device("A" * 40), Device("b" * 40)],
    "name-only": [Device(name="srv-1")],
}
INDICATORS = {
    "ip": [Indicator("ip", "203.0.113.9")],
    "url": [Indicator("url", "evil.example/a")],
    "domain": [Indicator("domain", "evil.example")],
    "several": [Indicator("ip", "203.0.113.9"), Indicator("ip", "2001:db8::1"), Indicator("url", "evil.example/a"),
                Indicator("domain", "evil.example")],
}  # fmt: skip
PIECES = ['"', "'", "\\", "\n", "\r", "\u2028", "\x00", "\ud800", "```", "~~~", "//", "|", ";", ")", "]", "union",
          "\u202e", "\t", "{", 'h"', "@'", "a", "let x = 1;", "é", "\\u0022", "😀"]  # fmt: skip


def bound(hunt: Hunt) -> dict[str, str]:
    """Every form in which a hunt is sent."""
    if hunt.entity == "device":
        return {
            name: kql.device_query(hunt.query, devices, take=10_001, applies_to=hunt.applies_to)
            for name, devices in DEVICES.items()
        }
    return {name: kql.indicator_query(hunt.query, given, take=10_001) for name, given in INDICATORS.items()}


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_golden(hunt: Hunt) -> None:
    """The exact query sent is the one that was reviewed."""
    for name, query in bound(hunt).items():
        file = GOLDEN / f"{hunt.name}.{name}.kql"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(f"{query}\n")

        assert file.read_text() == f"{query}\n"


@pytest.mark.node
@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_binds(hunt: Hunt, judge: Judge) -> None:  # noqa: F811
    """A hunt is a query over Defender's tables without a single diagnostic, and has the columns it shows."""
    queries = bound(hunt) | ({"alone": hunt.query} if hunt.entity == "device" else {})
    for query in queries.values():
        verdict = judge(query)

        assert [] == verdict.diagnostics
        assert "Query" == verdict.kind
        assert set(hunt.columns) <= {name for name, _ in verdict.columns or []}


@pytest.mark.node
def test_no_string_changes_the_structure(judge: Judge) -> None:  # noqa: F811
    """10,000 hostile strings as names, ids, addresses, URLs and domains stay inside their literals."""
    chance = random.Random(7)
    by_name = {hunt.name: hunt for hunt in HUNTS}
    device_hunt, file_hunt = by_name["archive-then-upload"], by_name["file-origin"]
    for _ in range(50):
        hostile = {"x" + "".join(chance.choices(PIECES, k=chance.randint(1, 12))) for _ in range(200)}
        devices = [Device(name=text) if n % 2 else Device(id=text) for n, text in enumerate(sorted(hostile))]
        given = [Indicator(("ip", "url", "domain")[n % 3], text) for n, text in enumerate(sorted(hostile))]  # type: ignore[arg-type]
        for query in (
            kql.device_query(device_hunt.query, devices, take=11),
            kql.indicator_query(file_hunt.query, given, take=11),
        ):
            verdict = judge(query)

            assert [] == verdict.diagnostics
            assert "Query" == verdict.kind
            assert query.isascii()
