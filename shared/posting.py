"""
Post a comment once, whoever else is about to.

The right to post is a create-only claim per incident and digest. It belongs to one run; another run leaves it alone.
The same run, delivered again or twice at once, looks for the marker on the incident first and takes a claim over
only when the one before it is too old to be still posting.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from . import comment
from .contracts import CommentResult
from .errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from .runs import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from .graph import Graph, Incident
    from .runs import Runs

_POSTING = 60.0
#: Longer than a post can take and clocks can differ; after it, whoever claimed is not posting any more.
_LEASE = timedelta(seconds=180)


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
) -> CommentResult:
    """
    Post *text* on the incident unless these findings stand there or another run has the right to.

    *fresh* is the incident if it was read just now; else it is read again, since it may have been merged or
    commented meanwhile. Raises PermissionDenied, Throttled or Unavailable where the run should wait.
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
    return CommentResult(incident.id, "written")


def _says(incident: Incident, digest: str) -> bool:
    return comment.is_posted((each.comment or "" for each in incident.comments or ()), digest)
