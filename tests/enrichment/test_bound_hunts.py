"""A published query made for one value, in a run: more values than it is asked for are told, and stay due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.catalog.load import Catalog
from shared.catalog.select import asked_of, ledger_key
from shared.enrichment.ending import decide_all
from shared.enrichment.planning import make_plan
from shared.model.entity import Chosen, Indicator
from shared.model.finding import Found
from shared.model.hunt import Hunt
from shared.model.record import Work

if TYPE_CHECKING:
    from tests.support.tenant import Deployment

RUN = "0b" * 16
HUNT = Hunt(
    name="by-address", title="By address", id="a", version="1", entity="indicator", kinds=("ip",), auto=True,
    binds={"Address": "ip"}, query='let Address = "198.51.100.1"; DeviceNetworkEvents | where RemoteIP == Address',
)  # fmt: skip
TWELVE = Chosen((), tuple(Indicator("ip", f"203.0.113.{n}") for n in range(12)))


async def test_what_was_not_asked_for_is_told_and_stays_due(app: Deployment) -> None:
    """The ten that were asked for are looked at; of the others only the number and the reason are said."""
    tools = msgspec.structs.replace(app.tools, catalog=Catalog((HUNT,)))
    plan = make_plan(Work(RUN, app.now(), "", chosen=TWELVE), None, tools.catalog, app.now())
    decided = await decide_all(tools, RUN, plan, {"by-address": Found("by-address")})
    (ended,) = decided.outcomes

    assert "2 more indicators were not asked for: the query is made for one, and runs for 10" == ended.reason
    assert {ledger_key(HUNT, each) for each in asked_of(HUNT, TWELVE)} == decided.looked.keys()
    assert len(decided.looked) == len(asked_of(HUNT, TWELVE)) < len(TWELVE.indicators)
