"""Print the query of a hunt, or of an incident, as it is sent."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.catalog.load import Catalog
    from shared.model.entity import Chosen
    from shared.model.hunt import Hunt


def render(
    *,
    names: list[str],
    device: list[str],
    indicator: list[str],
    lookback: timedelta | None,
    hunts: Path | None,
    incident: bool,
) -> int:
    """
    Print the query of the hunt that is named as it is sent, and its lookback on stderr.

    With *incident*, print that of all hunts of an incident with these devices and indicators: those that are named, or
    those that run by themselves. Each has its own lookback before now as its window. Hunts that do not fit into one
    call have several, with an empty line between; stderr names the hunts of each, and those that are left out. Raises
    ValueError or InvalidRequest if there is no such hunt, or if the devices or indicators do not fit it.
    """
    loaded = _loaded(hunts)
    if incident:
        _render_incident(loaded, names, _chosen(device, indicator), lookback)
        return 0
    if len(names) != 1:
        raise ValueError("name one hunt, or print those of a whole incident with --incident")
    hunt = loaded.by_name.get(names[0])
    if hunt is None:
        raise ValueError(f"there is no hunt {names[0]}; there are {', '.join(loaded.by_name)}")
    print(_bound(hunt, device, indicator), flush=True)
    print(f"// over the last {_days(reach_of(hunt, lookback))}", file=sys.stderr)
    return 0


def _loaded(folder: Path | None) -> Catalog:
    """Load the hunts that come with the app and those in *folder*; print on stderr what is wrong with any."""
    from shared.catalog.load import SHIPPED, load_hunts

    loaded = load_hunts(SHIPPED, *([folder] if folder else []))
    for broken in loaded.broken:
        print(*broken.problems, sep="\n", file=sys.stderr)
    for notice in loaded.notices:
        print(notice, file=sys.stderr)
    return loaded


def _render_incident(
    catalog: Catalog, names: Sequence[str], chosen: Chosen, lookback: timedelta | None
) -> None:
    from shared.catalog.choosing import About, Policy, choose_hunts
    from shared.catalog.query import KEPT, Asked, batch_call, calls_for
    from shared.catalog.select import check_named
    from shared.model.outcome import Window
    from shared.settings import Settings

    from .asking import ALL

    settings, end = Settings(), datetime.now(UTC)
    if not chosen.entities:
        raise ValueError("nothing to hunt for: give --device, --indicator or both")
    check_named(catalog, names, devices=bool(chosen.devices), kinds=chosen.kinds, most=settings.max_hunts)
    choices = choose_hunts(catalog, About(chosen, tuple(names)), Policy(most=settings.max_hunts))
    hunts = [choice.hunt for choice in choices if choice.runs]
    if not hunts:
        raise ValueError("no hunt that runs by itself fits these devices and indicators")
    asked = [Asked(hunt, chosen, Window(end - reach_of(hunt, lookback), end)) for hunt in hunts]
    take = settings.max_rows + 1
    calls = calls_for(asked, take)
    span = Window(min(each.window.start for each in asked), end)
    written = [batch_call(group, take, span, counting=True) for group in calls]
    print("\n\n".join(call.query for call in written), flush=True)
    for group, call in zip(calls, written, strict=True):
        first = call.timespan.partition("/")[0]
        back = ALL if first == KEPT else end - datetime.fromisoformat(first)
        print(
            f"// over the last {_days(back)}: {', '.join(each.hunt.name for each in group)}",
            file=sys.stderr,
        )
    if beyond := [choice for choice in choices if choice.fate == "beyond"]:
        names = ", ".join(choice.hunt.name for choice in beyond)
        print(f"// left out, as {beyond[0].why}: {names}", file=sys.stderr)


def _bound(hunt: Hunt, devices: Sequence[str], indicators: Sequence[str]) -> str:
    from shared.catalog.query import hunt_query
    from shared.settings import Settings

    return hunt_query(hunt, chosen_of(hunt, devices, indicators), Settings().max_rows + 1, datetime.now(UTC))


def chosen_of(hunt: Hunt, devices: Sequence[str], indicators: Sequence[str]) -> Chosen:
    """Read the devices or indicators that *hunt* is to hunt for. Raises ValueError or InvalidRequest where they do not fit it."""
    if hunt.entity == "device" and (not devices or indicators):
        raise ValueError(f"{hunt.name} hunts for devices: name them with --device")
    if hunt.entity == "indicator" and (not indicators or devices):
        raise ValueError(f"{hunt.name} hunts for indicators ({', '.join(hunt.kinds)}): give --indicator")
    return _chosen(devices, indicators)


def _chosen(devices: Sequence[str], indicators: Sequence[str]) -> Chosen:
    from shared.entities.indicators import parse_device, parse_indicator
    from shared.model.entity import Chosen

    return Chosen(tuple(map(parse_device, devices)), tuple(map(parse_indicator, indicators)))


def reach_of(hunt: Hunt, lookback: timedelta | None) -> timedelta:
    """Return how far before now a hunt looks: no farther than its query itself does, where that says."""
    back = lookback or hunt.reach or hunt.lookback
    return min(back, hunt.reach) if hunt.reach else back


def _days(duration: timedelta) -> str:
    days = duration / timedelta(days=1)
    return "day" if days == 1 else f"{days:g} days" if days > 1 else f"{days * 24:g} hours"
