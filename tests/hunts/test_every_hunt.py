"""
Every hunt file as Microsoft's parser reads it, alone and bound to devices or indicators.

`UPDATE_GOLDEN=1` writes the exact queries in `tests/hunts/golden/` anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.catalog.load import load_hunts
from shared.model.hunt import Hunt
from tests.support.hunt_trials import bound
from tests.support.kql_judge import Judge

GOLDEN = Path(__file__).with_name("golden")
HUNTS = load_hunts().hunts


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
