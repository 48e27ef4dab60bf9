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
    """It says *nothing found* only where a hunt did, and always names what was not run or was silent."""
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

    assert ("found" in ended) == said.startswith("found on ")
    assert ("noTelemetry" in endings) == ("no telemetry" in said)
    if said.startswith(("found on ", "nothing found ")):
        assert {"found", "nothingFound", "nothingSoFar"} & set(ended)
        assert "found" in ended or ("nothingSoFar" in ended) == ("nothing found so far" in said)
        assert ("notRun" in ended) == ("could not be run" in said)
        assert one_hunt_each or ("notRun" in endings) == ("not run in full" in said)
    else:
        assert not {"found", "nothingFound", "nothingSoFar"} & set(ended)
        assert "notRun" not in ended or said.startswith("FAILED: none of ")


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ((), "no hunt applies on web01"),
        (("found", "nothingFound"), "found on web01: archive-then-upload (1)"),
        (("found", "notRun"), "found on web01: archive-then-upload (1); 1 could not be run"),
        (("found",) + ("notRun",) * 1_200, "found on web01: archive-then-upload (1); 1,200 could not be run"),
        (("nothingFound", "nothingFound"), "nothing found on web01 (2 hunts)"),
        (("nothingFound", "nothingSoFar"), "nothing found so far on web01 (2 hunts)"),
        (("nothingFound", "notRun"), "nothing found on web01 (1 hunt); 1 could not be run"),
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

    assert "nothing found on web01 (1 hunt); no telemetry on web02" == verdict(said)


def matched(*values: str, hunt: str = "indicators", column: str = "Indicator") -> Outcome:
    """Return the outcome of an indicator hunt whose rows name *values*."""
    groups = tuple(Group(("x", value), 1, "", "") for value in values)
    found = Found(hunt, len(values), shown=("Other", column), groups=groups)
    return Outcome(hunt, "A title", "found", found=found)


INDICATORS = tuple(Indicator("domain", f"{letter}.example") for letter in "abcd")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((matched("b.internal", "a.internal", "b.internal"),), "found for b[.]internal, a[.]internal: indicators (3)"),
        ((matched("a", "b"), matched("c", "d")), "found for a, b and 2 more indicators: indicators (2), indicators (2)"),
        ((matched("a b", "c;d", "e,f"),), 'found for "a b", "c;d", "e,f": indicators (3)'),
        ((matched('a"b'),), """found for "a'b": indicators (1)"""),
        ((matched(f"{'x' * 30} {'x' * 29}"),), f"found for \"{'x' * 30} {'x' * 29}\": indicators (1)"),
        ((matched("x" * 61),), f"found for \"{'x' * 24}… (+26 characters) … {'x' * 11}\": indicators (1)"),
        ((matched("a", column="Url"),), "found: indicators (1)"),
        ((matched("a"), outcome("nothingFound", device="pc1")), "found for a: indicators (1)"),
        ((matched("a"), outcome("found", device="pc1.x")), "found on pc1: archive-then-upload (1), indicators (1)"),
        ((outcome("found", device="pc"), outcome("nothingSoFar", device="pc1")), "found on pc: archive-then-upload (1)"),
        ((outcome("nothingFound", device="a"), outcome("nothingSoFar", device="b")), "nothing found so far on a, b (2 hunts)"),
        ((outcome("found", devices=4), outcome("found", devices=2)), "found on web01, web011 and 2 more devices: archive-then-upload (1), archive-then-upload (1)"),
        ((outcome("nothingFound", device="a b.c"),), 'nothing found on "a b" (1 hunt)'),
        ((Outcome("x", "x", "nothingFound"),), "nothing found on web01, bbbb (1 hunt)"),
        ((outcome("notRun"),) * 1_200, "FAILED: none of 1,200 hunts could be run on web01, bbbb"),
        ((outcome("nothingFound"), Outcome("x", "x", "notRun", devices=(DeviceEnding("pc1", "notRun"),))),
         "nothing found on web01 (1 hunt); 1 could not be run"),
        ((Outcome("x", "x", "nothingFound", devices=(DeviceEnding("pc1", "notRun"), DeviceEnding("pc2", "noTelemetry"))),),
         "nothing found on web01, bbbb (1 hunt); not run in full on pc1; no telemetry on pc2"),
        ((Outcome("x", "x", "noTelemetry"), outcome("notApplicable")), "no telemetry on web01, bbbb: nothing could be looked at"),
    ],
)  # fmt: skip
@pytest.mark.fault("C", before='a"b stood in quotes with its own between them')
def test_the_verdict_names_what_it_is_about(outcomes: tuple[Outcome, ...], expected: str) -> None:
    """The devices that ended so, else the indicators that matched; each once, three at most; what is not known is not said."""
    devices = DEVICE, Device("b" * 40)
    card = {"DeviceId": "B" * 40, "DeviceName": "bbbb.contoso.com"}

    assert expected == verdict(content(*outcomes, devices=devices, cards=(card,)))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Chosen(), "nothing to hunt for"), (Chosen((Device("c" * 40),)), f"no hunt applies on {'c' * 40}"),
        (Chosen(indicators=INDICATORS[:3]), "no hunt applies for a[.]example, b[.]example, c[.]example"),
        (Chosen(indicators=INDICATORS), "no hunt applies for a[.]example, b[.]example and 2 more indicators"),
        (Chosen((DEVICE,), INDICATORS), "no hunt applies on web01"),
        (Chosen(indicators=(Indicator("url", "bob:hunter2@x.example"),)), "no hunt applies for bob:***@x[.]example"),
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


def test_a_device_is_named_once_however_it_is_written() -> None:
    """By its short name, as it is written first: other hunts may write it in capitals, or with its domain."""
    assert " on b, a, c" == on(["b.contoso.com", "a", "B", "c"])
