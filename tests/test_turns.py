"""Whose turn it is: no flood of incidents keeps another one waiting beyond a bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.model.times import write_time
from shared.model.watching import Pending
from shared.turns import in_turn, is_fresh, is_minor, runs_between_looks

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
#: How many fresh incidents of other severities may come before each of a severity, and it itself.
GAP = {"high": 2, "medium": 4, "low": 8, "informational": 8}


def waiting(number: int, severity: str, *, fresh: bool = True, joined: int = 0) -> Pending:
    """Return an incident that changed now or an hour ago, and that took its place at minute *joined*."""
    changed = write_time(NOW if fresh else NOW - timedelta(hours=1))
    return Pending(str(number), severity, changed, changed, NOW + timedelta(minutes=joined))


@given(
    st.sampled_from(sorted(GAP)),
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from(sorted(GAP)), st.booleans()), max_size=30),
    st.integers(0, 100),
    st.integers(1, 12),
)
def test_a_flood_delays_an_incident_by_a_stated_number_of_starts_at_most(
    severity: str, older: int, flood: list[tuple[str, bool]], turn: int, quota: int
) -> None:
    """
    A fresh incident is behind those of its severity that joined before it, each with the turns of the others.

    That is 2 turns for high severity, 4 for medium and 8 for the others, and one for the backlog after every
    3, whatever comes, and however few runs a look may start. A look that begins anew loses a turn at most.
    """
    line = [waiting(number, severity) for number in range(older)]
    real = waiting(1_000, severity, joined=1)
    line.append(real)
    before = 0
    while real in line:
        # Every minute as many new ones as there were at first: a flood that never ends.
        line += [
            waiting(2_000 + before, each, fresh=fresh, joined=2 if each == severity else 0)
            for each, fresh in flood
        ]
        for each in in_turn(line, turn, NOW)[:quota]:
            line.remove(each)
            turn += 1
            before += 1
            if each is real:
                break
    fresh = GAP[severity] * (older + 1)

    assert before <= fresh + -(-fresh // 3) + 1


def test_severities_take_turns_and_the_oldest_of_each_is_first() -> None:
    """Of eight turns, high has four, medium two, low and informational one each."""
    line = [waiting(n, severity, joined=n) for n in range(8) for severity in GAP]
    order = in_turn(reversed(line), 0, NOW)

    assert ["high", "medium", "high", "low", "high", "medium", "high", "informational"] == [
        e.severity for e in order[:8]
    ]
    assert ["0", "1", "2", "3"] == [e.id for e in order[:8] if e.severity == "high"]
    assert len(line) == len(order)


def test_the_backlog_has_every_fourth_turn() -> None:
    """Fresh incidents have the others, and the backlog the rest where there are no more."""
    line = [waiting(n, "low", fresh=n % 2 == 0) for n in range(12)]
    order = in_turn(line, 0, NOW)

    assert "fffbfffbbbbb" == "".join("f" if int(each.id) % 2 == 0 else "b" for each in order)


def test_a_severity_that_is_not_known_counts_as_high() -> None:
    """Nothing says that it is low: it takes high severity's turns, and is never too minor."""
    order = in_turn([waiting(1, "medium"), waiting(2, "unknownFutureValue")], 0, NOW)

    assert ["2", "1"] == [each.id for each in order]
    assert [False, False, True, False] == [is_minor(s, "high") for s in ("grave", None, "medium", "high")]


def test_the_quota_of_a_look_is_that_of_the_time_until_the_next() -> None:
    """With 45 calls a minute and 5 hunts a run it is 9 runs a minute, for 10 minutes at most, and never none."""
    minutes = (0.1, 1, 5, 60)

    assert [9, 9, 45, 90] == [runs_between_looks(timedelta(minutes=n), 45, 5) for n in minutes]
    assert 1 == runs_between_looks(timedelta(minutes=1), 5, 45)


def test_what_changed_within_a_quarter_of_an_hour_is_fresh() -> None:
    """So is what changed at a time that cannot be read: nothing says that it is old."""
    ages = (write_time(NOW - timedelta(minutes=minutes)) for minutes in (14, 16))
    changes = [Pending("1", "high", "", changed) for changed in (*ages, "", "soon")]

    assert [True, False, True, True] == [is_fresh(each, NOW) for each in changes]
