"""The verdict: one line that sums up what a run found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.comment.verdict import verdict
from shared.model.entity import Device
from shared.model.outcome import DeviceEnding, Ending, Outcome
from tests.support.said import DEVICE, ENDINGS, content, outcome


@given(st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=6), st.booleans())
def test_a_verdict_never_hides_what_was_not_looked_at(endings: list[Ending], one_hunt_each: bool) -> None:
    """It says *found nothing* only where a hunt did, and always names what was not run or was silent."""
    if one_hunt_each:
        outcomes = [outcome(ending, hunt=f"hunt-{n}", device=f"pc{n}") for n, ending in enumerate(endings)]
    else:
        each = tuple(DeviceEnding(f"pc{n}", ending) for n, ending in enumerate(endings))
        worst = next(
            e
            for e in ("found", "nothingSoFar", "nothingFound", "noTelemetry", "notRun", "notApplicable")
            if e in endings
        )
        outcomes = [Outcome("hunt", "A title", worst, devices=each)]
    ended = [o.outcome for o in outcomes]

    said = verdict(content(*outcomes))

    if "found nothing" in said or "found something" in said:
        assert ("found" in ended) == ("found something" in said)
        assert {"found", "nothingFound", "nothingSoFar"} & set(ended)
        assert "found something" in said or ("nothingSoFar" in ended) == ("nothing so far" in said)
        assert ("notRun" in ended) == ("could not be run" in said)
        assert one_hunt_each or ("notRun" in endings) == ("not run in full" in said)
        assert ("noTelemetry" in endings) == ("no telemetry" in said)
    else:
        assert not {"found", "nothingFound", "nothingSoFar"} & set(ended)
        assert "notRun" not in ended or said.startswith("FAILED: none of ")


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ((), "nothing to hunt for on web01"),
        (("found", "nothingFound"), "1 of 2 hunts found something on web01"),
        (("found", "notRun"), "1 of 2 hunts found something on web01; 1 could not be run"),
        (("nothingFound", "nothingFound"), "2 hunts found nothing on web01"),
        (("nothingFound", "nothingSoFar"), "2 hunts found nothing so far on web01"),
        (("nothingFound", "notRun"), "1 hunt found nothing on web01; 1 could not be run"),
        (("notRun", "notRun"), "FAILED: none of 2 hunts could be run on web01"),
        (("notRun", "noTelemetry"), "FAILED: none of 1 hunt could be run on web01; no telemetry on web01"),
        (("noTelemetry", "notApplicable"), "no telemetry on web01: nothing could be looked at"),
        (("notApplicable",), "no hunt applies on web01"),
    ],
)
def test_the_verdict_says_how_the_hunts_ended_and_where(endings: tuple[Ending, ...], expected: str) -> None:
    """Each mix of outcomes has wording of its own, from something found to no hunt that applies."""
    assert expected == verdict(content(*map(outcome, endings)))


def test_a_silent_device_never_counts_as_nothing_found() -> None:
    """A device that sent no telemetry is named apart from the one on which nothing was found."""
    silent = Device("b" * 40, "web02.contoso.com")
    each = (
        DeviceEnding("web01.contoso.com", "nothingFound"),
        DeviceEnding("web02.contoso.com", "noTelemetry", "no record"),
    )
    ended = Outcome("hunt", "A title", "nothingFound", devices=each)

    said = content(ended, devices=(DEVICE, silent))

    assert "1 hunt found nothing on web01; no telemetry on web02" == verdict(said)
