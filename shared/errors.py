"""
Every error that Outrider raises, grouped by who can fix it.

    OutriderError
    ├── InvalidRequest          the caller: the message says what to change (400)
    │   ├── Unauthenticated     the call came without a signed-in principal (401)
    │   ├── Forbidden           the principal lacks a role, which is named, or the call is not allowed (403)
    │   ├── RunNotFound         no run has this id, or it has expired (404)
    │   ├── KeyReused           the idempotency key was used before, with another body (409)
    │   ├── SweepUnderWay       a sweep is under way, and named (409)
    │   ├── NotJson             the body is not said to be JSON (415)
    │   └── TooManyRuns         too many of the caller's runs have not ended (429)
    ├── SettingsError           the deployer: the message lists every wrong setting
    ├── HuntError               the hunt author: names the file and every problem in it
    ├── UnreadableQuery         a hunt's query cannot be split into tokens; becomes a problem of a HuntError
    ├── UnreadableIncident      a run's incident does not exist, or could not be read for too long
    ├── Waiting                 a run must continue later; carries the reason and the delay
    ├── GivenUp                 a sweep has waited too long for Graph
    ├── NotSent                 a run is stored, but its queue refuses the message (503)
    └── GraphError              Microsoft Graph or Azure refused or failed; carries its code and request id
        ├── BadQuery            the tenant refuses the KQL (400)
        ├── ResultTooLarge      the answer exceeds Graph's 100,000 rows or 50 MB (400)
        ├── PermissionDenied    a role is missing, and is named (403; Azure also 401)
        ├── NotFound            the incident does not exist (404)
        ├── Throttled           too many calls, or too much CPU; carries the time to wait (429, or our own pace)
        ├── TimedOut            the query ran longer than Graph's 3 minutes, or no answer came (408, 504)
        └── Unavailable         5xx, a broken connection, an unreadable answer, or no valid token
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any


class OutriderError(Exception):
    """The base class of every error above."""


class InvalidRequest(OutriderError):
    """
    The caller sent something that cannot be used.

    `status` and `code` are those of the response. `details` has one line per problem; it is empty where the
    message says everything. `retry_after` is in seconds, 0 where trying again would not help; `run_id` names the
    run that is meant, '' for none.
    """

    status = 400
    code = "InvalidRequest"
    retry_after = 0
    run_id = ""

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Unauthenticated(InvalidRequest):
    """App Service authentication is required, but the call has no signed-in principal."""

    status = 401
    code = "Unauthenticated"


class Forbidden(InvalidRequest):
    """The call is not allowed: the principal lacks a role, another site made it, or its workspace is not served."""

    status = 403

    def __init__(self, message: str, code: str = "Forbidden") -> None:
        super().__init__(message)
        self.code = code


class RunNotFound(InvalidRequest):
    """No run has this id, or the run is older than FINDINGS_DAYS."""

    status = 404
    code = "RunNotFound"


class KeyReused(InvalidRequest):
    """The caller's idempotency key was used before, with a different body."""

    status = 409
    code = "IdempotencyKeyReused"


class SweepUnderWay(InvalidRequest):
    """Another sweep has not ended; `run_id` is its id."""

    status = 409
    code = "SweepUnderWay"
    retry_after = 60

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"the sweep {run_id} is under way, and there is one at a time: ask for it where Location says, and start "
            "another one when it has ended"
        )
        self.run_id = run_id


class NotJson(InvalidRequest):
    """The body's type is not application/json; the message says which header to send."""

    status = 415
    code = "UnsupportedMediaType"


class TooManyRuns(InvalidRequest):
    """As many of the caller's runs as there may be have not ended."""

    status = 429
    code = "TooManyRuns"
    retry_after = 120


class SettingsError(OutriderError):
    """One or more settings are missing or wrong; `problems` has a line for each, and the message all of them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("Wrong settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


class HuntError(OutriderError):
    """
    A hunt file, or a folder of hunt files, cannot be used.

    `problems` has one line per problem, which begins with its place: `my-hunt.yaml:12:5: …`.
    """

    def __init__(self, file: Path, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.file = file
        self.problems = problems


class GraphError(OutriderError):
    """
    A call to Microsoft Graph, or to the service that `service` names, was refused or failed.

    `status` is the HTTP status, 0 where no response is behind the error. `code` and `request_id` are
    Microsoft's, '' where it gave none.
    """

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
    """The answer would exceed Graph's limits: 100,000 rows or 50 MB."""


class PermissionDenied(GraphError):
    """The identity lacks a role; `role` names it."""

    def __init__(self, message: str, *, role: str, **known: Any) -> None:
        super().__init__(message, **known)
        self.role = role

    @property
    def needs(self) -> str:
        """The missing role, in the words of whoever has to grant it."""
        if self.service == "Microsoft Graph":
            return f"the Graph application role {self.role}"
        return f"the role {self.role} on the workspace"


class NotFound(GraphError):
    """The incident does not exist, or its merges form a circle or a chain of more than 5."""


class Throttled(GraphError):
    """
    Calls are refused for now; `retry_after` is in seconds, None where no time is given.

    `status` is 0 where Outrider itself refuses; the message then says why, as what the call waits for.
    """

    def __init__(self, message: str, *, retry_after: float | None, **known: Any) -> None:
        super().__init__(message, **{"status": 429, **known})
        self.retry_after = retry_after

    @property
    def ours(self) -> bool:
        """Whether Outrider itself refuses the call, such as to stay within HUNTS_PER_MINUTE, and not Microsoft."""
        return not self.status


class TimedOut(GraphError):
    """
    No answer in time: Graph ends a query after 3 minutes.

    The clients themselves stop waiting after 190 seconds (Graph) and 30 seconds (Azure).
    """


class Unavailable(GraphError):
    """The service cannot be reached, fails, sends an unreadable answer, or gets no valid token."""


class UnreadableQuery(OutriderError):
    """A query cannot be split into tokens; `start` is the offset, in characters, of the problem."""

    def __init__(self, start: int, message: str) -> None:
        super().__init__(message)
        self.start = start


class UnreadableIncident(OutriderError):
    """The incident cannot be read, and waiting would not help; the message says why."""


class Waiting(OutriderError):
    """The run cannot continue now: it goes back to its queue for `delay`; `reason` is shown to people."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class GivenUp(OutriderError):
    """Graph has not answered for so long that the sweep ends with the results it has."""


class NotSent(OutriderError):
    """The run is stored, but its message could not be sent; the same request sends it again."""
