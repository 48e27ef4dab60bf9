"""How the fleet is divided, and how few queries that takes."""

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
    Sweep a fleet of so many rows a group, and return how each query ended.

    The tenant holds back *refuses* rows or more, and ends a query that would return more than *ends*.
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
    """The groups that came whole, and those that never came."""
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
def test_whole(fleet: dict[int, int], refuses: int, ends: int, most: int) -> None:
    """Whatever the tenant refuses, every group comes once, save those that it would not give even alone."""
    whole, lost = groups(fleet, asked_for(fleet, refuses=refuses, ends=ends, most=most), most)

    assert list(range(GROUPS)) == sorted(whole + lost)
    assert [n for n in sorted(fleet) if fleet[n] > ends or fleet[n] >= refuses] == lost


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=60, max_size=GROUPS))
def test_few(sizes: list[int]) -> None:
    """Where rows are held back, twice as many queries as were possible, at most, are made."""
    fleet = {n * 37 % GROUPS: 200 + size // 2 for n, size in enumerate(sizes)}
    asked = asked_for(fleet, refuses=1_000, ends=10**9, most=1_000)

    assert 2 * ceil(sum(fleet.values()) / 999) >= len(asked)


def test_one() -> None:
    """A fleet that fits into one answer takes one query."""
    assert ["00-ff"] == list(asked_for({7: 999}, refuses=1_000, ends=10_000, most=1_000))


def test_counted() -> None:
    """A fleet that does not is counted, and asked for in as many parts as it fills."""
    asked = asked_for(dict.fromkeys(range(GROUPS), 10), refuses=1_000, ends=10_000, most=1_000)

    assert ["00-ff", "00-ff.counts", "00-54", "55-aa", "ab-ff"] == list(asked)


def test_timed_out() -> None:
    """A query that takes too long is halved, and so are those as wide, without being asked."""
    asked = asked_for(dict.fromkeys(range(GROUPS), 10), refuses=10_000, ends=700, most=10_000)

    assert ["00-ff", "00-7f", "00-3f", "40-7f", "80-bf", "c0-ff"] == list(asked)


def test_prefixes() -> None:
    """A part is told by the fewest beginnings of ids, the whole fleet by none."""
    assert () == Part().prefixes
    assert ("0", "1", "2", "3", "4", "5", "6", "7") == Part(0, 127).prefixes
    assert ("0e", "0f", "1", "20") == Part(14, 32).prefixes


@given(st.integers(0, 255), st.integers(0, 255))
def test_prefixes_say_the_part(one: int, other: int) -> None:
    """A device is in a part if, and only if, its id begins as one of the part's prefixes."""
    part = Part(min(one, other), max(one, other))

    assert [n for n in range(GROUPS) if f"{n:02x}".startswith(part.prefixes or "")] == list(part.groups)


def test_names() -> None:
    """A part's name says which it is, and that of a count differs."""
    assert ("0e-20", "0e-20.counts") == (Ask(Part(14, 32)).name, Ask(Part(14, 32), counting=True).name)
