"""A run's page: nothing from outside is markup."""

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
    """A page on which every free text is *text*."""
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


@settings(deadline=None, max_examples=60)
@given(NASTY.map("x{}".format))
def test_page_markup(text: str) -> None:
    """No value on the page becomes an element, an attribute or a link."""
    plain, nasty = Tags(page("x")), Tags(page(text))

    assert plain.tags == nasty.tags
    assert {"findings", "https"} == {link.split("?")[0].split(":")[0] for link in nasty.links}
    assert "" == unseen(page(text))


def test_page_style() -> None:
    """The page's one style is the one that its policy allows."""
    styles = re.findall(r"<style>(.*?)</style>", page("x"), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]

    assert [STYLE_HASH] == [f"'sha256-{each}'" for each in hashes]
