"""Every hunt file, run over the cases that belong to it, which lie beside it: what `hunts test` does."""

from __future__ import annotations

import pytest

from sandbox.hunts.cases import Case, Cases, differences, read_cases
from sandbox.telemetry.engine import Engine
from shared.catalog.load import SHIPPED, load_hunts
from shared.model.hunt import Hunt

HUNTS = load_hunts().hunts
FILES = {file.stem: file for file in SHIPPED.rglob("*.cases")}


def beside(hunt: Hunt) -> Cases:
    """Return the cases of a hunt."""
    file = FILES.get(hunt.name)
    return read_cases(file) if file else Cases([])


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine without telemetry, shared by all cases."""
    return Engine()


@pytest.mark.parametrize(
    ("hunt", "case"),
    [
        pytest.param(hunt, case, id=f"{hunt.name}: {case.why}")
        for hunt in HUNTS
        for case in beside(hunt).cases
    ],
)
def test_a_hunt_returns_exactly_the_rows_of_its_case(engine: Engine, hunt: Hunt, case: Case) -> None:
    """It returns the listed rows, in their order, and no others."""
    assert [] == differences(engine, hunt, beside(hunt), case)


@pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
def test_every_hunt_has_cases_with_and_without_rows(hunt: Hunt) -> None:
    """Each hunt is tried on rows that it must match, and on rows that it must not."""
    kinds = {bool(case.rows) for case in beside(hunt).cases}

    assert kinds == {True, False}, f"write {hunt.name}.cases beside it, with rows to find and rows not to"


def test_cases_belong_to_a_hunt() -> None:
    """A file of cases whose hunt was renamed or taken away would not be run, and nobody would notice."""
    assert {hunt.name for hunt in HUNTS} == FILES.keys()
