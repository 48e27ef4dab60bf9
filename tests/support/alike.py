"""What a run left behind, without what may differ between two that found the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.tenant import sentinel
from shared.pages.rows import csv_rows, json_rows
from shared.work import work_on

if TYPE_CHECKING:
    from collections.abc import Collection

    from .tenant import Deployment

_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")
#: Times, and how long an answer took.
_TIMES = {"finished", "at", "seconds"}


async def enriched(app: Deployment) -> dict[str, Any]:
    """
    Enrich every incident there is, Sentinel's own included; return what each run `left`, and the comments.

    Raises AssertionError where a run is not done at once.
    """
    runs = {number: await app.ask(incidentId=number) for number in app.tenant.incidents}
    for source in app.tenant.standalone:
        runs[source["id"]] = await app.playbook(sentinel.trigger(app.tenant, source))
    found: dict[str, Any] = {}
    for number, run in runs.items():
        await work_on(app.tools, run)
        await app.done(run)
        found[number] = await left(app, run, *runs.values())
    return found | {"comments": commented(app, list(runs.values()))}


async def left(app: Deployment, run: str, *others: str) -> dict[str, Any]:
    """
    Return how a run ended, and the rows of each of its hunts as JSON and as CSV.

    Times are left out, how long answers took, and the ids of the run and of *others*. Rows are sorted, and so are those that a summary has:
    Kusto promises no order.
    """
    record = await app.read(run)
    assert record.done
    done = _plain(msgspec.to_builtins(record.done), {run, *others})
    for outcome in done["outcomes"]:
        outcome["found"]["firstRows"].sort(key=str)
    rows = {}
    for hunt, found in record.found.items():
        raw = await app.tools.runs.findings(run, hunt)
        if raw:
            table = json_rows(raw, found.rows, mask=False, hunt=hunt)
            lines = csv_rows(raw, found.rows, mask=False, hunt=hunt).decode().split("\r\n")
            rows[hunt] = table["columns"], sorted(map(str, table["rows"])), sorted(lines)
    return {"done": done, "found": sorted(record.found), "rows": rows}


def commented(app: Deployment, runs: Collection[str]) -> dict[str, list[str]]:
    """Return the comments on each incident, Defender's and Sentinel's, without the ids of these *runs*."""
    texts = {number: app.comments(number) for number in app.tenant.incidents}
    texts |= {each["id"]: app.sentinel_comments(each) for each in app.tenant.standalone}
    return {number: [_without(text, runs) for text in each] for number, each in texts.items()}


def _without(text: str, runs: Collection[str]) -> str:
    return _RUN_ID.sub(lambda found: "RUN" if found[0] in runs else found[0], text)


def _plain(value: Any, runs: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each, runs) for name, each in value.items() if name not in _TIMES}
    if isinstance(value, list | tuple):
        return [_plain(each, runs) for each in value]
    return _without(value, runs) if isinstance(value, str) else value


def differences(one: Any, two: Any, path: str = "") -> list[str]:
    """Return where two values differ, each as its path and both sides."""
    if isinstance(one, dict) and isinstance(two, dict):
        return [
            text
            for name in sorted(one.keys() | two.keys())
            for text in differences(one.get(name), two.get(name), f"{path}/{name}")
        ]
    if isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        pairs = enumerate(zip(one, two, strict=True))
        return [text for n, (a, b) in pairs for text in differences(a, b, f"{path}/{n}")]
    return [] if one == two else [f"{path}: {str(one)[:200]} | {str(two)[:200]}"]
