"""Which hunts are chosen for a run, in which order, and what is said of each."""

from __future__ import annotations

import pytest

from shared.catalog.choosing import About, Policy, choose_hunts, unmatched
from shared.model.entity import Chosen, Device
from shared.model.hunt import DEVICE_CARD
from tests.support.choosing import DEVICE, HASH, catalog, hunt, of, order


def test_the_alerts_technique_comes_before_tactic_severity_and_name() -> None:
    """Each of the four decides only between hunts that are equal in those before it."""
    hunts = (
        hunt("a-low", "low"), hunt("b", "medium"), hunt("c", "medium"), hunt("d-tactic", "low", (), ("Exfiltration",)),
        hunt("e-technique", "low", ("T1048",)), hunt("f-technique", "high", ("T1048",)), hunt("g-high", "high"),
    )  # fmt: skip
    about = About(DEVICE, techniques=("T1048.003",), tactics=("Exfiltration",))

    assert ["f-technique", "e-technique", "d-tactic", "g-high", "b", "c", "a-low"] == order(
        *hunts, about=about
    )
    assert ["f-technique", "g-high", "b", "c", "a-low", "d-tactic", "e-technique"] == order(
        *hunts, about=About(DEVICE)
    )


@pytest.mark.parametrize(
    ("mine", "alerts", "same"),
    [
        ("T1048", "T1048", True),
        ("T1048", "T1048.003", True),
        ("T1048.003", "T1048", True),
        ("t1048.003", "T1048.003", True),
        ("T1048.002", "T1048.003", False),
        ("T1048", "T10480", False),
        ("T1048", "T1049", False),
        ("T1048", "", False),
    ],
)
def test_a_technique_is_that_of_an_alert_or_above_or_below_it(mine: str, alerts: str, same: bool) -> None:
    """T1048 holds T1048.003, in either direction; two techniques below the same one differ."""
    near = order(hunt("a"), hunt("b", techniques=(mine,)), about=About(DEVICE, techniques=(alerts,)))

    assert ["b", "a"] == near if same else ["a", "b"] == near


@pytest.mark.parametrize(
    ("mine", "alerts", "same"),
    [
        ("CredentialAccess", "CredentialAccess", True),
        ("Credential Access", "credentialAccess", True),
        ("Credential access", "Exfiltration", False),
        ("", "", False),
        ("1", "2", False),
    ],
)
def test_a_tactic_is_compared_by_its_letters(mine: str, alerts: str, same: bool) -> None:
    """Published files write two words, products write one."""
    near = order(hunt("a"), hunt("b", tactics=(mine,)), about=About(DEVICE, tactics=(alerts,)))

    assert ["b", "a"] == near if same else ["a", "b"] == near


@pytest.mark.parametrize(
    ("auto", "runs"),
    [
        ((), False),
        (("*",), True),
        (("drop-in",), True),
        (("Drop-In",), True),
        (("other",), False),
        (("LateralMovement",), True),
        (("lateral movement",), True),
        (("Impact", "lateralmovement"), True),
        (("Lateral",), False),
    ],
)
def test_a_file_without_a_block_runs_where_the_setting_names_it(auto: tuple[str, ...], runs: bool) -> None:
    """By its name, by one of its tactics, or with all others."""
    mine = hunt("drop-in", tactics=("Lateral Movement",), auto=False)
    choice = of("drop-in", choose_hunts(catalog(mine), About(DEVICE), Policy(auto)))

    assert runs is choice.runs
    if not runs:
        why = "its file has no enrichment block: name it in `hunts`, or in HUNTS_AUTO"
        assert ("notNamed", why) == (choice.fate, choice.why)


def test_a_caller_who_names_a_hunt_gets_it_and_no_other() -> None:
    """Also one without a block, and more than the budget; the card runs beside it."""
    hunts = (hunt("a"), hunt("b", auto=False), hunt("c"))
    choices = choose_hunts(catalog(*hunts), About(DEVICE, ("b", "c")), Policy(most=1))

    assert [(DEVICE_CARD, "runs"), ("b", "runs"), ("c", "runs"), ("a", "notNamed")] == [
        (choice.hunt.name, choice.fate) for choice in choices
    ]
    assert ("it was named", "others were named") == (of("b", choices).why, of("a", choices).why)


def test_each_hunt_says_why_it_runs() -> None:
    """By itself or by the setting; and what decided on its place."""
    hunts = (
        hunt("a", techniques=("T1048",)),
        hunt("b", tactics=("Impact",), auto=False),
        hunt("c", auto=False),
        hunt("d", "low"),
    )
    about = About(DEVICE, techniques=("T1048.001",), tactics=("Impact",))
    whys = {
        choice.hunt.name: choice.why
        for choice in choose_hunts(catalog(*hunts), about, Policy(("impact", "*")))
    }

    assert {
        DEVICE_CARD: "it runs beside every hunt for devices",
        "a": "it runs by itself; an alert has its technique T1048",
        "b": "HUNTS_AUTO has impact; an alert has its tactic Impact",
        "c": "HUNTS_AUTO has *; its severity is medium",
        "d": "it runs by itself; its severity is low",
    } == {name: whys[name] for name in (DEVICE_CARD, "a", "b", "c", "d")}


def test_without_a_hunt_for_devices_the_card_does_not_run() -> None:
    """Unless a caller names it."""
    alone = choose_hunts(catalog(hunt("a", platform="Linux")), About(HASH), Policy())
    named = choose_hunts(catalog(hunt("a")), About(DEVICE, (DEVICE_CARD,)), Policy())

    assert ("noEntity", "no hunt for devices runs beside it") == (alone[0].fate, alone[0].why)
    assert ("noEntity", "there is no device") == (of("a", alone).fate, of("a", alone).why)
    assert ("runs", "it was named") == (of(DEVICE_CARD, named).fate, of(DEVICE_CARD, named).why)


def test_of_devices_that_no_hunt_takes_the_card_still_says_what_they_are() -> None:
    """It runs alone; it does not if a caller named hunts for something else."""
    client = Chosen((Device(name="pc-1", os_platform="Windows11"),))
    chosen = choose_hunts(catalog(hunt("a", platform="Linux")), About(client), Policy())
    named = choose_hunts(catalog(hunt("a", platform="Linux")), About(client, ("b",)), Policy())

    assert ("runs", "it says what the devices are to which no hunt applies") == (
        chosen[0].fate,
        chosen[0].why,
    )
    assert ["otherKind"] == [choice.fate for choice in chosen[1:]]
    assert "noEntity" == named[0].fate


def test_an_unknown_system_rules_no_hunt_out() -> None:
    """Nor does one device of another kind among several."""
    mixed = Chosen((Device(name="pc-1", os_platform="Windows11"), Device(name="web01")))

    assert ["a"] == order(hunt("a", platform="Linux"), about=About(mixed))


def test_entries_of_the_setting_that_name_nothing_are_told() -> None:
    """Each in a line of its own; `*` always names something."""
    policy = Policy(("*", "Impact", "drop-in", "Exfil"))

    assert (
        "HUNTS_AUTO: no hunt that is loaded has the name or the tactic 'Impact'",
        "HUNTS_AUTO: no hunt that is loaded has the name or the tactic 'Exfil'",
    ) == unmatched(catalog(hunt("drop-in", tactics=("Exfiltration",))), policy)
