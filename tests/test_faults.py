"""The table of faults: each has a test that holds it, and says what it said before."""

from __future__ import annotations

from tests.support.faults import FAULTS, held


def test_every_fault_is_held_by_a_test() -> None:
    """No mark names a fault that is not in the table, and every one has words for what was said before."""
    marks = held()

    assert FAULTS.keys() == {each.fault for each in marks}
    assert [] == [each.test for each in marks if not each.before]
