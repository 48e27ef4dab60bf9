"""
Decide whether a run comments on its incident, and what happens if the comment cannot be posted.

`defender` and `sentinel` do the posting; this is the policy that both share.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from shared.catalog.select import finding_keys
from shared.comment import marker
from shared.errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.model.record import CommentResult
from shared.state.earlier import upgrade_finding

from . import defender, sentinel, waiting

if TYPE_CHECKING:
    from shared.comment.content import Content
    from shared.model.incident import Snapshot
    from shared.model.outcome import Outcome
    from shared.model.record import Plan, Work
    from shared.tools import Tools

log = logging.getLogger("outrider")

#: Seconds. An incident that was read longer ago may have been merged or commented on since.
_FRESH = 30.0


async def post(
    tools: Tools,
    work: Work,
    plan: Plan,
    content: Content,
    snapshot: Snapshot | None,
    *,
    again: bool,
    posting: bool = True,
) -> CommentResult:
    """
    Post *content* as a comment on the plan's incident, and return what became of it.

    A *snapshot* that is less than 30 seconds old saves reading the incident, unless the run is worked on
    *again*. The comment is *off* if there is nothing to post. Without *posting* nothing is sent, and a
    comment that was due is *failed*. Raises Waiting if the comment can be posted later.
    """
    if reason := _why_not(tools, work, plan, content):
        return CommentResult(plan.incident_id, "off", reason)
    if not posting:
        return CommentResult(
            plan.incident_id, "failed", "the run ended before it was known whether its comment was written"
        )
    digest = marker.digest(content.outcomes, content.chosen)
    fresh = snapshot if snapshot and not again and time.monotonic() - snapshot.read_at < _FRESH else None
    try:
        if plan.provider == "sentinel":
            result = await sentinel.comment_in_sentinel(tools, plan, content, digest)
        else:
            incident = fresh.incident if fresh else None
            result = await defender.comment_in_defender(tools, plan, content, digest, incident)
    except GraphError as error:
        log.warning("comment: %s %s %s", type(error).__name__, error.status, error.request_id)
        reason = waiting.why_given_up(tools, error)
        if not reason and isinstance(error, PermissionDenied | Throttled | Unavailable | TimedOut):
            raise waiting.wait_for(error) from error
        return CommentResult(plan.incident_id, "failed", reason or error.message)
    # The metric is the wait for an incident's first comment; one that a person asked for does not count, nor one
    # of a sweep, which comes to incidents of any age.
    first = work.kind == "enrichment" and work.only_new and not plan.follow_up
    if result.status == "written" and plan.opened and first:
        tools.telemetry.commented(tools.now() - plan.opened)
    return result


def _why_not(tools: Tools, work: Work, plan: Plan, content: Content) -> str:
    """Return why there is nothing to post; '' if there is something."""
    if tools.settings.comments == "off":
        return "COMMENTS is off"
    if not work.comment:
        return "the request said comment: false"
    if not content.outcomes and (plan.follow_up or work.source == "late"):
        return "there is nothing left to hunt for, so there is nothing to say"
    if not content.outcomes and plan.failure:
        return plan.failure
    if not content.outcomes and not tools.settings.tells_of_nothing:
        return "there is nothing to hunt for, and COMMENT_NOTHING_TO_HUNT is off"
    if plan.follow_up and not any(_is_news(outcome, plan, content) for outcome in content.outcomes):
        return "nothing was found beyond what the incident's earlier comments say"
    return ""


def _is_news(outcome: Outcome, plan: Plan, content: Content) -> bool:
    """Tell whether an outcome is worth another comment on an incident that has one."""
    if outcome.outcome == "notRun":
        return outcome.hunt not in plan.tried
    hunt = content.hunts.get(outcome.hunt)
    return outcome.outcome == "found" and not (
        hunt and finding_keys(hunt, outcome.found) <= frozenset(map(upgrade_finding, plan.told))
    )
