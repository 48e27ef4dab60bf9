"""
Comment on the open incidents on whose devices a sweep found something new.

Only hunts with `sweep.comment` are considered, only their new rows, and of those only the rows that no run on
the incident has found before: the ledger names the runs that hunted on it, and their findings hold the rows.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.catalog.select import ledger_keys
from shared.comment.content import Content
from shared.comment.places import joined
from shared.errors import GraphError
from shared.incident.posting import post
from shared.model.entity import Chosen, Device
from shared.model.outcome import DeviceEnding, Outcome
from shared.model.record import CommentResult, Plan
from shared.outcomes.answer import Answer
from shared.outcomes.reading import decode_answer, decode_rows
from shared.outcomes.summarizing import summarize

from .ending import count
from .incidents import Affected, find_affected
from .news import News, Wanted, find_devices, gather, identity, share_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.incident.reading import Subject
    from shared.model.record import Work
    from shared.tools import Tools

    from .news import Named
    from .record import SweepRecord
    from .summary import SweepSummary


class Announcement(Struct, frozen=True):
    """What one sweep posts on one incident; stored first, so that a repeated delivery posts the same."""

    chosen: Chosen
    outcomes: tuple[Outcome, ...]


class Comments(Struct, frozen=True):
    """What became of a sweep's comments, and sentences for its report about rows that are in none."""

    results: tuple[CommentResult, ...] = ()
    notes: tuple[str, ...] = ()


class _Told(Struct, frozen=True):
    """What a comment says of one hunt, about which devices, and how many rows there are in all."""

    incident_id: str
    devices: tuple[Device, ...]
    outcome: Outcome
    total: int


async def comment_on_incidents(
    tools: Tools, work: Work, record: SweepRecord, summaries: tuple[SweepSummary, ...], *, again: bool
) -> Comments:
    """
    Post new rows on the open incidents of their devices, at most one comment per incident and sweep.

    A comment has at most MAX_ROWS rows of a hunt, shared fairly by the incident's devices; if that leaves any
    out, the comment says so, and a note. Returns a result for each incident that had something to post or could
    not be read; with an empty id, a *failed* one if incidents cannot be listed, or rows are no longer there.
    Raises Waiting if Graph may answer later.
    """
    every = [news for summary in summaries if (news := _news(tools, summary))]
    if not every or tools.settings.comments == "off" or not work.comment:
        return Comments()
    trouble = [why for news in every for why in await find_devices(tools, record, news)]
    affected, results = await find_affected(
        tools, lambda device: any(news.devices.like(device) for news in every)
    )
    notes = [_nameless(news) for news in every if news.summary.nameless]
    found: dict[str, list[_Told]] = {each.about.id: [] for each in affected}
    for news in every:
        wishes, wanted = await _wish(tools, news, affected)
        trouble += await gather(tools, record, news, wanted)
        told = [_tell(news, incident_id, mine) for incident_id, mine in wishes.items() if _has_rows(mine)]
        for each in told:
            found[each.incident_id].append(each)
        notes += _cut(news, [each for each in told if each.outcome.found.more])
    results += [
        CommentResult("", "failed", f"incidents may lack a comment: {why}") for why in dict.fromkeys(trouble)
    ]
    for subject in affected:
        result = await _comment_on(
            tools, work, record, every[0].summary, subject, found[subject.about.id], again=again
        )
        results += [result] if result else []
    return Comments(tuple(results), tuple(notes))


def _news(tools: Tools, summary: SweepSummary) -> News | None:
    hunt = tools.catalog.by_name.get(summary.hunt)
    if not (summary.new_rows and hunt and hunt.sweep and hunt.sweep.comment):
        return None
    return News(hunt, summary)


async def _wish(
    tools: Tools, news: News, affected: list[Affected]
) -> tuple[dict[str, dict[Device, Wanted]], dict[Named, list[Wanted]]]:
    """Return what each incident wants of a hunt's new rows, by its devices, and by the devices of the rows."""
    hits = {
        each.about.id: {d: named for d in each.about.chosen.devices if (named := news.devices.like(d))}
        for each in affected
    }
    every = sum(map(len, hits.values()))
    wishes: dict[str, dict[Device, Wanted]] = {}
    wanted: dict[Named, list[Wanted]] = {}
    for each in affected:
        mine = hits[each.about.id]
        if not mine:
            continue
        is_known = await _known(tools, each.about, news)
        limit = share_of(tools.settings.max_rows, len(mine), every)
        wishes[each.about.id] = {device: Wanted(limit, is_known) for device in mine}
        # An incident may have a device twice, once by its name alone: its rows are wanted once.
        once = {n: wishes[each.about.id][device] for device, named in reversed(mine.items()) for n in named}
        for one, rows in once.items():
            wanted.setdefault(one, []).append(rows)
    return wishes, wanted


