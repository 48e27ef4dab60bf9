"""Run a hunt over the sandbox's fleet, or over rows in files, and print what it finds."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.entity import Chosen, Device
from shared.model.outcome import Window

from .asking import ask
from .render import chosen_of, reach_of
from .table import table

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt

_SHOWN = 50  # rows of a table that somebody reads on a terminal
_DAYS = 7  # of the fleet's telemetry
_MOMENT = timedelta(seconds=1)


def run(
    *,
    file: Path,
    device: list[str],
    indicator: list[str],
    devices: int,
    rows: Path | None,
    lookback: timedelta | None,
) -> int:
    """
    Run the hunt in *file*, or the shipped hunt of that name, and print its first rows, and their number on stderr.

    It hunts for what is named, a device hunt otherwise for all devices there are. It looks at the made-up fleet of that
    many *devices*, with its planted intrusions, back from now; or at all *rows* of a folder (`load_rows`). Raises
    ValueError, InvalidRequest or HuntError for what cannot be run, and QueryError for a query that the sandbox cannot run.
    """
    from sandbox.telemetry.engine import Engine, QueryError
    from shared.catalog.file import read_hunt
    from shared.settings import Settings

    hunt = read_hunt(hunt_file(file))[0]
    chosen = chosen_of(hunt, device, indicator) if device or indicator else Chosen()
    if hunt.entity == "indicator" and not chosen.indicators:
        raise ValueError(
            f"{hunt.name} hunts for indicators ({', '.join(hunt.kinds)}): name them with --indicator"
        )
    engine = Engine()
    start, end = _fill(engine, hunt, devices, rows, lookback)
    if hunt.entity == "device" and not chosen.devices:
        chosen = _everyone(engine)
    started = time.monotonic()
    try:
        schema, found = ask(engine, hunt, chosen, Window(start, end), Settings().max_rows + 1)
    except QueryError as error:
        raise ValueError(f"{error} Look at it with `hunts render`, and try it in the portal") from error
    took = time.monotonic() - started
    if found:
        print(table(hunt.columns or [column["name"] for column in schema], found[:_SHOWN]), flush=True)
    more = f", the first {_SHOWN} of them above" if len(found) > _SHOWN else ""
    print(
        f"{len(found)} {'row' if len(found) == 1 else 'rows'}{more}, for {len(chosen.entities)} "
        f"{hunt.entity}{'' if len(chosen.entities) == 1 else 's'}, "
        f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, in {took:.2f} s",
        file=sys.stderr,
    )
    return 0


def hunt_file(path: Path) -> Path:
    """Return the hunt file that *path* is, or the shipped one whose name it is. Raises ValueError where there is none."""
    from shared.catalog.load import SHIPPED, hunt_files

    if path.is_file():
        return path
    for file in hunt_files(SHIPPED):
        if file.stem == str(path):
            return file
    raise ValueError(f"there is no file {path}, and no shipped hunt of that name")


def _fill(
    engine: Engine, hunt: Hunt, devices: int, rows: Path | None, lookback: timedelta | None
) -> tuple[datetime, datetime]:
    """Load what the hunt looks at; return the window in which it does."""
    if rows:
        from .rows import load_rows

        if not rows.is_dir():
            raise ValueError(f"there is no folder {rows}")
        counts, first, last = load_rows(engine, rows)
        print(*(f"{table}: {count} rows" for table, count in counts.items()), sep="\n", file=sys.stderr)
        end = last + _MOMENT
        return (max(first, end - lookback) if lookback else first), end
    from sandbox.telemetry.generation import generate
    from sandbox.tenant.intrusions import intrusions, plant

    end = datetime.now(UTC)
    generate(engine, devices=devices, days=_DAYS, end=end)
    plant(engine, intrusions(end))
    return end - reach_of(hunt, lookback), end


def _everyone(engine: Engine) -> Chosen:
    """Return all devices that the telemetry in *engine* knows by their ids."""
    ids: set[str] = set()
    for name, columns in engine.tables.items():
        if "DeviceId" in columns:
            found = engine.connection.execute(f'SELECT DISTINCT "DeviceId" FROM "{name}"').fetchall()
            ids |= {value for (value,) in found if value}
    if not ids:
        raise ValueError("no row names a device: give DeviceId in the rows, or name a device with --device")
    return Chosen(tuple(map(Device, sorted(ids))))
