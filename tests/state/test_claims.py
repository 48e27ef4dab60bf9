"""Claims: one run at a time holds the right to post a comment, and one that was given back is free."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from obstore.store import MemoryStore

from shared.model.record import Claim
from shared.state.claims import Claims
from shared.state.objects import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINE, OTHER = Claim("0a" * 16, NOW), Claim("0b" * 16, NOW)


@pytest.fixture
def claims(store: Store) -> Claims:
    """No claim yet."""
    return Claims(store, "4101", "digest")


async def test_who_makes_a_claim_first_holds_it(claims: Claims) -> None:
    """Others are told that they do not, and see who does and since when."""
    assert (0, None) == await claims.last()
    assert [True, False, False] == [await claims.make(each) for each in (MINE, OTHER, MINE)]
    assert (1, MINE) == await claims.last()


async def test_the_last_claim_counts(claims: Claims) -> None:
    """One that follows takes over from the one before; each number is made once."""
    await claims.make(MINE)

    assert [True, False] == [await claims.make(each, 2) for each in (OTHER, MINE)]
    assert (2, OTHER) == await claims.last()


async def test_a_claim_that_was_given_back_is_nobodys(claims: Claims) -> None:
    """Its number is used up; the next one is free. Giving back twice is the same as once."""
    await claims.make(MINE)
    for _ in range(2):
        await claims.give_back(1)

    assert (1, None) == await claims.last()
    assert [False, True] == [await claims.make(OTHER), await claims.make(OTHER, 2)]
    assert (2, OTHER) == await claims.last()


async def test_an_earlier_claim_given_back_frees_nothing(claims: Claims) -> None:
    """A late worker that gives back its own claim leaves that of the one after."""
    await claims.make(MINE)
    await claims.make(OTHER, 2)
    await claims.give_back(1)

    assert (2, OTHER) == await claims.last()


@pytest.mark.fault("A1", before="(999, None) after claim 1000: whoever asked for the next one asked for ever")
async def test_claims_go_on_after_the_thousandth(claims: Claims) -> None:
    """A day of throttling can give so many back, and the last one is still found."""
    for number in (1, 2, 999, 1_000, 1_001):
        await claims.make(MINE, number)
        await claims.give_back(number)

    assert (1_001, None) == await claims.last()
    assert await claims.make(OTHER, 1_002)
    assert (1_002, OTHER) == await claims.last()


async def test_other_findings_and_other_incidents_have_claims_of_their_own() -> None:
    """Even where one name begins as another does."""
    store = Store(MemoryStore())
    await Claims(store, "4101", "digest").make(MINE)

    for incident, digest in (("4102", "digest"), ("4101", "others"), ("410", "digest"), ("4101", "dig")):
        claims = Claims(store, incident, digest)

        assert (0, None) == await claims.last()
        assert await claims.make(OTHER)
        assert (1, OTHER) == await claims.last()
