"""
Every hunt file as Microsoft's parser reads it, alone and bound to devices or indicators.

`UPDATE_GOLDEN=1` writes the exact queries in `tests/hunts/golden/` anew.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.catalog.load import load_hunts
from shared.kql.write import device_query, indicator_query
from shared.model.entity import Device, Indicator
from shared.model.hunt import Hunt
from tests.support.kql_judge import Judge

GOLDEN = Path(__file__).with_name("golden")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HUNTS = load_hunts().hunts
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
    "hash": [Indicator("fileHash", "a" * 40)],
    "hashes": [Indicator("fileHash", "b" * 64), Indicator("fileHash", "a" * 40)],
}  # fmt: skip


def bound(hunt: Hunt) -> dict[str, str]:
    """Return every form in which a hunt is sent, by its name."""
    if hunt.entity == "device":
        return {
            name: device_query(hunt.query, devices, take=10_001, end=NOW, applies_to=hunt.applies_to)
            for name, devices in DEVICES.items()
        }
    return {
        name: indicator_query(hunt.query, given, take=10_001, end=NOW)
        for name, given in INDICATORS.items()
        if any(indicator.kind in hunt.kinds for indicator in given)
    }


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_the_exact_query_sent_is_the_one_reviewed(hunt: Hunt) -> None:
    """Each form of a hunt's query is the same, character for character, as its file in `golden/`."""
    for name, query in bound(hunt).items():
        file = GOLDEN / f"{hunt.name}.{name}.kql"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(f"{query}\n")

        assert file.exists(), "read the queries of `hunts render`, then write them with UPDATE_GOLDEN=1"
        assert file.read_text() == f"{query}\n"


@pytest.mark.node
@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_microsofts_parser_accepts_every_hunt(hunt: Hunt, judge: Judge) -> None:
    """A hunt reads Defender's tables without an error or warning, and has the columns it shows."""
    queries = bound(hunt) | ({"alone": hunt.query} if hunt.entity == "device" else {})
    for query in queries.values():
        verdict = judge(query)

        assert [] == verdict.diagnostics
        assert "Query" == verdict.kind
        assert set(hunt.columns) <= {name for name, _ in verdict.columns or []}
