"""How the hunts of a run ended, as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WORDS = {
    "found": "found",
    "nothingFound": "nothing found",
    "nothingSoFar": "nothing found so far",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "NOT RUN",
}
#: Outcomes of which a terminal has the number alone; the run's page names the hunts.
_QUIET = ("nothingFound", "nothingSoFar", "notApplicable")


def lines(hunts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each of a run's *hunts*, as its JSON has them, but for those that say nothing: these are counted."""
    told = [hunt for hunt in hunts if hunt["outcome"] not in _QUIET]
    width = max((len(hunt["hunt"]) for hunt in told), default=0)
    for hunt in told:
        yield f"{hunt['hunt']:<{width}}  {_outcome(hunt)}"
    for outcome in _QUIET:
        if number := sum(hunt["outcome"] == outcome for hunt in hunts):
            yield f"{_count(number, 'hunt')} {_WORDS[outcome]}"


def _outcome(hunt: Mapping[str, Any]) -> str:
    rows, hits = hunt.get("events") or hunt.get("rows") or 0, hunt.get("hits") or 0
    count = f", {'more than ' if hunt.get('more') else ''}{_count(rows, 'row')}" if rows else ""
    hit = f", {_count(hits, 'hit')}" if hits else ""
    reason = f": {hunt['reason']}" if hunt.get("reason") else ""
    normal = hunt["outcome"] == "found" and hunt.get("role") == "context"
    return f"{'context' if normal else _WORDS[hunt['outcome']]}{count}{hit}{reason}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
