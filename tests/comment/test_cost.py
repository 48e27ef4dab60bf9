"""What a comment costs does not depend on what an attacker wrote into its values."""

from __future__ import annotations

import pytest

from shared.comment import neutral
from shared.comment.text import render_text
from tests.support.long_values import ORDINARY, comment_on
from tests.support.repeats import OTHERS, grows_too_fast, least_seconds


@pytest.mark.fault("B1", before="49 s beside 0.04 s")
def test_hostile_values_cost_no_more_than_ordinary_ones() -> None:
    """12 rows of 32 KB: a few times the time of ordinary rows at most (the benchmark holds twice), not hundreds."""

    def seconds(unit: str) -> float:
        said = comment_on(unit)
        return least_seconds(lambda _: render_text(said, max_chars=30_000), "", 3)

    ordinary = seconds(ORDINARY)

    assert [] == [
        unit
        for unit in ("mysql", "eyJ-", "eyJ-eyJ-.", " -e ", "a.", '"', "\x00")
        if seconds(unit) > 5 * ordinary
    ]


def test_making_harmless_takes_time_in_proportion_to_a_values_length() -> None:
    """Links, domains, dots, formulas and invisible characters are looked for in linear time, too."""
    assert {} == grows_too_fast(lambda text: (neutral.inert(text), neutral.csv_cell(text)), OTHERS)
