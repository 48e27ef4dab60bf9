"""
Post a comment on a Defender incident once, even if several workers try at the same time.

The right to post is a claim, an object that is created once per incident and digest. A claim that did not end
in a comment silences nobody: it is given back where Graph refuses the comment, and where its holder may have
died, whoever has the same findings first looks for the comment's marker on the incident, and takes the claim
over only when it is 60 seconds old, so that its holder cannot be posting any more.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.comment import marker
from shared.comment.text import render_text
from shared.errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.model.record import Claim, CommentResult
from shared.state.claims import Claims

if TYPE_CHECKING:
    from shared.comment.content import Content
    from shared.model.incident import Incident
    from shared.model.record import Plan
    from shared.tools import Tools

#: Seconds that Graph has to take a comment.
_POSTING = 30.0
#: Longer than a post can take and clocks can differ: the holder of an older claim is no longer posting.
_LEASE = timedelta(seconds=60)


async def comment_in_defender(
    tools: Tools, plan: Plan, content: Content, digest: str, fresh: Incident | None
) -> CommentResult:
    """
    Post *content* on the plan's incident, unless it is there already.

    *digest* identifies the findings (`marker.digest`). *fresh* is the incident if it was read just now;
    otherwise it is read again, since it may have been merged or commented on meanwhile. Returns *written*,
    *alreadyThere*, or *failed* if Graph refuses the comment. Raises PermissionDenied, Throttled, TimedOut or
    Unavailable if the comment may be taken later, Throttled also while another worker may be posting it; and
    GraphError if the incident cannot be read.
    """
    asked = plan.incident_id
    incident = fresh or await tools.graph.get_incident(asked)
    if result := _standing(incident, digest, content.run_id):
        return result
    claims = Claims(tools.store, asked, digest)
    claimed = await _claim(tools, claims, asked, digest, content.run_id, incident)
    if isinstance(claimed, CommentResult):
        return claimed
    incident, number = claimed
    settings = tools.settings
    # In a thread, so that other runs go on meanwhile.
    text = await asyncio.to_thread(
        render_text, content, max_chars=settings.comment_max_chars, mask=settings.masks
    )
    try:
        await tools.graph.add_comment(incident.id, text, within=_POSTING)
    except (Unavailable, TimedOut) as error:
        # Graph may have taken the comment although it answered with an error, or take it yet: the claim stays.
        if _standing(await tools.graph.get_incident(asked), digest, content.run_id):
            return CommentResult(incident.id, "written", "Graph answered with an error, but took the comment")
        raise Unavailable(f"the comment was not taken: {error.message}", status=error.status) from error
    except GraphError as error:
        await claims.give_back(number)
        if isinstance(error, PermissionDenied | Throttled):
            raise
        return CommentResult(
            incident.id, "failed", f"Graph refused the comment ({error.status}): {error.message}"
        )
    return CommentResult(incident.id, "written")


async def _claim(
    tools: Tools, claims: Claims, asked: str, digest: str, run_id: str, incident: Incident
) -> tuple[Incident, int] | CommentResult:
    """
    Claim the right to post; return the incident as it was last read and the claim's number.

    Returns a result instead if the comment was posted meanwhile. Raises Throttled while another worker may be
    posting it.
    """
    number = 1
    while not await claims.make(Claim(run_id, tools.now()), number):
        number, holder = await claims.last()
        if holder:
            # From an earlier delivery of this run or of another, or a worker is posting now.
            incident = await tools.graph.get_incident(asked)
            if result := _standing(incident, digest, run_id):
                return result
            left = holder.at + _LEASE - tools.now()
            if left > timedelta(0):
                mine = holder.run_id == run_id
                reason = (
                    "an earlier attempt of this run to post it may still get through"
                    if mine
                    else "another run is posting this comment"
                )
                raise Throttled(reason, retry_after=left.total_seconds(), status=0)
        number += 1
    return incident, number


def _standing(incident: Incident, digest: str, run_id: str) -> CommentResult | None:
    """Return the result for findings that stand on the incident; None if they do not."""
    by = marker.posted_by((each.comment or "" for each in incident.comments or ()), digest)
    if not by:
        return None
    if by == run_id:
        return CommentResult(incident.id, "written")
    return CommentResult(incident.id, "alreadyThere", f"these findings stand on the incident, from run {by}")
