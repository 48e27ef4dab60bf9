"""How a sweep divides the fleet into parts, and how few queries that takes."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sweep.parts import GROUPS, ODD, Ask, Asked, Part
from shared.sweep.survey import survey

AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
#: Rows by group; the last are those of `ODD`.
FLEETS = st.dictionaries(st.integers(0, GROUPS), st.integers(1, 400), max_size=GROUPS)


def within(fleet: dict[int, int], part: Part) -> dict[str, int]:
    """Return the rows of a part by the first two digits of their device ids; the whole fleet has the odd ones."""
    groups = range(GROUPS + 1) if part == Part() else part.groups
    return {"" if n == GROUPS else f"{n:02x}": fleet[n] for n in groups if n in fleet}


def asked_for(fleet: dict[int, int], *, refuses: int, ends: int, most: int) -> dict[str, Asked]:
    """
    Sweep a fleet with this number of rows in each group, and return how each query ended.

    The tenant cuts an answer of *refuses* rows or more, and ends a query that would return more than *ends*.
    """
    asked: dict[str, Asked] = {}
    while pending := survey(asked, most).pending:
        ask = pending[0]
        rows = within(fleet, ask.part)
        total = sum(rows.values())

        assert ask.name not in asked
        assert ask.expected in (None, total)

        if ask.counting:
            asked[ask.name] = Asked("whole", AT, counts=rows)
        elif total > ends:
            asked[ask.name] = Asked("timedOut", AT)
        elif total >= refuses:
            asked[ask.name] = Asked("cut", AT, ask.expected)
        else:
            asked[ask.name] = Asked("whole", AT, total)
    return asked


def groups(fleet: dict[int, int], asked: dict[str, Asked], most: int) -> tuple[list[int], list[int]]:
    """Return the groups that were swept, and those that were never answered."""
    found = survey(asked, most)

    assert [sum(within(fleet, part).values()) for part, _ in found.whole] == [rows for _, rows in found.whole]
    return (
        [n for part, _ in found.whole for n in part.groups],
        [n for part, _ in found.lost for n in part.groups],
    )


@settings(max_examples=50)
@given(FLEETS, st.integers(2, 1_500), st.integers(1, 5_000), st.sampled_from([1_000, 100_000]))
def test_every_group_is_swept_once_unless_it_fails_alone(
    fleet: dict[int, int], refuses: int, ends: int, most: int
) -> None:
    """Only groups that are too large or too slow by themselves are missing in the end."""
    whole, lost = groups(fleet, asked_for(fleet, refuses=refuses, ends=ends, most=most), most)

    assert list(range(GROUPS)) == [n for n in sorted(whole + lost) if n < GROUPS]
    assert [n for n in sorted(fleet) if fleet[n] > ends or fleet[n] >= refuses] == lost


@settings(max_examples=30)
@given(st.lists(st.integers(1, 400), min_size=60, max_size=GROUPS))
def test_a_cut_fleet_takes_at_most_twice_the_fewest_queries(sizes: list[int]) -> None:
    """Where answers are cut, the sweep makes at most twice as many queries as a perfect division would."""
    fleet = {n * 37 % GROUPS: 200 + size // 2 for n, size in enumerate(sizes)}
    asked = asked_for(fleet, refuses=1_000, ends=10**9, most=1_000)

    assert 2 * ceil(sum(fleet.values()) / 999) >= len(asked)


def test_a_fleet_within_one_answer_takes_one_query() -> None:
    """The one query asks for the whole fleet, from group 00 to ff."""
    assert ["00-ff"] == list(asked_for({7: 999}, refuses=1_000, ends=10_000, most=1_000))


def test_a_cut_answer_is_counted_and_divided_into_parts() -> None:
    """One more query counts the rows of each group, and the groups are packed into as few parts as fit."""
    asked = asked_for(dict.fromkeys(range(GROUPS), 10), refuses=1_000, ends=10_000, most=1_000)

    assert ["00-ff", "00-ff.counts", "00-54", "55-aa", "ab-ff"] == list(asked)


@pytest.mark.fault("C", before="with `_FILL` 1.0: 4992 <= 4750")
def test_parts_are_not_filled_to_the_limit() -> None:
    """They have at most 95 % of the rows that were counted for one answer, since more arrive until they are asked."""
    fleet = dict.fromkeys(range(GROUPS), 39)
    asked = asked_for(fleet, refuses=5_000, ends=100_000, most=5_000)
    sizes = [rows for _, rows in survey(asked, 5_000).whole]

    assert sum(fleet.values()) == sum(sizes)
    assert max(sizes) <= 0.95 * 5_000


@pytest.mark.fault("C", before="with `>` in _divide and _smaller: ['00-ff'] == ['00-ff', '00-01']")
def test_a_part_of_exactly_the_limit_is_divided_beforehand() -> None:
    """A part that was counted to have just as many rows as an answer may have is not asked for: it would be cut."""
    asked = asked_for({0: 60, 1: 40, 128: 90}, refuses=100, ends=10_000, most=100)

    assert ["00-ff"] == [name for name, each in asked.items() if each.end == "cut"]


@pytest.mark.fault("C", before="with `>` in _smaller: '80-ff' was asked for, and cut")
def test_a_part_as_large_as_a_refused_one_is_divided_beforehand() -> None:
    """Where the tenant refuses fewer rows than the limit, a part with as many as were refused is not asked for."""
    asked = asked_for({0: 100, 1: 100, 128: 100, 129: 100}, refuses=150, ends=10_000, most=1_000)

    assert ["00-ff", "00-7f"] == [name for name, each in asked.items() if each.end == "cut"]


def test_a_query_that_times_out_is_halved() -> None:
    """Other parts as wide as one that has timed out are halved without being asked first."""
    asked = asked_for(dict.fromkeys(range(GROUPS), 10), refuses=10_000, ends=700, most=10_000)

    assert ["00-ff", "00-7f", "00-3f", "40-7f", "80-bf", "c0-ff", "other"] == list(asked)


@pytest.mark.fault("A26", before="assert 100 == 90: the rows of odd device ids were in no part")
@pytest.mark.parametrize("refuses", [95, 10**9])
def test_rows_with_odd_device_ids_are_in_a_part_of_their_own(refuses: int) -> None:
    """Where the fleet is divided, whether by counts or by halves, rows of ids without hex digits are asked for."""
    fleet = {0: 30, 128: 30, 255: 30, GROUPS: 10}
    asked = asked_for(fleet, refuses=refuses, ends=95, most=95)
    found = survey(asked, 95)

    assert 100 == sum(rows for _, rows in found.whole)
    assert (ODD, 10) == found.whole[-1]
    assert 1.0 == found.coverage


def test_an_odd_part_that_never_comes_is_no_full_coverage() -> None:
    """If the rows with odd ids time out, they are lost, and the coverage is below 100 %."""
    asked = asked_for({0: 30, GROUPS: 40}, refuses=10**9, ends=35, most=10**9)
    found = survey(asked, 10**9)

    assert [ODD] == [part for part, _ in found.lost]
    assert 255 / 256 == found.coverage


def test_a_part_has_as_few_id_prefixes_as_possible() -> None:
    """Eight first digits stand for half of the fleet, and the whole fleet needs no prefix."""
    assert () == Part().prefixes
    assert ("0", "1", "2", "3", "4", "5", "6", "7") == Part(0, 127).prefixes
    assert ("0e", "0f", "1", "20") == Part(14, 32).prefixes


@given(st.integers(0, 255), st.integers(0, 255))
def test_prefixes_match_exactly_the_groups_of_a_part(one: int, other: int) -> None:
    """An id begins with one of a part's prefixes if, and only if, its group belongs to the part."""
    part = Part(min(one, other), max(one, other))

    assert [n for n in range(GROUPS) if f"{n:02x}".startswith(part.prefixes or "")] == list(part.groups)


def test_the_name_of_a_part_tells_rows_from_counts() -> None:
    """A part is named by its first and last group; the query that only counts its rows has a suffix."""
    assert ("other", ("",)) == (ODD.name, ODD.prefixes)
    assert ("0e-20", "0e-20.counts") == (Ask(Part(14, 32)).name, Ask(Part(14, 32), counting=True).name)
