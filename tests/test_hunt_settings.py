"""The settings that say which hunts run: HUNTS_AUTO and MAX_HUNTS."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.settings import read_settings
from tests.test_settings import GOOD


def test_the_hunts_that_run_by_themselves_are_a_list() -> None:
    """Names, tactics of one word or several, and `*`, each once and in their order; none by default."""
    wanted = "my-hunt, CredentialAccess,Lateral Movement, , my-hunt, *"

    assert ("my-hunt", "CredentialAccess", "Lateral Movement", "*") == (
        read_settings({**GOOD, "HUNTS_AUTO": wanted}).auto
    )
    assert () == read_settings(GOOD).auto


def test_one_run_takes_forty_hunts_unless_told_otherwise() -> None:
    """One and 200 are the limits."""
    found = [read_settings({**GOOD, "MAX_HUNTS": most}).max_hunts for most in ("", "1", "200")]

    assert [40, 1, 200] == found


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("HUNTS_AUTO", "a, my-hunt.yaml", "'my-hunt.yaml': write names of hunts, tactics"),
        ("HUNTS_AUTO", "T1048.003", "write names of hunts, tactics such as CredentialAccess, or *"),
        ("HUNTS_AUTO", "a;b", "separate several with commas"),
        ("HUNTS_AUTO", "**", "write names of hunts"),
        ("HUNTS_AUTO", "a" * 101, "write names of hunts"),
        ("MAX_HUNTS", "0", "write a whole number from 1 to 200"),
        ("MAX_HUNTS", "201", "write a whole number from 1 to 200"),
    ],
)
def test_what_can_name_no_hunt_is_refused_at_the_start(name: str, value: str, instead: str) -> None:
    """The one message names the setting, and says what to write instead."""
    with pytest.raises(SettingsError) as raised:
        read_settings({**GOOD, name: value})
    (line,) = str(raised.value).splitlines()[1:]

    assert name in line
    assert instead in line
