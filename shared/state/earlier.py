"""Read ledger entries of before entities were hashed in them, so that what they say goes on counting."""

from __future__ import annotations

import re

from msgspec.structs import replace

from shared.model.entity import hidden

from .entry import Entry

_HASHED = re.compile(r"#[0-9a-f]{32}( [0-9a-f]{16})?")
_NAMED = re.compile("(?:device|ip|url|domain|fileHash):")
#: The rows' digest, which context has none of.
_ROWS = re.compile(r" [0-9a-f]{16}\Z")


def upgrade(entry: Entry) -> Entry:
    """Return *entry* as it would be written today: by whatever it names an entity, the entity is hashed."""
    return replace(
        entry,
        taken=tuple(map(_pair, entry.taken)),
        activity={_entity(key): active for key, active in entry.activity.items()},
        ended=tuple(map(_pair, entry.ended)),
        looked={_pair(key): over for key, over in entry.looked.items()},
        told=tuple(map(upgrade_finding, entry.told)),
    )


def upgrade_finding(key: str) -> str:
    """Return the key of a finding (`catalog.select.finding_keys`) as it would be written today."""
    version, blank, entity = key.partition(" ")
    if not blank or _HASHED.fullmatch(entity):
        return key
    rows = _ROWS.search(entity)
    return f"{version}{blank}{hidden(entity[: rows.start()] if rows else entity)}{rows[0] if rows else ''}"


def _pair(key: str) -> str:
    version, blank, entity = key.partition(" ")
    return f"{version}{blank}{_entity(entity)}"


def _entity(key: str) -> str:
    return hidden(key) if _NAMED.match(key) else key
