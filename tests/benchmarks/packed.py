"""
Measure one side of a comparison in its own process: `python -m tests.benchmarks.packed FILE outrider|json|rows`.

Prints `{"seconds", "peak"}` as `large` does: for `outrider`, from the bytes of an answer to five hunts to what each
found; for `json`, for `json.loads` on the same bytes; for `rows`, for `json.loads` on them and on each packed row.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.entity import Indicator
from shared.outcomes.summarizing import summarize
from shared.outcomes.unpacking import unpack
from tests.benchmarks import large
from tests.support.hunt_files import five_hunts
from tests.support.packed import pack

if TYPE_CHECKING:
    from shared.model.hunt import Hunt

HUNTS = tuple(f"hunt-{n}" for n in range(5))
ASKED = (Indicator("domain", "evil.example"), Indicator("ip", "203.0.113.9"))


def write(path: Path) -> None:
    """Write the rows of `large` as the answer to five hunts, each with its share of them, to *path*."""
    large.write(path)
    answer = json.loads(path.read_bytes())
    rows = answer["results"]
    path.write_bytes(
        pack({name: (answer["schema"], rows[n :: len(HUNTS)]) for n, name in enumerate(HUNTS)}, fleet=2_000)
    )


def summarised(raw: bytes) -> dict[str, float]:
    """
    Return the `seconds` and `peak` of taking *raw* apart and summarising what each hunt found.

    A small answer comes first, so that what is imported late is not measured.
    """
    hunt = five_hunts().by_name[large.HUNT]
    schema = [{"name": "DeviceId", "type": "String"}]
    _rows(pack(dict.fromkeys(HUNTS, (schema, [{"DeviceId": "a"}]))), hunt)
    before, started = large.resident("VmRSS"), time.process_time()
    rows = _rows(raw, hunt)
    took = time.process_time() - started

    assert rows == large.ROWS
    return {"seconds": took, "peak": large.resident("VmHWM") - before}


def with_rows(raw: bytes) -> dict[str, float]:
    """Return the `seconds` and `peak` of `json.loads` on *raw* and on each of its packed rows."""
    before, started = large.resident("VmRSS"), time.process_time()
    rows = [json.loads(row["_Row"]) for row in json.loads(raw)["results"]]
    took = time.process_time() - started

    assert len(rows) > large.ROWS
    return {"seconds": took, "peak": large.resident("VmHWM") - before}


def _rows(raw: bytes, hunt: Hunt) -> int:
    batch = unpack(raw, HUNTS)
    summaries = (
        summarize(hunt, batch.answer_of(name), max_rows=large.ROWS, seconds=0, indicators=ASKED)
        for name in HUNTS
    )
    return sum(found.rows for found in summaries)


if __name__ == "__main__":
    content = Path(sys.argv[1]).read_bytes()
    sides = {"outrider": summarised, "json": large.loads, "rows": with_rows}
    print(json.dumps(sides[sys.argv[2]](content)))
