"""
Comment on the open incidents on whose devices a sweep found something new.

Only hunts with `sweep.comment` are considered, only their new rows, and of those only the rows that no run on
the incident has found before: the ledger names the runs that hunted on it, and their findings hold the rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.catalog.select import ledger_keys
from shared.comment.content import Content
from shared.errors import GivenUp, GraphError, NotFound
from shared.incident.posting import post
from shared.incident.reading import from_defender
from shared.model.entity import Chosen, Device, same_device
from shared.model.incident import Snapshot
from shared.model.outcome import DeviceEnding, Outcome
from shared.model.record import CommentResult, Plan
from shared.outcomes.reading import Column, cell_text, decode_answer, decode_rows, summarize

from .asking import wait_or_give_up
from .rows import new_rows

if TYPE_CHECKING:
    from shared.incident.reading import Subject
    from shared.model.hunt import Hunt
    from shared.model.incident import Incident
    from shared.model.record import Work
    from shared.tools import Tools

    from .record import SweepRecord
    from .summary import SweepSummary

log = logging.getLogger("outrider")

_KEPT = timedelta(days=30)
_AT_ONCE = 8
#: Columns with counts, which do not tell one row from another.
_COUNT_COLUMNS = frozenset({"Connections", "Days"})


class Announcement(Struct, frozen=True):
    """What one sweep posts on one incident; stored first, so that a repeated delivery posts the same."""

    chosen: Chosen
    outcomes: tuple[Outcome, ...]


class _News(Struct, frozen=True):
    """The new rows of one hunt, at most MAX_ROWS."""

    hunt: Hunt
    summary: SweepSummary
    schema: list[Column]
    rows: list[dict[str, Any]]


async def comment_on_incidents(
    tools: Tools, work: Work, record: SweepRecord, summaries: tuple[SweepSummary, ...], *, again: bool
) -> tuple[CommentResult, ...]:
    """
    Post new rows on the open incidents of their devices, at most one comment per incident and sweep.

    Incidents updated in the last 30 days are read, up to 8 at a time. Returns a result for each incident that
    had something to post or could not be read; if incidents cannot be listed, one *failed* result with an
    empty id. Raises Waiting if Graph may answer later.
    """
    news = [found for summary in summaries if (found := await _news(tools, record, summary))]
    if not news or tools.settings.comments == "off" or not work.comment:
        return ()
    try:
        listed = await tools.graph.list_incidents(tools.now() - _KEPT)
    except GraphError as error:
        return (_unread(tools, error, ""),)
    gate = asyncio.Semaphore(_AT_ONCE)
    opened = sorted(incident.id for incident in listed.incidents if not incident.is_closed)
    read = await asyncio.gather(*(_read(tools, gate, each) for each in opened))
    results = []
    for each in read:
        if isinstance(each, CommentResult):
            results.append(each)
        elif each:
            result = await _comment_on(tools, work, record, news, each, again=again)
            results += [result] if result else []
    return tuple(results)


async def _news(tools: Tools, record: SweepRecord, summary: SweepSummary) -> _News | None:
    hunt = tools.catalog.by_name.get(summary.hunt)
    if not (summary.new_rows and hunt and hunt.sweep and hunt.sweep.comment):
        return None
    schema: list[Column] = []
    rows: list[dict[str, Any]] = []
    for part in await record.whole(hunt.name):
        answer = await asyncio.to_thread(decode_answer, await record.rows(hunt.name, part))
        schema = schema or answer.schema
        new = new_rows(answer, hunt.sweep.new, summary.new_since)
        rows += [row for _, row in islice(new, tools.settings.max_rows - len(rows))]
    return _News(hunt, summary, schema, rows)


async def _read(tools: Tools, gate: asyncio.Semaphore, incident_id: str) -> Snapshot | CommentResult | None:
    async with gate:
        try:
            return Snapshot(await tools.graph.get_incident(incident_id), time.monotonic())
        except NotFound:
            return None
        except GraphError as error:
            return _unread(tools, error, incident_id)


def _unread(tools: Tools, error: GraphError, incident_id: str) -> CommentResult:
    raised = wait_or_give_up(tools, error)
    if not isinstance(raised, GivenUp):
        raise raised from error
    return CommentResult(incident_id, "failed", str(raised))


async def _comment_on(
    tools: Tools,
    work: Work,
    record: SweepRecord,
    news: list[_News],
    snapshot: Snapshot,
    *,
    again: bool,
) -> CommentResult | None:
    incident = snapshot.incident
    raw = await record.announcement(incident.id)
    said = msgspec.json.decode(raw, type=Announcement) if raw else await _choose(tools, news, incident)
    if not said.outcomes:
        return None
    if not raw:
        said = msgspec.json.decode(
            await record.keep_announcement(incident.id, msgspec.json.encode(said)), type=Announcement
        )
    since = news[0].summary.new_since
    content = Content(
        work.run_id,
        said.chosen,
        said.outcomes,
        tools.catalog.by_name,
        notes=(f"From a sweep of the whole fleet: first seen after {since:%Y-%m-%d %H:%M} UTC",),
        report_url=tools.report_url(work.run_id),
    )
    plan = Plan(incident_id=incident.id, chosen=said.chosen)
    return await post(tools, work, plan, content, snapshot, again=again)


async def _choose(tools: Tools, news: list[_News], incident: Incident) -> Announcement:
    """Choose the rows about the incident's devices that no run on the incident has found before."""
    about = from_defender(incident, incident.id, tools.limits, private=False)
    outcomes: list[Outcome] = []
    hit: dict[Device, None] = {}
    for each in news:
        rows = [row for row in each.rows if any(_is_of(device, row) for device in about.chosen.devices)]
        if rows:
            rows = await _not_yet_found(tools, about, each, rows)
        if rows:
            devices = [d for d in about.chosen.devices if any(_is_of(d, row) for row in rows)]
            outcomes.append(_outcome(each, rows, devices))
            hit.update(dict.fromkeys(devices))
    return Announcement(Chosen(tuple(hit)), tuple(outcomes))


