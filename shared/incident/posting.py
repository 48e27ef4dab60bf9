"""
Post a comment once, whoever else is about to.

The right to post is a create-only claim per incident and digest. It belongs to one run; another run leaves it alone.
The same run, delivered again or twice at once, looks for the marker on the incident first and takes a claim over
only when the one before it is too old to be still posting.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.comment import html as comment_html
from shared.comment import marker
from shared.comment import text as comment_text
from shared.enrichment import planning
from shared.errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.model.record import CommentResult
from shared.sentinel import client as sentinel
from shared.state.runs import Claim

from . import reading as subject
from . import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.comment.saying import Content
    from shared.graph.answers import Incident
    from shared.graph.client import Graph
    from shared.model.record import Plan, Work
    from shared.state.runs import Runs
    from shared.tools import Tools

log = logging.getLogger("outrider")

_POSTING = 60.0
#: Longer than a post can take and clocks can differ; after it, whoever claimed is not posting any more.
_LEASE = timedelta(seconds=180)
#: An incident read longer ago may have been merged, or commented by someone else.
_FRESH = 30.0
_LAST = (
    f"This is comment {sentinel.COMMENT_LIMIT}, the last that Microsoft Sentinel takes on an incident: "
    "what later runs find is in their reports alone"
)


async def post(
    tools: Tools,
    work: Work,
    plan: Plan,
    content: Content,
    fresh: tuple[Incident, float] | None,
    *,
    again: bool,
    posting: bool,
) -> CommentResult:
    """
    Say on the plan's incident what was found, or say why not.

    *fresh* is the incident and when it was read (monotonic seconds). Raises Waiting where the comment can be
    written later.
    """
    if reason := _silent(tools, work, plan, content):
        return CommentResult(plan.incident_id, "off", reason)
    if not posting:
        return CommentResult(
            plan.incident_id, "failed", "the run ended before it was known whether its comment was written"
        )
    digest = marker.digest(content.outcomes, content.chosen)
    settings = tools.settings
    options: dict[str, Any] = {
        "max_chars": settings.comment_max_chars,
        "secrets": settings.mask_secrets == "on",
    }
    recent = fresh is not None and not again and time.monotonic() - fresh[1] < _FRESH
    try:
        if plan.provider == "sentinel":

            def render(last: bool) -> str:  # noqa: FBT001  (as sentinel.post_once calls it)
                notes = (*content.notes, _LAST) if last else content.notes
                return comment_html.render_html(
                    replace(content, notes=notes, portal=planning.portal(plan, tools.catalog, settings)),
                    **options,
                )

            result = await sentinel.post_once(
                tools.arm, run_id=work.run_id, arm_id=plan.incident_id, digest=digest, render=render
            )
            if result.status == "written" and work.sentinel:
                _time(tools, work, plan, work.sentinel.created)
            return result
        return await post_once(
            tools.graph,
            tools.runs,
            run_id=work.run_id,
            incident_id=plan.incident_id,
            text=comment_text.render_text(content, **options),
            digest=digest,
            fresh=fresh[0] if fresh and recent else None,
            now=tools.now,
            written=lambda incident: _time(tools, work, plan, subject.read_time(incident.created)),
        )
    except GraphError as error:
        log.warning("comment: %s %s %s", type(error).__name__, error.status, error.request_id)
        reason = waiting.given_up(error, tools.now() - work.requested)
        if not reason and isinstance(error, PermissionDenied | Throttled | Unavailable | TimedOut):
            raise waiting.until_it_passes(error) from error
        return CommentResult(plan.incident_id, "failed", reason or error.message)


def _silent(tools: Tools, work: Work, plan: Plan, content: Content) -> str:
    """Why there is nothing to post; empty where there is."""
    if tools.settings.comments == "off":
        return "COMMENTS is off"
    if not work.comment:
        return "the request said comment: false"
    if not content.outcomes:
        return "there is no device or indicator to hunt for, so there is nothing to say"
    news = (
        o.outcome == "found" or (o.outcome == "notRun" and o.hunt not in plan.tried) for o in content.outcomes
    )
    if plan.follow_up and not any(news):
        return "nothing was found beyond what the incident's earlier comments say"
    return ""


async def post_once(
    graph: Graph,
    runs: Runs,
    *,
    run_id: str,
    incident_id: str,
    text: str,
    digest: str,
    fresh: Incident | None,
    now: Callable[[], datetime],
    written: Callable[[Incident], None] = lambda _: None,
) -> CommentResult:
    """
    Post *text* on the incident unless these findings stand there or another run has the right to.

    *fresh* is the incident if it was read just now; else it is read again, since it may have been merged or
    commented meanwhile. *written* hears of the incident once it is commented. Raises PermissionDenied, Throttled or
    Unavailable where the run should wait.
    """
    read_again = fresh is None
    incident = fresh or await graph.get_incident(incident_id)
    if read_again and _says(incident, digest):
        return CommentResult(incident.id, "alreadyThere", "these findings stand on the incident")
    attempt = 1
    while True:
        mine = Claim(run_id, now())
        holder = await runs.claim(incident_id, digest, mine, attempt)
        if holder is mine:
            break
        if holder.run_id != run_id:
            return CommentResult(
                incident.id, "alreadyThere", f"run {holder.run_id} comments the same findings"
            )
        # Claimed by this very run: an earlier delivery, or another worker that is at it now.
        incident = await graph.get_incident(incident_id)
        if _says(incident, digest):
            return CommentResult(incident.id, "written")
        left = holder.at + _LEASE - now()
        if left > timedelta(0):
            raise Throttled(
                "another worker is posting this comment", retry_after=left.total_seconds(), status=0
            )
        attempt += 1
    try:
        await graph.add_comment(incident.id, text, within=_POSTING)
    except (PermissionDenied, Throttled):
        raise
    except (Unavailable, TimedOut) as error:
        # Graph may have taken it all the same.
        if _says(await graph.get_incident(incident_id), digest):
            return CommentResult(incident.id, "written", "Graph answered with an error, but took the comment")
        raise Unavailable(f"the comment was not taken: {error.message}", status=error.status) from error
    except GraphError as error:
        return CommentResult(
            incident.id, "failed", f"Graph refused the comment ({error.status}): {error.message}"
        )
    written(incident)
    return CommentResult(incident.id, "written")


def _time(tools: Tools, work: Work, plan: Plan, opened: datetime | None) -> None:
    """Tell how long an incident waited: not one that a person asked for, or that was commented before."""
    if opened and work.only_new and not plan.follow_up:
        tools.telemetry.commented(tools.now() - opened)


def _says(incident: Incident, digest: str) -> bool:
    return marker.is_posted((each.comment or "" for each in incident.comments or ()), digest)
