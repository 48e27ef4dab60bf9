"""The sandbox's servers answer by this machine's own names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.responses import PlainTextResponse

from sandbox.loopback import local_only

if TYPE_CHECKING:
    from starlette.types import Message, Scope


OURS = ["127.0.0.1", "127.0.0.1:7071", "localhost", "LOCALHOST:1", "[::1]", "[::1]:7071"]
OTHERS = [
    "evil.example", "evil.example:7071", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
    "evil-localhost", "127.0.0.2", "10.0.0.1", "192.0.2.1:7071", "::1", "[::2]", "localhost:", "localhost:x", " localhost", "",
]  # fmt: skip


async def status(*hosts: bytes) -> int:
    """Return the status that a call with these `Host` headers is answered with."""
    sent: list[Message] = []

    async def receive() -> Message:
        """Give an empty body."""
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        """Keep what is answered."""
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"host", host) for host in hosts],
    }
    await local_only(PlainTextResponse("ours"))(scope, receive, send)
    found: int = sent[0]["status"]
    return found


@pytest.mark.fault("B14", before="assert 421 == 200, for every name")
@pytest.mark.parametrize(("host", "expected"), [*((h, 200) for h in OURS), *((h, 421) for h in OTHERS)])
async def test_a_call_by_another_name_is_refused(host: str, expected: int) -> None:
    """With any port: a page whose name was made to lead here has its own name in `Host`."""
    assert expected == await status(host.encode())


async def test_a_call_has_one_name() -> None:
    """Without one, or with two, it is refused."""
    assert (421, 421) == (await status(), await status(b"localhost", b"localhost"))


def test_the_sandboxs_host_is_behind_the_check(http: httpx.Client) -> None:
    """Its functions, its queues and its own page alike."""
    paths = ("/api/health", "/devstoreaccount1/urgent/messages", "/", "/admin/functions/SweepFleet")
    answers = {http.get(path, headers={"host": "evil.example"}).status_code for path in paths}

    assert {421} == answers
    assert http.get("/api/health").is_success
