"""
Everything that can go wrong, by whose problem it is.

    OutriderError
    ├── InvalidRequest          the caller's: the message says what to change (400)
    │   ├── Unauthenticated     no signed-in principal came with the call (401)
    │   ├── RunNotFound         no run has this id, or it has expired (404)
    │   └── KeyReused           the same idempotency key with another body (409)
    ├── SettingsError           the deployer's: names every wrong setting at once
    ├── HuntError               the hunt author's: names the file and every problem in it
    ├── UnreadableQuery         no tokens can be made of a hunt's query; becomes a problem of a HuntError
    ├── UnreadableIncident      a run's incident is not there, or has not answered for too long
    ├── Waiting                 a run goes on later; carries the reason and the delay
    ├── GivenUp                 a sweep has waited for Graph for too long
    ├── NotSent                 a run is stored, but its queue refuses the message (503)
    └── GraphError              Microsoft Graph's, or Azure's, with its code and request id
        ├── BadQuery            the tenant refuses the KQL (400)
        ├── ResultTooLarge      the answer exceeds Graph's 100,000 rows or 50 MB (400)
        ├── PermissionDenied    a role is missing, and is named (403; Azure also 401)
        ├── NotFound            no such incident (404)
        ├── Throttled           too many calls or too much CPU; carries the wait (429)
        ├── TimedOut            the query ran longer than Graph's 3 minutes (504, read timeout)
        └── Unavailable         5xx, a broken connection, or no token
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any


class OutriderError(Exception):
    """Any failure that Outrider names."""


class InvalidRequest(OutriderError):
    """The caller sent something that cannot be used; `details` has one line a problem."""

    status = 400
    code = "InvalidRequest"

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Unauthenticated(InvalidRequest):
    """The call carries no principal although App Service authentication is required."""

    status = 401
    code = "Unauthenticated"


class RunNotFound(InvalidRequest):
    """No run has this id."""

    status = 404
    code = "RunNotFound"


class KeyReused(InvalidRequest):
    """One idempotency key, two different bodies."""

    status = 409
    code = "IdempotencyKeyReused"


class SettingsError(OutriderError):
    """One or more settings are missing or wrong; the message lists all of them."""


class HuntError(OutriderError):
    """
    A hunt file cannot be used.

    `problems` has one line for each problem, which begins with its place: `my-hunt.yaml:12:5: …`.
    """

    def __init__(self, file: Path, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.file = file
        self.problems = problems


class GraphError(OutriderError):
    """Microsoft Graph, or Azure where `service` says so, did not do what it was asked."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        service: str = "Microsoft Graph",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.service = service


class BadQuery(GraphError):
    """The tenant refuses the KQL: a syntax error, or a table or column it does not have."""


class ResultTooLarge(GraphError):
    """The answer would exceed Graph's limits (100,000 rows, 50 MB)."""


class PermissionDenied(GraphError):
    """The identity lacks a role; `role` names it."""

    def __init__(self, message: str, *, role: str, **known: Any) -> None:
        super().__init__(message, **known)
        self.role = role

    @property
    def needs(self) -> str:
        """What is missing, as someone who grants it would look for it."""
        if self.service == "Microsoft Graph":
            return f"the Graph application role {self.role}"
        return f"the role {self.role} on the workspace"


class NotFound(GraphError):
    """There is no such incident."""


class Throttled(GraphError):
    """The tenant refuses calls for now; `retry_after` is in seconds, None where no wait is named."""

    def __init__(self, message: str, *, retry_after: float | None, **known: Any) -> None:
        super().__init__(message, **{"status": 429, **known})
        self.retry_after = retry_after


class TimedOut(GraphError):
    """The query ran longer than Graph allows (3 minutes)."""


class Unavailable(GraphError):
    """Graph, or the endpoint that issues tokens, cannot be reached or fails on its side."""


class UnreadableQuery(OutriderError):
    """No tokens can be made of the text of a query that begins at offset `start`."""

    def __init__(self, start: int, message: str) -> None:
        super().__init__(message)
        self.start = start


class UnreadableIncident(OutriderError):
    """The incident cannot be read, and waiting would not help; the message says why."""


class Waiting(OutriderError):
    """The run cannot go on now; it goes back to its queue for `delay`, and `reason` says what it waits for."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class GivenUp(OutriderError):
    """Graph has not answered for so long that a sweep ends with what it has."""


class NotSent(OutriderError):
    """The run is stored, but its message could not be sent; asking again sends it again."""
