"""What a hunt's author needs: the query as it is sent, and what is wrong with a hunt file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.model.hunt import Hunt


def render(
    *, name: str, device: list[str], indicator: list[str], lookback: timedelta | None, hunts: Path
) -> int:
    """
    Print the query of the hunt *name* as it is sent, and its lookback on stderr.

    Raises ValueError if there is no such hunt, or if the devices or indicators do not fit it.
    """
    from shared.catalog.load import SHIPPED, load_hunts

    loaded = load_hunts(SHIPPED, *([hunts] if hunts else []))
    for broken in loaded.broken:
        print(*broken.problems, sep="\n", file=sys.stderr)
    for notice in loaded.notices:
        print(notice, file=sys.stderr)
    hunt = loaded.by_name.get(name)
    if hunt is None:
        raise ValueError(f"there is no hunt {name}; there are {', '.join(loaded.by_name)}")
    print(_bound(hunt, device, indicator), flush=True)
    back = lookback or hunt.reach or hunt.lookback
    back = min(back, hunt.reach) if hunt.reach else back
    print(f"// over the last {_days(back)}", file=sys.stderr)
    return 0


def check(*, paths: list[Path]) -> int:
    """
    Print what is wrong with hunt files, and what their authors should know, a line each; return 1 if any cannot be used.

    They are loaded beside the hunts that come with the app, as in HUNTS_DIR; without *paths*, those are checked.
    """
    from shared.catalog.load import SHIPPED, load_hunts

    wanted = [path.resolve() for path in paths or [SHIPPED]]
    loaded = load_hunts(SHIPPED, *paths)
    told = [(error.file, text) for error in loaded.broken for text in error.problems]
    wrong = len(mine := [each for each in told if _is_below(each[0], wanted)])
    mine += [
        (notice.file, f"{notice.text} (warning)")
        for notice in loaded.notices
        if _is_below(notice.file, wanted)
    ]
    for file, text in sorted(mine, key=lambda each: each[0]):
        print(text if text.startswith(f"{file}:") else file.parent / text)
    return int(bool(wrong))


def _bound(hunt: Hunt, devices: Sequence[str], indicators: Sequence[str]) -> str:
    from shared.entities.indicators import parse_device, parse_indicator
    from shared.kql.write import device_query, indicator_query
    from shared.settings import Settings

    take, end = Settings().max_rows + 1, datetime.now(UTC)
    if hunt.entity == "device":
        if not devices or indicators:
            raise ValueError(f"{hunt.name} hunts for devices: name them with --device")
        return device_query(
            hunt.query, map(parse_device, devices), take=take, end=end, applies_to=hunt.applies_to
        )
    if not indicators or devices:
        raise ValueError(f"{hunt.name} hunts for indicators ({', '.join(hunt.kinds)}): give --indicator")
    return indicator_query(hunt.query, map(parse_indicator, indicators), take=take, end=end)


def _is_below(file: Path, paths: Sequence[Path]) -> bool:
    return any(file.resolve().is_relative_to(path) for path in paths)


def _days(duration: timedelta) -> str:
    days = duration / timedelta(days=1)
    return "day" if days == 1 else f"{days:g} days" if days > 1 else f"{days * 24:g} hours"
