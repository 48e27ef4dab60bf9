"""Which hunts run where more fit than one run takes."""

from __future__ import annotations

from msgspec.structs import replace

from shared.catalog.choosing import About, Policy, choose_hunts
from shared.model.entity import Chosen, Device
from shared.model.hunt import DEVICE_CARD, Hunt
from tests.support.choosing import DEVICE, HASH, catalog, hunt, of, order


def test_what_is_beyond_the_budget_is_the_last_of_the_order() -> None:
    """The card is not counted, and neither is what does not fit."""
    hunts = (
        hunt("a", "low"),
        hunt("b"),
        hunt("c", "high"),
        hunt("d", platform="Linux"),
        hunt("e", auto=False),
    )
    chosen = Chosen((Device(name="pc-1", os_platform="Windows11"),))
    choices = choose_hunts(catalog(*hunts), About(chosen), Policy(most=2))

    assert [
        (DEVICE_CARD, "runs", 0), ("c", "runs", 1), ("b", "runs", 2), ("a", "beyond", 0), ("d", "otherKind", 0),
        ("e", "notNamed", 0),
    ] == [(choice.hunt.name, choice.fate, choice.rank) for choice in choices]  # fmt: skip
    assert "2 others come first, and one run takes no more (MAX_HUNTS)" == of("a", choices).why
    assert "it is a Windows11, the hunt is for Linux" == of("d", choices).why


def test_each_sort_of_hunt_has_its_share_of_the_budget() -> None:
    """Half is for devices, three tenths for indicators, two for context, each by rank; others have what is left."""
    devices, seen, normal = ([hunt(f"{sort}{n}", "low") for n in range(9)] for sort in "abc")
    seen = [replace(each, entity="indicator", kinds=("fileHash",)) for each in seen]
    normal = [replace(each, role="context") for each in normal]

    def taken(*hunts: Hunt) -> str:
        about = About(Chosen(DEVICE.devices, HASH.indicators))
        return " ".join(order(*hunts, about=about, policy=Policy(most=10)))

    assert "a0 a1 a2 a3 a4 b0 b1 b2 c0 c1" == taken(*devices, *seen, *normal)
    assert "a0 a1 a2 a3 a4 b0 b1 b2 b3 b4" == taken(*devices, *seen)
    assert "a0 a1 a2 a3 a4 a5 a6 a7 c0 c1" == taken(*devices, *normal[:2])


def test_a_hunt_that_was_written_for_this_fleet_runs_before_those_of_the_app() -> None:
    """Also one of low severity, if it has a block: a folder of published ones keeps none of the app's out."""
    shipped = [replace(hunt(f"a{n}", "high"), shipped=True) for n in range(9)]
    about = About(Chosen((Device(name="pc-1"),)))
    names = order(
        *shipped,
        hunt("own", "low"),
        hunt("published", "high", auto=False),
        about=about,
        policy=Policy(("*",), 3),
    )

    assert ["a0", "a1", "own"] == names


def test_of_equal_hunts_those_that_run_are_of_many_tactics_and_systems() -> None:
    """A name late in the alphabet is no reason; nearness and severity come first, and the order by name stays."""
    hunts = [hunt(f"a{n}", "high", tactics=("Execution", "Impact")) for n in range(9)] + [
        hunt("w", "high", tactics=("Impact",)), hunt("x", "high", tactics=("Impact",)), hunt("y", "high"),
        hunt("l", "high", tactics=("Execution",), platform="Linux"), hunt("z", "medium", tactics=("Persistence",)),
    ]  # fmt: skip

    def taken(most: int) -> str:
        return " ".join(order(*hunts, about=About(Chosen((Device(name="pc-1"),))), policy=Policy(most=most)))

    assert "a0 l w y" == taken(4)
    assert "a0 a1 a2 l w x y" == taken(7)
    assert "a0 a1 a2 a3 a4 a5 a6 a7 a8 l w x y" == taken(13)