async def _known(tools: Tools, about: Subject, news: News) -> Callable[[dict[str, Any]], bool]:
    """
    Return a function that tells whether an earlier run on the incident found a row.

    Rows are compared by the columns that both have.
    """
    mine = set(ledger_keys(news.hunt, about.chosen))
    entries = await tools.ledger.entries(f"{about.provider}-{about.id}")
    earlier: list[tuple[list[str], set[tuple[str, ...]]]] = []
    for run_id in {entry.run_id for entry in entries if mine.intersection((*entry.ended, *entry.looked))}:
        raw = await tools.runs.findings(run_id, news.hunt.name)
        try:
            answer = await asyncio.to_thread(decode_answer, raw or b"", news.hunt.name)
        except GraphError:
            continue  # A row that nobody can compare is rather commented twice than never.
        names = {column.name for column in answer.schema}
        shared = [name for name in news.identity_columns if name in names]
        earlier.append((shared, {identity(row, shared) for row in decode_rows(answer)}))
    return lambda row: any(identity(row, shared) in found for shared, found in earlier)


def _has_rows(mine: dict[Device, Wanted]) -> bool:
    return any(wanted.count for wanted in mine.values())


def _tell(news: News, incident_id: str, mine: dict[Device, Wanted]) -> _Told:
    """Return what a comment says of a hunt: its rows, and whether there are more."""
    hunt = news.hunt
    devices = tuple(device for device, wanted in mine.items() if wanted.count)
    rows = [raw for wanted in mine.values() for raw in wanted.rows]
    total = sum(wanted.count for wanted in mine.values())
    answer = Answer(news.schema, rows)
    found = summarize(hunt, answer, max_rows=len(rows), seconds=0)
    # Without times and counts: a later sweep of the same day gives the same rows the same digest.
    identities = sorted(identity(row, news.identity_columns) for row in decode_rows(answer))
    digest = hashlib.sha256(msgspec.json.encode(identities)).hexdigest()
    outcome = Outcome(
        hunt.name,
        hunt.title,
        "found",
        "",
        news.summary.window,
        tuple(DeviceEnding(device.label, "found") for device in devices),
        replace(found, digest=digest, more=total > len(rows)),
        hunt.id,
        hunt.version,
        hunt.role,
        hunt.severity,
    )
    return _Told(incident_id, devices, outcome, total)


def _nameless(news: News) -> str:
    rows = count(news.summary.nameless, "new row")
    return f"{news.hunt.name}: {rows} without a device's id or name, for which no incident can be found"


def _cut(news: News, told: list[_Told]) -> list[str]:
    """Return a note if comments leave rows out."""
    if not told:
        return []
    on = joined([each.incident_id for each in told], "incident")
    kept, total = sum(each.outcome.found.rows for each in told), sum(each.total for each in told)
    one = len(told) == 1
    who = f"the comment on incident {on} has" if one else f"the comments on incidents {on} have"
    return [f"{news.hunt.name}: {who} {kept:,} of {count(total, 'new row')} (MAX_ROWS)"]


async def _comment_on(
    tools: Tools,
    work: Work,
    record: SweepRecord,
    summary: SweepSummary,
    each: Affected,
    told: list[_Told],
    *,
    again: bool,
) -> CommentResult | None:
    raw = await record.announcement(each.about.id)
    if not raw:
        if not told:
            return None
        devices = dict.fromkeys(device for one in told for device in one.devices)
        fresh = Announcement(Chosen(tuple(devices)), tuple(one.outcome for one in told))
        raw = await record.keep_announcement(each.about.id, msgspec.json.encode(fresh))
    said = msgspec.json.decode(raw, type=Announcement)
    content = Content(
        work.run_id,
        said.chosen,
        said.outcomes,
        tools.catalog.by_name,
        notes=(f"From a sweep of the whole fleet: first seen after {summary.new_since:%Y-%m-%d %H:%M} UTC",),
        report_url=tools.report_url(work.run_id),
    )
    plan = Plan(incident_id=each.about.id, chosen=said.chosen)
    return await post(tools, work, plan, content, each.snapshot, again=again)
