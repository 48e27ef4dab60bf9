"""Data as nobody should send it: what tests put into incidents, lists, comments and answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.watch import look

from .tenant import Deployment, Fleet

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Half of a surrogate pair, which JSON can hold as an escape, and UTF-8 cannot.
HALF = "\ud83d"
ESCAPE = b"\\ud83d"
#: The same half as bytes that are not UTF-8, as CESU-8 and WTF-8 have it.
CESU = b"\xed\xa0\xbd"
DEEP = b'{"a":' * 3_000 + b"[" * 3_000 + b"]" * 3_000 + b"}" * 3_000
HUGE = b"9" * 5_000

#: Values of a wrong type for nearly every field.
VALUES: tuple[Any, ...] = (
    None,
    True,
    7,
    1.5,
    -(10**30),
    "",
    "x",
    HALF,
    [],
    ["x"],
    [[]],
    {},
    {"x": {"y": []}},
)


class Patched:
    """An ASGI app that answers as *app* does, except that the first of each pair of bytes becomes the second."""

    def __init__(self, app: ASGIApp, patches: dict[bytes, bytes]) -> None:
        self._app, self._patches = app, patches
        self.hits = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call; `hits` counts the replacements so far."""

        async def patched(message: Message) -> None:
            """Send a part of the answer, changed."""
            for old, new in self._patches.items():
                self.hits += message.get("body", b"").count(old)
                message = message | ({"body": message["body"].replace(old, new)} if "body" in message else {})
            await send(message)

        await self._app(scope, receive, patched)


def through(app: Deployment, old: bytes, new: bytes) -> Patched:
    """Let *new* come back for *old* in the answers to all calls from now on."""
    patched = Patched(app.app, {old: new})
    app.app = patched
    app.tools = app.worker()
    return patched


async def only_empty(fleet: Fleet) -> Deployment:
    """Return Outrider in a tenant without incidents, whose first look is over."""
    app = Deployment(fleet, planted_open=False, HUNTS_PER_MINUTE="1000")
    await look(app.tools)
    app.clock = app.now() + timedelta(minutes=1)
    return app
