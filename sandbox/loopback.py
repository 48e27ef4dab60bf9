"""
Answer calls by this machine's own names alone.

A page that a browser shows may have its name resolved anew, to 127.0.0.1 (DNS rebinding): then it reads what a local
server answers, as its own. Its name is still in `Host`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_OURS = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def local_only(app: ASGIApp) -> ASGIApp:
    """Return *app* behind a check: a call by another name than 127.0.0.1, localhost or [::1] is answered with 421."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and _OURS.fullmatch(hosts[0]):
            await app(scope, receive, send)
            return
        refusal = PlainTextResponse("for this machine only: call 127.0.0.1, localhost or [::1]\n", 421)
        await refusal(scope, receive, send)

    return checked
