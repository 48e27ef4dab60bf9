"""Show one hunt in an incident's comment: the last part of the demo, for whoever writes the hunt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.calls import RUN_LIMIT, body_of, comments_of, follow, show
from sandbox.host.processes import DemoFailed
from sandbox.hunts.staging import plain
from shared.comment.cells import write_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from sandbox.hunts.staging import Staged

_TOLD = 3  # rows that a failure repeats


def show_hunt(tenant: httpx.Client, app: httpx.Client, staged: Staged) -> None:
    """
    Ask the app for the hunt on its incident, which is open, and print the comment in which its rows stand.

    It is asked for by name, since MAX_HUNTS may have left it out when the watch found the incident. Raises DemoFailed, with
    what was found instead, unless a row that the hunt returned for its case's rows alone is among its findings, and in the
    comment.
    """
    name, number = staged.hunt.name, staged.stage.incident["id"]
    print(f"\n{what_was_done(staged)}")
    body: dict[str, Any] = {"incidentId": number, "hunts": [name]}
    if staged.indicators:
        body["indicators"] = [{"kind": one.kind, "value": one.value} for one in staged.indicators]
    print(f"POST {str(app.base_url).rstrip('/')}/api/enrich {msgspec.json.encode(body).decode()}", flush=True)
    started = time.monotonic()
    done = follow(app, app.post("/api/enrich", json=body), started + RUN_LIMIT)
    print(f"Done in {time.monotonic() - started:.1f} s: {done['verdict']}\n")
    show(done)
    ended: Mapping[str, Any] = next((one for one in done["hunts"] if one["hunt"] == name), {})
    found = []
    if ended.get("rows"):
        address = f"/api/runs/{done['runId']}/findings"
        found = body_of(app.get(address, params={"hunt": name}))["rows"]
    comment = comment_on(name, comments_of(tenant, number), done["runId"])
    if comment:
        if not _is_of(comment, done["runId"]):
            print("\nIt wrote no comment of its own, since what it found stands on the incident already.")
        print(f"\nThe comment, as incident {number} now holds it:\n")
        print(*(f"    {line}".rstrip() for line in comment.splitlines()), sep="\n")
    if problem := why_not_shown(staged, ended, found, comment):
        raise DemoFailed(problem)


def what_was_done(staged: Staged) -> str:
    """Say in one line what was put where."""
    count, others = staged.count, staged.others
    rows = (
        "1 row of its first case was"
        if (count or others) == 1
        else f"{count or others} rows of its first case were"
    )
    place = f"onto {staged.stage.short}" if count else "into the fleet's telemetry, about no device of it"
    beside = f", and {others} more into the fleet's telemetry" if count and others else ""
    return (
        f"{staged.hunt.name}: {rows} put {place}{beside}; see {'it' if count + others == 1 else 'them'} in incident "
        f"{staged.stage.incident['id']}'s comment below"
    )


def comment_on(hunt: str, comments: Sequence[str], run_id: str) -> str:
    """Return the comment of a run; where it wrote none, since what it found stands there already, the last that tells of it."""
    for comment in reversed(comments):
        if _is_of(comment, run_id):
            return comment
    return next((comment for comment in reversed(comments) if _tells(comment, hunt)), "")


def why_not_shown(
    staged: Staged, ended: Mapping[str, Any], found: Sequence[Mapping[str, Any]], comment: str
) -> str:
    """
    Say why the case's rows cannot be read in a *comment*, and what was *found* instead; '' if they can.

    *ended* is how the hunt ended, and *found* its rows, as the app gives them out.
    """
    put = f"{what_was_done(staged).partition(';')[0]}, but"
    if ended.get("outcome") != "found":
        how = ended.get("outcome", "not among the hunts of the run")
        reason = f": {ended['reason']}" if ended.get("reason") else ""
        return f"{put} nothing was found of them: it ended as {how}{reason}"
    rows = [row for row in staged.wanted if any(_is(row, other) for other in found)]
    if not rows:
        told = "; ".join(_written(row) for row in found[:_TOLD])
        return (
            f"{put} among the {len(found)} found is no row like {_written(staged.wanted[0])}, but {told}. "
            "A query that counts may have counted it together with what the fleet holds already"
        )
    if not any(_shows(comment, staged, row) for row in rows):
        limit = (
            " Of a hunt with role: context, a comment shows four rows"
            if staged.hunt.role == "context"
            else ""
        )
        return f"{put} no comment shows {_written(rows[0])}, which is one of {len(found)} found.{limit}"
    return ""


def _is(wanted: Mapping[str, str], row: Mapping[str, Any]) -> bool:
    return all(name in row and plain(row[name]) == plain(value) for name, value in wanted.items())


def _shows(comment: str, staged: Staged, row: Mapping[str, str]) -> bool:
    """Tell whether a comment tells of the hunt, and has the row's values as it writes them, but for device and times."""
    columns = staged.hunt.columns
    cells = [
        write_cell(name, value, mask=True)
        for name, value in row.items()
        if value and not name.startswith("Device") and name not in staged.times
        if not columns or name in columns
    ]
    # Without `columns` in its file, a comment has the first six alone.
    shown = all if columns else any
    return _tells(comment, staged.hunt.name) and (not cells or shown(cell in comment for cell in cells))


def _is_of(comment: str, run_id: str) -> bool:
    # A comment's last line names its run.
    return comment.split()[-2:-1] == [run_id]


def _tells(comment: str, hunt: str) -> bool:
    return f": {hunt}: " in comment or f"; {hunt}: " in comment


def _written(row: Mapping[str, Any]) -> str:
    shown = (f"{name}: {text}" for name, value in row.items() if (text := plain(value)))
    return f"[{', '.join(shown)}]"[:500]
