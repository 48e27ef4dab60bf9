"""What makes two comments the same: the digest in their last lines."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.comment.marker import digest
from shared.model.entity import Chosen, Device, Indicator
from shared.model.finding import Found
from tests.support.said import outcome

CHOSEN = Chosen((Device(name="web01"),), (Indicator("ip", "198.51.100.7"),))


@pytest.mark.fault("C", before="4 comments had 3 digests")
def test_a_new_version_of_a_hunt_makes_another_comment() -> None:
    """So does another hunt, and another outcome: what was looked for is another thing."""
    one = replace(outcome("nothingFound"), id="1", version="1.0.0")
    others = [replace(one, version="1.0.1"), replace(one, id="2"), replace(one, outcome="noTelemetry")]

    assert 4 == len({digest([each], CHOSEN) for each in (one, *others)})


def test_a_finding_is_its_rows_and_nothing_found_is_its_entities() -> None:
    """Rows alone tell findings apart; where there are none, what was hunted does."""
    one, other = (replace(outcome("found"), found=Found("a", digest=text)) for text in "ab")
    nothing = outcome("nothingFound")

    assert digest([one], CHOSEN) == digest([one], Chosen())
    assert digest([one], CHOSEN) != digest([other], CHOSEN)
    assert 3 == len(
        {digest([nothing], chosen) for chosen in (CHOSEN, Chosen(), replace(CHOSEN, indicators=()))}
    )


def test_the_order_of_hunts_and_entities_makes_no_difference() -> None:
    """Nor does a device's spelling."""
    first, second = (replace(outcome("nothingFound"), id=text) for text in "12")
    devices = Device(name="web01"), Device(name="app01")

    assert digest([first, second], Chosen(devices)) == digest([second, first], Chosen(devices[::-1]))
    assert digest([first], Chosen((Device(name="WEB01"),))) == digest([first], Chosen(devices[:1]))
