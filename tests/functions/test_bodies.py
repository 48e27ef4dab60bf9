"""Bodies that a caller sent as it may, and that reach the app in another form, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.entities.choosing import Limits
from shared.entities.request import body_digest, parse_enrich, parse_sweep
from shared.errors import InvalidRequest
from shared.sentinel import body
from tests.support.sentinel_bodies import ARM_ID

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = b"\xef\xbb\xbf"
LIMITS = Limits(50, 100, frozenset())
BODIES = {
    "enrich": b'{"devices": ["srv-7"]}',
    "sweep": b'{"hunts": ["a"]}',
    "sentinel": f'{{"object": {{"id": "{ARM_ID}"}}}}'.encode(),
}


def enrich(sent: bytes) -> object:
    """Read a body of `POST /api/enrich`."""
    return parse_enrich(sent, LIMITS)


READERS = {"enrich": enrich, "sweep": parse_sweep, "sentinel": body.parse}


@pytest.mark.fault("H6", before="'the body is empty: send a JSON object', to a caller who had sent one")
@pytest.mark.parametrize("call", READERS.values(), ids=READERS)
@pytest.mark.parametrize("sent", [b"", b" \n", MARK])
def test_an_empty_body_may_be_one_that_the_host_dropped(call: Callable[[bytes], object], sent: bytes) -> None:
    """
    The message says that the Functions host drops bodies in chunks, and to send Content-Length.

    azure-functions-host #4926, #7930: chunked requests are not supported for workers of other processes. No header
    tells the function, so the message for an empty body covers both.
    """
    with pytest.raises(InvalidRequest) as raised:
        call(sent)

    assert raised.value.message.startswith("the body is empty: ")
    assert "send it with Content-Length" in raised.value.message
    assert "Transfer-Encoding: chunked" in raised.value.message


@pytest.mark.parametrize("call", BODIES)
def test_a_byte_order_mark_changes_nothing(call: str) -> None:
    """PowerShell 5.1 writes one in front of UTF-8: the body is read, and repeats the same request, as without it."""
    sent = BODIES[call]

    assert READERS[call](sent) == READERS[call](MARK + sent)
    assert body_digest(sent) == body_digest(MARK + sent)