async def _not_yet_found(
    tools: Tools, about: Subject, news: _News, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Leave out the rows that earlier runs on the incident found, compared by the columns that both have."""
    hunt = news.hunt
    mine = set(ledger_keys(hunt, about.chosen))
    entries = await tools.ledger.entries(f"{about.provider}-{about.id}")
    for run_id in {entry.run_id for entry in entries if entry.closed and mine.intersection(entry.ended)}:
        raw = await tools.runs.findings(run_id, hunt.name)
        if not raw:
            continue
        answer = await asyncio.to_thread(decode_answer, raw)
        names = {column.name for column in answer.schema}
        shared = [name for name in _identity_columns(news) if name in names]
        found = {_identity(row, shared) for row in decode_rows(answer)}
        rows = [row for row in rows if _identity(row, shared) not in found]
    return rows


def _outcome(news: _News, rows: list[dict[str, Any]], devices: list[Device]) -> Outcome:
    hunt = news.hunt
    answer = msgspec.json.encode({"schema": news.schema, "results": rows})
    found = summarize(hunt, answer, max_rows=len(rows), seconds=0)
    # Without times and counts: a later sweep of the same day gives the same rows the same digest.
    identities = sorted(_identity(row, _identity_columns(news)) for row in rows)
    return Outcome(
        hunt.name,
        hunt.title,
        "found",
        "",
        news.summary.window,
        tuple(DeviceEnding(device.label, "found") for device in devices),
        replace(found, digest=hashlib.sha256(msgspec.json.encode(identities)).hexdigest()),
        hunt.id,
        hunt.version,
    )


def _identity_columns(news: _News) -> list[str]:
    """Return the columns that tell one row from another at any time: no times, and no counts."""
    return [c.name for c in news.schema if c.type != "DateTime" and c.name not in _COUNT_COLUMNS]


def _identity(row: dict[str, Any], columns: list[str]) -> tuple[str, ...]:
    return tuple([cell_text(row.get(name)) for name in columns])


def _is_of(device: Device, row: dict[str, Any]) -> bool:
    return same_device(device, cell_text(row.get("DeviceId")), cell_text(row.get("DeviceName")))
