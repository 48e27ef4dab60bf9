"""
Post a comment on a Defender incident once, even if several workers try at the same time.

The right to post is a claim, an object that is created once per incident and digest. It belongs to one run;
other runs leave it alone. The same run, delivered again or twice at once, first looks for the comment's
marker on the incident, and takes the claim over only when it is 180 seconds old, so that its holder cannot be
posting any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.comment import marker
from shared.comment.text import render_text
from shared.errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.model.record import Claim, CommentResult

if TYPE_CHECKING:
    from shared.comment.content import Content
    from shared.model.incident import Incident
    from shared.model.record import Plan
    from shared.tools import Tools

#: Seconds that Graph has to take a comment.
_POSTING = 60.0
#: Longer than a post can take and clocks can differ: the holder of an older claim is no longer posting.
_LEASE = timedelta(seconds=180)


async def comment_in_defender(
    tools: Tools, plan: Plan, content: Content, digest: str, fresh: Incident | None
) -> CommentResult:
    """
    Post *content* on the plan's incident, unless it is there already or another run has claimed it.

    *digest* identifies the findings (`marker.digest`). *fresh* is the incident if it was read just now;
    otherwise it is read again, since it may have been merged or commented on meanwhile. Returns *written*,
    *alreadyThere*, or *failed* if Graph refuses the comment. Raises PermissionDenied, Throttled, TimedOut or
    Unavailable if the comment may be taken later, Throttled also while another worker may be posting it; and
    GraphError if the incident cannot be read.
    """
    asked = plan.incident_id
    incident = fresh or await tools.graph.get_incident(asked)
    if fresh is None and _has_comment(incident, digest):
        return CommentResult(incident.id, "alreadyThere", "these findings stand on the incident")
    claimed = await _claim(tools, asked, content.run_id, digest, incident)
    if isinstance(claimed, CommentResult):
        return claimed
    incident = claimed
    settings = tools.settings
    text = render_text(content, max_chars=settings.comment_max_chars, mask=settings.masks)
    try:
        await tools.graph.add_comment(incident.id, text, within=_POSTING)
    except (PermissionDenied, Throttled):
        raise
    except (Unavailable, TimedOut) as error:
        # Graph may have taken the comment although it answered with an error.
        if _has_comment(await tools.graph.get_incident(asked), digest):
            return CommentResult(incident.id, "written", "Graph answered with an error, but took the comment")
        raise Unavailable(f"the comment was not taken: {error.message}", status=error.status) from error
    except GraphError as error:
        return CommentResult(
            incident.id, "failed", f"Graph refused the comment ({error.status}): {error.message}"
        )
    return CommentResult(incident.id, "written")


async def _claim(
    tools: Tools, asked: str, run_id: str, digest: str, incident: Incident
) -> Incident | CommentResult:
    """
    Claim the right to post, and return the incident as it was last read, or say why there is nothing to post.

    Raises Throttled while another worker may be posting this comment.
    """
    attempt = 1
    while True:
        mine = Claim(run_id, tools.now())
        holder = await tools.runs.claim(asked, digest, mine, attempt)
        if holder is mine:
            return incident
        if holder.run_id != run_id:
            return CommentResult(
                incident.id, "alreadyThere", f"run {holder.run_id} comments the same findings"
            )
        # This run holds the claim: from an earlier delivery, or in another worker that is posting now.
        incident = await tools.graph.get_incident(asked)
        if _has_comment(incident, digest):
            return CommentResult(incident.id, "written")
        left = holder.at + _LEASE - tools.now()
        if left > timedelta(0):
            raise Throttled(
                "another worker is posting this comment", retry_after=left.total_seconds(), status=0
            )
        attempt += 1


def _has_comment(incident: Incident, digest: str) -> bool:
    return marker.is_posted((each.comment or "" for each in incident.comments or ()), digest)
