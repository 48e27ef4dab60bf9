"""Decide how each hunt of an enrichment ended, and how the run as a whole ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from shared.catalog.query import is_fair
from shared.catalog.select import asked_of, entities_of, finding_keys, ledger_key, ledger_keys
from shared.errors import GraphError
from shared.model.entity import Indicator, same_device
from shared.model.hunt import DEVICE_CARD
from shared.model.outcome import Outcome
from shared.outcomes.deciding import decide
from shared.outcomes.reading import device_cards

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model.entity import Chosen
    from shared.model.finding import Found
    from shared.model.hunt import Hunt
    from shared.model.outcome import Ending
    from shared.model.record import CommentResult, Plan, Status
    from shared.tools import Tools

#: Outcomes after which a hunt has looked at an entity.
_LOOKED = ("found", "nothingFound", "nothingSoFar", "notApplicable")


class Decision(Struct, frozen=True):
    """
    How every hunt of a run ended, and what else the comment says.

    `outcomes` are sorted by hunt name. `cards` has the device card's rows, one per device, as column -> text;
    it is empty if the card did not run or failed. `notes` are sentences for the comment.
    """

    outcomes: tuple[Outcome, ...]
    cards: tuple[dict[str, str], ...]
    notes: tuple[str, ...]
    #: The pairs of hunt and entity, as the ledger names them, that were hunted whole, each with the time from
    #: which its window is over; None where it is, or where a later look would be no news.
    looked: dict[str, datetime | None] = {}
    #: What was found, by `catalog.select.finding_keys`.
    findings: frozenset[str] = frozenset()
    #: Whether the device card was sent and failed.
    card_failed: bool = False


async def decide_all(
    tools: Tools, run_id: str, plan: Plan, found: dict[str, Found], card_rows: bytes | None = None
) -> Decision:
    """
    Decide how every hunt of *plan* ended, those that it skips included.

    *found* holds the answer of every planned hunt, by its name. *card_rows* is Graph's answer with the rows of the
    device card; without it, it is read.
    """
    card = found.get(DEVICE_CARD)
    failed = bool(card and card.failure)
    cards = None
    if card and not failed:
        raw = card_rows or await tools.runs.findings(run_id, DEVICE_CARD)
        try:
            cards = device_cards(raw, DEVICE_CARD) if raw else None
        except GraphError as error:
            failed, card = True, replace(card, failure=error.message)
    hunts = tools.catalog.by_name
    ended = list(plan.skipped)
    looked: dict[str, datetime | None] = {
        key: None
        for outcome in plan.skipped
        if outcome.outcome in _LOOKED and outcome.hunt in hunts
        for key in ledger_keys(hunts[outcome.hunt], plan.chosen)
    }
    findings: set[str] = set()
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
        count = len(asked_of(hunt, chosen))
        fair = count == 1 or (is_fair(hunt, chosen) and count <= tools.settings.max_rows)
        outcome = decide(hunt, result, planned.window, chosen.devices, cards, fair=fair)
        if beyond := len(entities_of(hunt, chosen)) - count:
            left_out = f"{beyond:,} more indicators were not asked for: the query is made for one, and runs for {count}"
            outcome = replace(outcome, reason="; ".join(filter(None, (outcome.reason, left_out))))
        ended.append(outcome)
        looked.update(_looked(hunt, outcome, chosen, fair=fair))
        if outcome.outcome == "found":
            findings |= finding_keys(hunt, result)
    notes = (*plan.notes, *_unreadable_rows(found), *_namesakes(plan, cards))
    if failed and card:
        notes = (*notes, f"The device card could not be read: {card.failure}")
    outcomes = tuple(sorted(ended, key=lambda outcome: outcome.hunt))
    return Decision(outcomes, cards or (), notes, looked, frozenset(findings), failed)


def run_status(plan: Plan, ended: Decision, comments: tuple[CommentResult, ...]) -> Status:
    """
    Return how the run as a whole ended.

    *failed* if the plan failed or every hunt was *not run*; *completedWithFailures* if a hunt, on one device or
    all, the device card or a comment failed; *completed* otherwise.
    """
    failed = [outcome for outcome in ended.outcomes if outcome.outcome == "notRun"]
    if plan.failure or (failed and len(failed) == len(ended.outcomes)):
        return "failed"
    partly = any(device.outcome == "notRun" for outcome in ended.outcomes for device in outcome.devices)
    if failed or partly or ended.card_failed or any(result.status == "failed" for result in comments):
        return "completedWithFailures"
    return "completed"


def _looked(
    hunt: Hunt, outcome: Outcome, chosen: Chosen, *, fair: bool
) -> Iterable[tuple[str, datetime | None]]:
    """Yield the ledger's key of each entity that the hunt has looked at, with the end of its window."""
    if outcome.outcome not in _LOOKED or outcome.window is None:
        return
    entities, over = asked_of(hunt, chosen), outcome.window.over
    if len(outcome.devices) == len(entities):
        endings: list[Ending] = [device.outcome for device in outcome.devices]
    elif outcome.found.more and not fair:
        # Whose rows were cut off is not known: only those that are named in some were looked at.
        named = outcome.found.per_entity
        entities = tuple(e for e in entities if isinstance(e, Indicator) and e.value.lower() in named)
        endings = [outcome.outcome] * len(entities)
    else:
        endings = [outcome.outcome] * len(entities)
    for entity, ending in zip(entities, endings, strict=True):
        if ending in _LOOKED:
            yield ledger_key(hunt, entity), None if ending == "notApplicable" else over


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
