"""Say what of an incident was not looked at, by name and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import neutral
from .places import same
from .secrets import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.entity import Chosen
    from shared.model.outcome import Outcome

    from .content import Content

#: Names of a kind; the rest is counted.
_SHOWN = 3
_WORDS = {"ip": "address", "url": "URL", "fileHash": "hash"}
_HISSING = ("s", "sh", "x")


def not_looked_at(chosen: Chosen, *, mask: bool) -> Iterator[str]:
    """
    Yield a line for each reason, with the entities that were left out for it: three of a kind, the rest counted.

    The names are harmless as plain text; *mask* replaces what looks like a secret in them.
    """
    reasons: dict[str, dict[str, list[str]]] = {}
    for drop in chosen.dropped:
        reasons.setdefault(drop.reason, {}).setdefault(drop.kind, []).append(drop.value)
    for reason, kinds in reasons.items():
        parts = (_of_kind(kind, values, mask=mask) for kind, values in kinds.items())
        yield f"Not looked at ({reason}): {'; '.join(parts)}"


def without_hunt(content: Content) -> list[str]:
    """Return the names of the devices to which none of the hunts for devices applies."""
    hunts = [each for each in content.outcomes if each.devices or _may_hunt_devices(each, content)]
    unfit = []
    for device in content.chosen.devices:
        mine = {same(device.label), same(content.called(device))}
        endings = [
            next((d.outcome for d in each.devices if same(d.device) in mine), each.outcome) for each in hunts
        ]
        if set(endings) == {"notApplicable"}:
            unfit.append(content.called(device))
    return unfit


def _may_hunt_devices(outcome: Outcome, content: Content) -> bool:
    hunt = content.hunts.get(outcome.hunt)
    return hunt is None or hunt.entity == "device"


def _of_kind(kind: str, values: list[str], *, mask: bool) -> str:
    noun, count = _WORDS.get(kind, kind), len(values)
    named = [neutral.name(mask_secrets(value) if mask else value) for value in values if value][:_SHOWN]
    left = count - len(named)
    if count == 1:
        return " ".join((noun, *named))
    shown = f": {', '.join(named)}" if named else ""
    return f"{count:,} {_plural(noun)}{shown}" + (f" and {left:,} more" if named and left else "")


def _plural(noun: str) -> str:
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(_HISSING) else f"{noun}s"
