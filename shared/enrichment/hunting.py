"""Hunt for what a plan has, in as few calls as possible; every answer is recorded as soon as it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.catalog.query import Asked, calls_for
from shared.incident import waiting
from shared.kql.read import read_query
from shared.model.hunt import DEVICE_CARD
from shared.state.refusals import BATCHES

from .asking import Asking
from .isolating import Isolating, halves, hunt_key, table_key, together

if TYPE_CHECKING:
    from shared.model.finding import Found
    from shared.model.record import Plan, Work
    from shared.tools import Tools


class Answers(NamedTuple):
    """Every hunt's answer by its name, and the answer with the device card's rows if Graph gave it just now."""

    found: dict[str, Found]
    card: bytes | None = None


async def hunt_all(tools: Tools, work: Work, plan: Plan, known: dict[str, Found]) -> Answers:
    """
    Run the hunts of *plan* that are not *known* yet; return the answers of all.

    They share calls unless HUNT_BATCH is off, or the tenant was found to refuse that. A hunt that Graph refuses has the
    reason in `failure`. Raises Waiting if a hunt must be tried again later; the answers of the others are recorded by
    then.
    """
    missing = [hunt for hunt in plan.hunts if hunt.name not in known]
    if not missing:
        return Answers(known)
    refused = await tools.refusals.known(tools.now())
    asking = Asking(tools, work, plan, batched=tools.settings.batches and BATCHES not in refused)
    wanted: list[Asked] = []
    for planned in missing:
        hunt = tools.catalog.by_name.get(planned.name)
        if hunt is None:
            await asking.fail([planned.name], "the app no longer has this hunt", answered=False)
            continue
        each = Asked(hunt, plan.entities(planned), planned.window)
        tables = read_query(hunt.query, scoped=hunt.entity == "device").reads or hunt.tables
        lacks = next((table for table in tables if table_key(table) in refused), "")
        if lacks:
            await asking.lack([hunt.name], lacks)
        elif refusal := refused.get(hunt_key(hunt)):
            words = await tools.refusals.words(refusal)
            until = f"{refusal.until:%Y-%m-%d %H:%M} UTC"
            await asking.fail(
                [hunt.name], f"Graph refused the query before, and it is not sent until {until}: {words}"
            )
        else:
            wanted.append(each)
    isolating = Isolating(asking)
    take = tools.settings.max_rows + 1
    groups = calls_for(wanted, take) if asking.batched else [[each] for each in wanted]
    if waiting.was_silent(tools):
        # If it is one of them at which Graph fails, the others are answered now.
        groups = [half for group in groups for half in halves(group)]
    await together(isolating.settle(group, take) for group in groups)
    mine = known | asking.found
    agreed = await tools.runs.agreed(work.run_id, mine)
    return Answers(agreed, asking.card if agreed.get(DEVICE_CARD) == mine.get(DEVICE_CARD) else None)
