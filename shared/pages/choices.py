"""Say of every hunt whether it ran in an enrichment, and why, for the run's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.catalog.choosing import About, Choice, Policy, choose_hunts

if TYPE_CHECKING:
    from shared.catalog.load import Catalog
    from shared.model.record import Plan, Run

_BEFORE = "it was hunted on this incident before, and nothing is new since"
_CHANGED = "it was not chosen then: the hunts or the settings have changed since"


class Row(NamedTuple):
    """One hunt that ran, or all that did not for one reason."""

    ran: bool
    names: tuple[str, ...]
    why: str


def hunt_choices(run: Run, catalog: Catalog, policy: Policy) -> list[Row]:
    """
    Return which hunts of *catalog* ran, in the order in which they were started, and then the others, by reason.

    What the run did comes from its plan; why, from the hunts and settings of now, since a plan does not keep that.
    It is empty where there is no plan, or it failed.
    """
    plan = run.plan
    if plan is None or plan.failure:
        return []
    about = About(plan.chosen, run.work.hunts, plan.techniques, plan.tactics)
    whys = {choice.hunt.name: _why(choice, plan) for choice in choose_hunts(catalog, about, policy)}
    planned = [hunt.name for hunt in plan.hunts if hunt.name in whys]
    reasons: dict[str, list[str]] = {}
    for name in sorted(whys.keys() - set(planned)):
        reasons.setdefault(whys[name], []).append(name)
    ran = [Row(ran=True, names=(name,), why=whys[name]) for name in planned]
    return ran + [Row(ran=False, names=tuple(names), why=why) for why, names in reasons.items()]


def _why(choice: Choice, plan: Plan) -> str:
    name = choice.hunt.name
    if any(hunt.name == name for hunt in plan.hunts):
        return choice.why if choice.runs else "it was chosen then"
    if skipped := next((outcome for outcome in plan.skipped if outcome.hunt == name), None):
        return skipped.reason
    if name in plan.beyond:
        return "others come first, and one run takes no more (MAX_HUNTS)"
    if plan.follow_up and choice.fate in ("runs", "noEntity"):
        return _BEFORE
    return _CHANGED if choice.fate in ("runs", "beyond") else choice.why
