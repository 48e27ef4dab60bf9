"""On a run's page, no text from outside becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re

from hypothesis import given, settings

from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.record import Done, Plan, Run, Work
from shared.pages import run
from shared.pages.layout import STYLE_HASH
from shared.settings import Settings
from tests.support.hostile import NASTY, unseen
from tests.support.said import HUNTS, NOW, RUN_ID, Tags, outcome


def page(text: str) -> str:
    """Return a page on which every text from outside is *text*."""
    chosen = Chosen((Device(name=text),), (Indicator("url", text),), (Dropped("ip", text, "verdict clean"),))
    outcomes = (
        outcome("found", values=(text,), device=text),
        outcome("notRun", hunt="other", reason=text, device=text),
    )
    work = Work(RUN_ID, NOW, "digest")
    card = {"DeviceId": "a" * 40, "DeviceName": text, "LoggedOnUsers": text}
    done = Done("completed", text, NOW, outcomes, cards=(card,), notes=(text,), reason=text)
    plan = Plan("1", text, "https://security.microsoft.com/incident2/1", chosen)
    return run.run_page(Run(work, plan, done=done), HUNTS, Settings(), refresh=False)


@settings(max_examples=60)
@given(NASTY.map("x{}".format))
def test_no_value_becomes_markup_or_a_link(text: str) -> None:
    """Hostile values change no element or attribute of the page, and leave no invisible character."""
    plain, nasty = Tags(page("x")), Tags(page(text))

    assert plain.tags == nasty.tags
    assert {"findings", "https"} == {link.split("?")[0].split(":")[0] for link in nasty.links}
    assert "" == unseen(page(text))


def test_the_only_style_is_the_one_the_policy_allows() -> None:
    """The policy names the hash of the one style element that the page has."""
    styles = re.findall(r"<style>(.*?)</style>", page("x"), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]

    assert [STYLE_HASH] == [f"'sha256-{each}'" for each in hashes]
