"""The last line of a comment, which identifies it as Outrider's and its findings by their digest."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.entity import Chosen
    from shared.model.outcome import Outcome


def digest(outcomes: Iterable[Outcome], chosen: Chosen) -> str:
    """
    Identify what a comment says, in 32 hex digits: the same findings give the same digest in any run.

    It is SHA-256 over the sorted (hunt id, version, outcome, rows), shortened to 128 bits. Where nothing was
    found, the entities take the place of the rows: *nothing found* about another entity is another finding.
    """
    hunted = sorted([device.id or device.name.lower() for device in chosen.devices])
    hunted += sorted(f"{indicator.kind}:{indicator.value}" for indicator in chosen.indicators)
    parts = sorted(
        (o.id, o.version, o.outcome, [o.found.digest] if o.outcome == "found" else hunted) for o in outcomes
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def line(run_id: str, findings_digest: str) -> str:
    """Return the last line of a comment."""
    return f"Outrider {run_id} {findings_digest}"


def posted_by(comments: Iterable[str], findings_digest: str) -> str:
    """
    Return the id of the run that has reported these findings in one of *comments*; '' if there is none.

    The line is found wherever it stands: a product may put more behind it, or wrap it in markup.
    """
    line = re.compile(rf"\bOutrider ([0-9a-f]{{32}}) {findings_digest}\b")
    return next((found[1] for text in comments if (found := line.search(text))), "")
