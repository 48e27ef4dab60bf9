"""Decide how each hunt of an enrichment ended, and how the run as a whole ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from shared.catalog.select import ledger_keys
from shared.errors import GraphError
from shared.model.entity import same_device
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Outcome
from shared.outcomes.deciding import decide
from shared.outcomes.reading import device_cards

if TYPE_CHECKING:
    from shared.model.finding import Found
    from shared.model.record import CommentResult, Plan, Status
    from shared.tools import Tools

#: Outcomes after which an entity is not hunted again with the same version of the hunt.
_SETTLED = ("found", "nothingFound", "notApplicable")


class Decision(Struct, frozen=True):
    """
    How every hunt of a run ended, and what else the comment says.

    `outcomes` are sorted by hunt name. `cards` has the device card's rows, one per device, as column -> text;
    it is empty if the card did not run or failed. `notes` are sentences for the comment.
    """

    outcomes: tuple[Outcome, ...]
    cards: tuple[dict[str, str], ...]
    notes: tuple[str, ...]
    #: Pairs of hunt and entity, as the ledger names them, that need no hunting again.
    settled: frozenset[str] = frozenset()
    #: Whether the device card was sent and failed.
    card_failed: bool = False


async def decide_all(tools: Tools, run_id: str, plan: Plan, found: dict[str, Found]) -> Decision:
    """
    Decide how every hunt of *plan* ended, those that it skips included.

    *found* holds the answer of every planned hunt, by its name.
    """
    card = found.get(DEVICE_CARD)
    failed = bool(card and card.failure)
    cards = None
    if card and not failed:
        raw = await tools.runs.findings(run_id, DEVICE_CARD)
        try:
            cards = device_cards(raw) if raw else None
        except GraphError as error:
            failed, card = True, replace(card, failure=error.message)
    hunts = tools.catalog.by_name
    ended = list(plan.skipped)
    settled = {
        key
        for outcome in plan.skipped
        if outcome.outcome in _SETTLED and outcome.hunt in hunts
        for key in ledger_keys(hunts[outcome.hunt], plan.chosen)
    }
    for planned in plan.hunts:
        if planned.name == DEVICE_CARD:
            continue
        hunt = hunts.get(planned.name)
        result = found[planned.name]
        if hunt is None:
            reason = result.failure or "the app no longer has this hunt"
            ended.append(Outcome(planned.name, planned.name, "notRun", reason))
            continue
        chosen = plan.entities(planned)
        outcome = decide(hunt, result, planned.window, chosen.devices, cards)
        ended.append(outcome)
        if outcome.devices:
            each = zip(ledger_keys(hunt, chosen), outcome.devices, strict=True)
            settled.update(key for key, device in each if device.outcome in _SETTLED)
        elif outcome.outcome in _SETTLED:
            settled.update(ledger_keys(hunt, chosen))
    notes = (*plan.notes, *_unreadable_rows(found), *_namesakes(plan, cards))
    if failed and card:
        notes = (*notes, f"The device card could not be read: {card.failure}")
    return Decision(
        tuple(sorted(ended, key=lambda outcome: outcome.hunt)), cards or (), notes, frozenset(settled), failed
    )


def run_status(plan: Plan, ended: Decision, comments: tuple[CommentResult, ...]) -> Status:
    """
    Return how the run as a whole ended.

    *failed* if the plan failed or every hunt was *not run*; *completedWithFailures* if a hunt, the device
    card or a comment failed; *completed* otherwise.
    """
    failed = [outcome for outcome in ended.outcomes if outcome.outcome == "notRun"]
    if plan.failure or (failed and len(failed) == len(ended.outcomes)):
        return "failed"
    if failed or ended.card_failed or any(result.status == "failed" for result in comments):
        return "completedWithFailures"
    return "completed"


def _unreadable_rows(found: dict[str, Found]) -> tuple[str, ...]:
    """Return a note for each hunt some of whose rows could not be read."""
    return tuple(
        f"{each.unreadable:,} of {each.rows + each.unreadable:,} rows of {each.hunt} could not be read"
        for each in found.values()
        if each.unreadable
    )


def _namesakes(plan: Plan, cards: tuple[dict[str, str], ...] | None) -> tuple[str, ...]:
    """Return a note for each name that several devices share, since all of them were hunted."""
    notes = []
    for device in plan.chosen.devices:
        if device.id:
            continue
        matching = [c for c in cards or () if same_device(device, c["DeviceId"], c["DeviceName"])]
        if len(matching) > 1:
            notes.append(f"{len(matching)} devices are called {device.name}; all of them were hunted")
    return tuple(notes)
