"""The two scripts that assign Graph roles and callers, Bash's and PowerShell's, do and say the same."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.role import ROLES
from tests.support.granting import (
    ANALYSTS,
    CLIENT,
    GRANTED,
    GRAPH_ROLES,
    IDENTITY,
    MICROSOFT,
    OPERATOR,
    OUTRIDER,
    PLAYBOOKS,
    READERS,
    ROLE_IDS,
    Tenant,
    called,
    tenant,
)

__all__ = ["tenant"]

#: One of each role, and what they get.
ALL: dict[str, Any] = {
    "app": CLIENT,
    "caller": [ANALYSTS, PLAYBOOKS],
    "reader": READERS,
    "sweeper": OPERATOR,
}
CALLED = called((ANALYSTS, "Use"), (PLAYBOOKS, "Use"), (READERS, "Read"), (OPERATOR, "Sweep"))


def test_the_identity_gets_exactly_two_graph_roles(tenant: Tenant) -> None:
    """The script succeeds, assigns nothing else, and says what it assigned to whom."""
    done = tenant.grant(IDENTITY)

    assert 0 == done.code, done.error
    assert sorted(GRANTED) == tenant.assigned
    assert [f"assigned:      {name} for {IDENTITY}" for name in GRAPH_ROLES] == done.out.splitlines()[:-1]


def test_a_second_run_assigns_only_what_is_missing(tenant: Tenant) -> None:
    """A role that is assigned already is left as it is, and the script says so."""
    tenant.has(GRANTED[0])
    first, second = tenant.grant(IDENTITY), tenant.grant(IDENTITY)

    assert sorted(GRANTED) == tenant.assigned
    assert (1, 1) == (first.out.count("already there:"), first.out.count("assigned: "))
    assert (2, 0) == (second.out.count("already there:"), second.out.count("assigned: "))


def test_each_caller_gets_its_role_once(tenant: Tenant) -> None:
    """Callers get the role of Outrider's own registration that the option stands for, however often they are named."""
    twice = tenant.grant(IDENTITY, **ALL | {"caller": [ANALYSTS, PLAYBOOKS, ANALYSTS]})
    again = tenant.grant(IDENTITY, **ALL)

    assert (0, 0) == (twice.code, again.code), twice.error + again.error
    assert (1, 6) == (twice.out.count("already there:"), again.out.count("already there:"))
    assert sorted(GRANTED + CALLED) == tenant.assigned


@pytest.mark.fault("G8", before="ERROR: Bad Request(Permission being assigned already exists on the object)")
def test_ids_may_be_written_in_capitals(tenant: Tenant) -> None:
    """What is assigned already is known whichever letters an id is written in."""
    tenant.has(*GRANTED, *called((ANALYSTS, "Use")))
    done = tenant.grant(IDENTITY.upper(), app=CLIENT.upper(), caller=ANALYSTS.upper())

    assert (0, 3) == (done.code, done.out.count("already there:")), done.error


@pytest.mark.fault("G7", before="ERROR: Bad Request(Permission being assigned already exists on the object)")
def test_what_others_have_does_not_hide_what_is_there(tenant: Tenant) -> None:
    """A thousand assignments of others come before: the list that is read is that of whom the role is for."""
    others = [
        (f"{n:08}-0000-4000-8000-000000000000", OUTRIDER, ROLE_IDS["Outrider.Use"]) for n in range(1000)
    ]
    tenant.has(*others, *GRANTED, *called((ANALYSTS, "Use")))
    done = tenant.grant(IDENTITY, app=CLIENT, caller=ANALYSTS)

    assert (0, 3) == (done.code, done.out.count("already there:")), done.error


def test_a_role_of_a_group_is_not_its_members_own(tenant: Tenant) -> None:
    """Graph lists with a user's roles those of the user's groups; the user is assigned its own all the same."""
    tenant.has(*called((ANALYSTS, "Use")))
    tenant.grant(callers_only=True, app=CLIENT, caller=OPERATOR)

    assert sorted(called((ANALYSTS, "Use"), (OPERATOR, "Use"))) == tenant.assigned


