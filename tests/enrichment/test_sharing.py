"""What is left of a plan once the ledger has said what is due."""

from __future__ import annotations

from shared.enrichment.planning import make_plan
from shared.enrichment.sharing import narrow, wanted
from shared.entities.choosing import Limits
from shared.model.entity import Chosen, Device, Dropped, hidden
from shared.model.record import Work
from shared.state.standing import Share
from tests.support.tenant import Deployment

WINDOWS, SERVER = Device("1" * 40, "pc-1", "Windows11"), Device("2" * 40, "srv-1", "Linux")
IGNORED = Dropped("ip", "192.0.2.1", "on IGNORE_INDICATORS")
ACCOUNT = Dropped("account", "anna", "no hunt takes it")


async def test_a_follow_up_does_not_repeat_what_was_left_out(app: Deployment) -> None:
    """What is not wanted or does not apply is told once, unless what is due has a part in it; a gap is told again."""
    chosen = Chosen((WINDOWS,), (), (IGNORED, ACCOUNT))
    plan = make_plan(Work("0a" * 16, app.now(), "", chosen=chosen), None, app.tools.catalog, app.now())
    due = frozenset(wanted(plan, app.tools.catalog))
    first = narrow(plan, app.tools.catalog, Share(due, first=True), Limits())
    again = narrow(plan, app.tools.catalog, Share(due, first=False), Limits())
    nothing = narrow(plan, app.tools.catalog, Share(first=False), Limits())

    assert plan.skipped
    assert ((IGNORED, ACCOUNT), plan.skipped, False) == (first.chosen.dropped, first.skipped, first.follow_up)
    assert ((ACCOUNT,), plan.skipped, True) == (again.chosen.dropped, again.skipped, again.follow_up)
    assert ((), ()) == (nothing.skipped, nothing.hunts)


async def test_what_is_beyond_the_limits_is_left_and_listed(app: Deployment) -> None:
    """The limits count what is due, and a follow-up lists what is left, too."""
    chosen = Chosen((SERVER, WINDOWS))
    plan = make_plan(Work("0a" * 16, app.now(), "", chosen=chosen), None, app.tools.catalog, app.now())
    keys = frozenset(wanted(plan, app.tools.catalog))
    mine = frozenset(key for key in keys if key.endswith(hidden(SERVER.key)))
    some = narrow(plan, app.tools.catalog, Share(mine, first=False, left=keys - mine), Limits(devices=1))

    assert ((SERVER,), True) == (some.chosen.devices, some.left)
    assert ["pc-1"] == [drop.value for drop in some.chosen.dropped]
