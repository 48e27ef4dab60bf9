"""
A comment on an incident of Defender's, posted once, whoever else is about to.

The right to post is a create-only claim per incident and digest. It belongs to one run; another run leaves it alone.
The same run, delivered again or twice at once, looks for the marker on the incident first and takes a claim over
only when the one before it is too old to be still posting.
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

#: Seconds that Graph is given to take a comment.
_POSTING = 60.0
#: Longer than a post can take and clocks can differ; after it, whoever claimed is not posting any more.
_LEASE = timedelta(seconds=180)


async def comment_in_defender(
    tools: Tools, plan: Plan, content: Content, digest: str, fresh: Incident | None
) -> CommentResult:
    """
    Post what *content* says on the plan's incident, unless it stands there or another run has the right to.

    *digest* is that of the findings (`marker.digest`). *fresh* is the incident if it was read just now; else it is
    read again, since it may have been merged or commented meanwhile. Raises PermissionDenied, Throttled, TimedOut or
    Unavailable where the comment may be taken later; any other refusal is a *failed* comment.
    """
    asked = plan.incident_id
    incident = fresh or await tools.graph.get_incident(asked)
    if fresh is None and _says(incident, digest):
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
        # Graph may have taken it all the same.
        if _says(await tools.graph.get_incident(asked), digest):
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
    Take the right to post, and return the incident as it was last read; or say why there is nothing to post.

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
        # Claimed by this very run: an earlier delivery, or another worker that is at it now.
        incident = await tools.graph.get_incident(asked)
        if _says(incident, digest):
            return CommentResult(incident.id, "written")
        left = holder.at + _LEASE - tools.now()
        if left > timedelta(0):
            raise Throttled(
                "another worker is posting this comment", retry_after=left.total_seconds(), status=0
            )
        attempt += 1


def _says(incident: Incident, digest: str) -> bool:
    return marker.is_posted((each.comment or "" for each in incident.comments or ()), digest)
