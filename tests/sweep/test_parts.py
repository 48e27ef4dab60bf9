"""How a sweep divides the fleet into parts, and how few queries that takes."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sweep.parts import GROUPS, Ask, Asked, Part
from shared.sweep.survey import survey

AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
FLEETS = st.dictionaries(st.integers(0, GROUPS - 1), st.integers(1, 400), max_size=GROUPS)


def asked_for(fleet: dict[int, int], *, refuses: int, ends: int, most: int) -> dict[str, Asked]:
    """
    Sweep a fleet with this number of rows in each group, and return how each query ended.

    The tenant cuts an answer of *refuses* rows or more, and ends a query that would return more than *ends*.
    """
    asked: dict[str, Asked] = {}
    while pending := survey(asked, most).pending:
        ask = pending[0]
        rows = {f"{n:02x}": fleet[n] for n in ask.part.groups if n in fleet}
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

    assert sum(fleet.get(n, 0) for part, _ in found.whole for n in part.groups) == sum(
        rows for _, rows in found.whole
    )
    return (
        [n for part, _ in found.whole for n in part.groups],
        [n for part, _ in found.lost for n in part.groups],
    )


@settings(max_examples=50, deadline=None)
@given(FLEETS, st.integers(2, 1_500), st.integers(1, 5_000), st.sampled_from([1_000, 100_000]))
def test_every_group_is_swept_once_unless_it_fails_alone(
    fleet: dict[int, int], refuses: int, ends: int, most: int
) -> None:
    """Only groups that are too large or too slow by themselves are missing in the end."""
    whole, lost = groups(fleet, asked_for(fleet, refuses=refuses, ends=ends, most=most), most)

    assert list(range(GROUPS)) == sorted(whole + lost)
    assert [n for n in sorted(fleet) if fleet[n] > ends or fleet[n] >= refuses] == lost


@settings(max_examples=30, deadline=None)
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


def test_a_query_that_times_out_is_halved() -> None:
    """Other parts as wide as one that has timed out are halved without being asked first."""
    asked = asked_for(dict.fromkeys(range(GROUPS), 10), refuses=10_000, ends=700, most=10_000)

    assert ["00-ff", "00-7f", "00-3f", "40-7f", "80-bf", "c0-ff"] == list(asked)


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
    assert ("0e-20", "0e-20.counts") == (Ask(Part(14, 32)).name, Ask(Part(14, 32), counting=True).name)
