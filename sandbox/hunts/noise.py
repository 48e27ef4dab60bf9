"""The table of `python -m sandbox hunts noise`: how often hunts speak in ordinary telemetry, and what they find."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sandbox.progress import bar
from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import generate
from sandbox.telemetry.noise import Noise, finders, measure
from sandbox.tenant.intrusions import chains, intrusions

#: The end of the telemetry: a Wednesday at noon, so that the days before it are ones on which people work.
_END = datetime(2026, 3, 11, 12, tzinfo=UTC)


def noise(*, paths: list[Path], devices: int, days: int, windows: int | None = None) -> int:
    """
    Print how much the device hunts in *paths*, by default those that come with the app, return in a fleet of *devices*.

    Those of the role finding are asked over *days* of ordinary telemetry, without an incident, in the last *windows* of their
    windows, by default in all; then which planted intrusions each finds. Return 1 if a hunt could not be loaded or run, or if
    there is none.
    """
    from shared.catalog.load import load_hunts

    loaded = load_hunts(*paths)
    wrong = [problem for error in loaded.broken for problem in error.problems]
    hunts = [hunt for hunt in loaded.hunts if hunt.entity == "device" and hunt.role == "finding"]
    if not hunts:
        print(*wrong, "No device hunt of the role finding is to be measured.", sep="\n")
        return 1
    # In a file the telemetry is compressed, and need not fit into memory.
    with tempfile.TemporaryDirectory(prefix="outrider-") as folder:
        engine = Engine(str(Path(folder, "telemetry.duckdb")))
        try:
            generate(engine, devices=devices, days=days, end=_END, progress=bar("Making up the fleet"))
            heard = [measure(hunt, engine, end=_END, days=days, windows=windows) for hunt in hunts]
            planted = {one.name: one.rows for one in (*intrusions(_END), *chains(_END)) if one.rows}
            found = finders(hunts, engine, planted, end=_END)
        finally:
            engine.close()
    print(f"{devices:,} devices, {days} days; on an average day of the whole fleet:\n")
    print(f"{'hunt':<44} {'rows':>9} {'events':>9} {'devices':>9}  finds")
    for each in sorted(heard, key=lambda one: -one.events):
        print(_line(each, found[each.hunt]))
    missed = sorted(planted.keys() - {name for names in found.values() for name in names})
    print(f"\nFound by none of them: {', '.join(missed) or 'nothing'}")
    wrong += [f"{each.hunt}: {each.failed}" for each in heard if each.failed]
    for text in wrong:
        print(text)
    return int(bool(wrong))


def _line(each: Noise, found: list[str]) -> str:
    if each.failed:
        return f"{each.hunt:<44} {'could not run':>29}"
    return (
        f"{each.hunt:<44} {each.rows:>9,.1f} {each.events:>9,.1f} {each.devices:>9,.1f}  {', '.join(found)}"
    )