@pytest.mark.parametrize(
    ("graph", "given", "asked"),
    [
        ("https://graph.microsoft.us", {}, True),
        ("https://dod-graph.microsoft.us", {"graph": "https://dod-graph.microsoft.us/"}, False),
    ],
)
def test_roles_are_granted_in_the_chosen_cloud(
    tenant: Tenant, graph: str, given: dict[str, str], asked: bool
) -> None:
    """Graph is that of az's cloud, or the one that is given; every call and its token are for it."""
    tenant.change(graph=graph)
    done = tenant.grant(IDENTITY, **given)

    assert 0 == done.code, done.error
    assert sorted(GRANTED) == tenant.assigned
    assert asked == ("cloud" in [call["command"] for call in tenant.log])


def test_callers_alone_leave_the_graph_roles_to_others(tenant: Tenant) -> None:
    """Who may not assign Graph roles assigns callers, without a word about Graph's."""
    done = tenant.grant(callers_only=True, **ALL)

    assert 0 == done.code, done.error
    assert sorted(CALLED) == tenant.assigned
    assert MICROSOFT not in str(tenant.log)


@pytest.mark.fault("G9", before="the callers were never reached: [] was assigned")
@pytest.mark.parametrize(
    ("refused", "admin"),
    [(GRAPH_ROLES, "Privileged Role Administrator"), ([*ROLES], "Cloud Application Administrator")],
)
def test_a_role_that_is_refused_keeps_no_other_back(tenant: Tenant, refused: list[str], admin: str) -> None:
    """The script assigns the rest, says of each that was refused who may assign it, and fails."""
    ids = {ROLE_IDS[name] for name in refused}
    tenant.change(refuses=sorted(ids))
    done = tenant.grant(IDENTITY, **ALL)
    expected = [one for one in GRANTED + CALLED if one[2] not in ids]

    assert 1 == done.code
    assert sorted(expected) == tenant.assigned
    assert "Authorization_RequestDenied" in done.error
    for who, _, role in set(GRANTED + CALLED) - set(expected):
        name = next(name for name, its in ROLE_IDS.items() if its == role)
        assert done.says(f"{name} was not assigned to {who}: see az's words above. It takes a {admin}")
        assert done.says(f"{name} for {who};") or done.says(f"{name} for {who}; all else is")
    assert not done.says("Done.")


#: What is said when the call fails, by its number, in the order of the calls: all that is looked up, before the first role.
FAILURES = [
    "az's cloud could not be read",
    f"the service principal {IDENTITY} could not be read",
    f"the application {MICROSOFT} could not be looked up",
    f"the roles of {IDENTITY} could not be read",
    f"the application {CLIENT} could not be looked up",
    f"{ANALYSTS} could not be read",
    f"the roles of {ANALYSTS} could not be read",
]


@pytest.mark.fault(
    "G4", before="the service principal has no such …, whatever had failed; or az's words alone"
)
@pytest.mark.parametrize("number", range(1, 11))
def test_whichever_call_fails_it_is_named(tenant: Tenant, number: int) -> None:
    """Nothing is asked after a look-up that failed, and nothing assigned; az's words and the script's own are shown."""
    tenant.change(fails=number)
    done = tenant.grant(IDENTITY, app=CLIENT, caller=ANALYSTS)
    looks_up = number <= len(FAILURES)

    assert 1 == done.code
    assert "az's own words" in done.error
    assert (number if looks_up else 10, 0 if looks_up else 2) == (len(tenant.log), len(tenant.assigned))
    assert done.says(FAILURES[number - 1] if looks_up else "was not assigned to")
    assert [] == tenant.left


@pytest.mark.fault("G5", before="PowerShell took the folder's name for a pattern, and the file stayed")
def test_the_body_is_for_nobody_else(tenant: Tenant) -> None:
    """Where a body goes to az in a file, nobody else may read it, and it is gone afterwards."""
    tenant.grant(IDENTITY)
    posted = [call for call in tenant.log if call.get("method") == "post"]

    assert ["0o600" if tenant.shell == "pwsh" else None] * 2 == [call.get("mode") for call in posted]
    assert [] == tenant.left
