"""Every fuzz target for a moment, always with the same inputs; `make fuzz` runs each for minutes, with new ones."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from .__main__ import main
from .running import fuzz, tried
from .target import Target
from .targets import TARGETS

#: What becomes of some inputs of each target, so that none checks one half of the code alone.
ENDS = {
    "bodies": {"accepted", "refused"},
    "sentinel": {"read", "read in part", "refused"},
    "incidents": {"read", "read in part", "unavailable"},
    "lists": {"whole", "unreadable items", "unavailable"},
    "answers": {"whole", "no cards", "refused"},
    "refusals": {"BadQuery"},
    "hunt-files": {"for devices", "for indicators", "refused"},
    "literals": {"bound", "blank"},
    "rendering": {"0 rows", "1 rows", "2 rows", "3 rows"},
}


def never_seven(value: int) -> str:
    """Hold for every number but those above 6."""
    assert value < 7
    return "small"


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_the_first_inputs(name: str) -> None:
    """Their seed is fixed, so that a change of the code alone can make it fail."""
    done = tried(TARGETS[name], 60 if name == "rendering" else 200, 0)

    assert "" == done.failure
    assert ENDS[name] == done.ends.keys()


def test_a_failure_is_told_with_the_smallest_input_and_its_seed() -> None:
    """The same seed fails again, and nothing is tried after it."""
    found = fuzz(Target(st.integers(0, 1_000), never_seven), 60, 3)

    assert 3 == found.seed
    assert found.failure.endswith("The input: 7")
    assert found == fuzz(Target(st.integers(0, 1_000), never_seven), 60, found.seed)


def test_fuzzing_stops_when_its_time_is_up() -> None:
    """After a whole round of one seed; the next run may begin with another."""
    done = fuzz(Target(st.integers(0, 6), never_seven), 0.0, 5)

    assert (5, "") == (done.seed, done.failure)
    assert {"small"} == done.ends.keys()


def test_the_command_prints_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each target; an unknown one is refused with the names there are."""
    failed = main(["--seconds", "0", "--seed", "0", "refusals"])
    said = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["nothing"])

    assert (0, "refusals: 500 tried, seeds 0 to 0: 500 BadQuery\n") == (failed, said)
    assert "hunt-files" in capsys.readouterr().err
