"""The verdict: one line that sums up what a run found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.comment.verdict import joined, name, on, verdict
from shared.model.entity import Chosen, Device, Indicator
from shared.model.finding import Found, Group
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


def matched(*values: str, hunt: str = "indicators", column: str = "Indicator") -> Outcome:
    """Return the outcome of an indicator hunt whose rows name *values*."""
    groups = tuple(Group(("x", value), 1, "", "") for value in values)
    return Outcome(hunt, "A title", "found", found=Found(hunt, shown=("Other", column), groups=groups))


INDICATORS = tuple(Indicator("domain", f"{letter}.example") for letter in "abcd")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((matched("b.internal", "a.internal", "b.internal"),), "1 of 1 hunt found something for b[.]internal, a[.]internal"),
        ((matched("a", "b"), matched("c", "d")), "2 of 2 hunts found something for a, b and 2 more indicators"),
        ((matched("a b", "c;d", "e,f"),), '1 of 1 hunt found something for "a b", "c;d", "e,f"'),
        ((matched('a"b'),), """1 of 1 hunt found something for "a'b\""""),
        ((matched(f"{'x' * 30} {'x' * 29}"),), f"1 of 1 hunt found something for \"{'x' * 30} {'x' * 29}\""),
        ((matched("x" * 61),), f"1 of 1 hunt found something for \"{'x' * 24}… (+26 characters) … {'x' * 11}\""),
        ((matched("a", column="Url"),), "1 of 1 hunt found something on web01, bbbb"),
        ((matched("a"), outcome("nothingFound", device="pc1")), "1 of 2 hunts found something for a"),
        ((matched("a"), outcome("found", device="pc1.x")), "2 of 2 hunts found something on pc1"),
        ((outcome("found", device="pc"), outcome("nothingSoFar", device="pc1")), "1 of 2 hunts found something on pc"),
        ((outcome("nothingFound", device="a"), outcome("nothingSoFar", device="b")), "2 hunts found nothing so far on b"),
        ((outcome("found", devices=4), outcome("found", devices=2)), "2 of 2 hunts found something on web01, web011 and 2 more devices"),
        ((outcome("nothingFound", device="a b.c"),), '1 hunt found nothing on "a b"'),
        ((Outcome("x", "x", "nothingFound"),), "1 hunt found nothing on web01, bbbb"),
        ((outcome("notRun"),) * 1_200, "FAILED: none of 1,200 hunts could be run on web01, bbbb"),
        ((outcome("nothingFound"), Outcome("x", "x", "notRun", devices=(DeviceEnding("pc1", "notRun"),))),
         "1 hunt found nothing on web01; 1 could not be run"),
        ((Outcome("x", "x", "nothingFound", devices=(DeviceEnding("pc1", "notRun"), DeviceEnding("pc2", "noTelemetry"))),),
         "1 hunt found nothing on web01, bbbb; not run in full on pc1; no telemetry on pc2"),
        ((Outcome("x", "x", "noTelemetry"), outcome("notApplicable")), "no telemetry on web01, bbbb: nothing could be looked at"),
    ],
)  # fmt: skip
@pytest.mark.fault("C", before='a"b stood in quotes with its own between them')
def test_the_verdict_names_what_it_is_about(outcomes: tuple[Outcome, ...], expected: str) -> None:
    """Indicators that matched, else the devices that ended so, else all that was hunted for; each once, three at most."""
    devices = DEVICE, Device("b" * 40)
    card = {"DeviceId": "B" * 40, "DeviceName": "bbbb.contoso.com"}

    assert expected == verdict(content(*outcomes, devices=devices, cards=(card,)))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Chosen(), "nothing to hunt for"), (Chosen((Device("c" * 40),)), f"nothing to hunt for on {'c' * 40}"),
        (Chosen(indicators=INDICATORS[:3]), "nothing to hunt for for a[.]example, b[.]example, c[.]example"),
        (Chosen(indicators=INDICATORS), "nothing to hunt for for a[.]example, b[.]example and 2 more indicators"),
        (Chosen((DEVICE,), INDICATORS), "nothing to hunt for on web01"),
        (Chosen(indicators=(Indicator("url", "bob:hunter2@x.example"),)), "nothing to hunt for for bob:***@x[.]example"),
    ],
)  # fmt: skip
def test_a_verdict_without_hunts_names_what_was_given(chosen: Chosen, expected: str) -> None:
    """Devices, or indicators where there are none."""
    assert expected == verdict(replace(content(), chosen=chosen))


def test_lists_of_names_are_short() -> None:
    """Of more than three, two and the number of the others; the name of a hunt has 60 characters."""
    assert ("", "a, b, c", "a, b and 2 more xs", "a and 3 more xs") == (
        joined([], "x"), joined([*"abc"], "x"), joined([*"abcd"], "x"), joined([*"abcd"], "x", 2)
    )  # fmt: skip
    assert ("", " on a") == (on(()), on(iter("a")))
    assert "n" * 60 == name(outcome("found", hunt="n" * 60))
    assert f"{'n' * 24}… (+26 characters) … {'n' * 11}" == name(outcome("found", hunt="n" * 61))
