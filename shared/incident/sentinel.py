"""
Post a comment on an incident that only Microsoft Sentinel has, once, as long as it takes more comments.

A comment's name is derived from the incident and the digest of its findings, so the same findings are the
same comment, whichever run writes them and however often.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.catalog.query import portal_links
from shared.comment.html import render_html
from shared.errors import GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.model.record import CommentResult
from shared.sentinel.client import COMMENT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.comment.content import Content
    from shared.model.record import Plan
    from shared.sentinel.client import Arm
    from shared.tools import Tools

_LAST = (
    f"This is comment {COMMENT_LIMIT}, the last that Microsoft Sentinel takes on an incident: "
    "what later runs find is in their reports alone"
)


async def comment_in_sentinel(tools: Tools, plan: Plan, content: Content, digest: str) -> CommentResult:
    """
    Post *content* on the plan's incident as HTML, with links to the queries; see `post_once`.

    *digest* identifies the findings (`marker.digest`).
    """

    def render(last: bool) -> str:  # noqa: FBT001  (post_once passes it by position)
        notes = (*content.notes, _LAST) if last else content.notes
        return render_html(
            replace(content, notes=notes, portal=portal_links(plan, tools.catalog, tools.settings)),
            max_chars=tools.settings.comment_max_chars,
            mask=tools.settings.masks,
        )

    return await post_once(
        tools.arm, run_id=content.run_id, arm_id=plan.incident_id, digest=digest, render=render
    )


async def post_once(
    arm: Arm, *, run_id: str, arm_id: str, digest: str, render: Callable[[bool], str]
) -> CommentResult:
    """
    Write a comment on an incident, unless the comment of these findings, *digest*, is there already.

    *render* returns the comment's HTML; it is called with True if this is the last comment that the incident
    takes, the 100th. Returns *written*, *alreadyThere*, or *failed* if the incident is full or Sentinel
    refuses the comment. Raises PermissionDenied, Throttled, TimedOut or Unavailable if the comment may be
    taken later.
    """
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"outrider:{arm_id.lower()}:{digest}"))
    try:
        comments = await arm.get_comments(arm_id)
        if name in comments:
            # A comment names its run: this run wrote it, in an earlier delivery.
            if run_id in comments[name]:
                return CommentResult(arm_id, "written")
            return CommentResult(arm_id, "alreadyThere", "these findings stand on the incident")
        if len(comments) >= COMMENT_LIMIT:
            reason = f"the incident has {len(comments)} comments, and Microsoft Sentinel takes no more"
            return CommentResult(arm_id, "failed", reason)
        # In a thread, so that other runs go on meanwhile.
        html = await asyncio.to_thread(render, len(comments) == COMMENT_LIMIT - 1)
        await arm.put_comment(arm_id, name, html)
    except (PermissionDenied, Throttled, TimedOut, Unavailable):
        raise
    except GraphError as error:
        reason = f"Microsoft Sentinel refused the comment ({error.status or 'unreadable'}): {error.message}"
        return CommentResult(arm_id, "failed", reason)
    return CommentResult(arm_id, "written")
