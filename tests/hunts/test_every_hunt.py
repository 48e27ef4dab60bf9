"""
Every hunt file as Microsoft's parser reads it, alone and bound to devices or indicators.

`UPDATE_GOLDEN=1` writes the exact query of each in `tests/hunts/golden/` anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.kusto.judge import Judge
from shared.catalog.load import load_hunts
from shared.model.hunt import Hunt
from tests.support.hunt_trials import bound, whole

GOLDEN = Path(__file__).with_name("golden")
HUNTS = load_hunts().hunts


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_the_exact_query_sent_is_the_one_reviewed(hunt: Hunt) -> None:
    """A hunt's query, for one device or all of its kinds of indicators, is the same as its file in `golden/`."""
    query, file = whole(hunt), GOLDEN / f"{hunt.name}.kql"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(f"{query}\n")

    assert file.exists(), "read the query of `hunts render`, then write it with UPDATE_GOLDEN=1"
    assert file.read_text() == f"{query}\n"


def test_every_query_that_was_reviewed_is_one_of_a_hunt() -> None:
    """None is left of a hunt that was renamed or taken away."""
    assert {hunt.name for hunt in HUNTS} == {file.stem for file in GOLDEN.glob("*.kql")}


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


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_every_hunt_says_what_an_analyst_asks_of_it(hunt: Hunt) -> None:
    """What rows mean, what may be harmless, what it cannot see, what to do next, and at most two techniques."""
    assert all(
        (hunt.means, hunt.false_positives, hunt.blind_spots, hunt.next_steps, hunt.columns, hunt.tactics)
    )
    assert 1 <= len(hunt.techniques) <= 2
