"""
Every hunt file, run over the cases that belong to it.

They are beside it, in `NAME.cases`, a YAML file that no loader of hunts takes for one. The `telemetry` of the file is there in every case.
Each case adds rows of its own, and lists the rows that the hunt must return; a row may leave out columns,
and the list may be empty. A `Timestamp` is written as minutes before now.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sandbox.telemetry.engine import Engine
from shared.catalog.load import SHIPPED, load_hunts
from shared.model.hunt import Hunt
from tests.support.hunt_trials import case_rows

HUNTS = load_hunts().hunts
FILES = {file.stem: file for file in SHIPPED.rglob("*.cases")}


def beside(hunt: Hunt) -> dict[str, Any]:
    """Return the content of a hunt's file of cases."""
    file = FILES.get(hunt.name)
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file else {"cases": []}


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine without telemetry, shared by all cases."""
    return Engine()


@pytest.mark.parametrize(
    ("hunt", "case"),
    [
        pytest.param(hunt, case, id=f"{hunt.name}: {case['why']}")
        for hunt in HUNTS
        for case in beside(hunt)["cases"]
    ],
)
def test_a_hunt_returns_exactly_the_rows_of_its_case(
    engine: Engine, hunt: Hunt, case: dict[str, Any]
) -> None:
    """It returns the listed rows, in their order, and no others."""
    rows = case_rows(engine, hunt, beside(hunt), case)

    assert len(case["rows"]) == len(rows)
    assert case["rows"] == [
        {name: row[name] for name in wanted} for wanted, row in zip(case["rows"], rows, strict=True)
    ]


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_every_hunt_has_cases_with_and_without_rows(hunt: Hunt) -> None:
    """Each hunt is tried on rows that it must match, and on rows that it must not."""
    kinds = {bool(case["rows"]) for case in beside(hunt)["cases"]}

    assert kinds == {True, False}, f"write {hunt.name}.cases beside it, with rows to find and rows not to"


def test_cases_belong_to_a_hunt() -> None:
    """A file of cases whose hunt was renamed or taken away would not be run, and nobody would notice."""
    assert {hunt.name for hunt in HUNTS} == FILES.keys()
