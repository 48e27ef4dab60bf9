"""
The Azure Queue service's REST interface, as far as `azure-storage-queue` and the Functions host use it.

Limits, statuses and error codes are those of "Queue service REST API" and "Queue service error codes"
(Microsoft Learn). Signatures are not verified: the service is bound to loopback, and only asks for an
`Authorization` header in every call, with a shared key or a bearer token.
"""

from __future__ import annotations

import re
import sqlite3
import time
import uuid
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from .queue_rest import ERRORS, StorageError, message_text, messages, metadata, number, xml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

ACCOUNT = "devstoreaccount1"
"""The storage account's name: the first segment of every path, as in other emulators."""

_DAY = 86_400
_LONGEST = 7 * _DAY  # the longest visibility timeout, and the time to live if a sender names none
_NEVER = 253_402_300_799  # 9999-12-31, when a message with a time to live of -1 expires
_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")

_SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists queues (name text primary key, metadata text not null);
create table if not exists messages (
    number integer primary key, id text unique, queue text not null, body text not null,
    receipt text not null, inserted real not null,
    expires real not null, visible real not null, dequeued integer not null);
create index if not exists next on messages (queue, visible);
create table if not exists timers (
    app text not null, name text not null, status blob not null, primary key (app, name));
"""


class QueueService:
    """
    One storage account's queues, kept in the sqlite file *path* (`":memory:"`: for as long as this lives).

    It is an ASGI application that answers under `/devstoreaccount1/`. *clock* returns epoch seconds, and
    alone decides what is visible and what has expired. Only one process at a time may use a file.
    """

    def __init__(self, path: Path | str = ":memory:", *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Each call of the service is one statement or one transaction, on the thread of the server's loop.
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file, which has every message that was acknowledged."""
        self._db.close()

    def timers(self, app: str) -> Timers:
        """Return where the statuses of the timers of *app* are kept, in the same file."""
        return Timers(self._db, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        try:
            if "authorization" not in request.headers:
                raise StorageError("NoAuthenticationInformation")
            body = await request.body()
            with self._db:
                response = self._answer(request, body)
        except StorageError as refused:
            status, message = ERRORS[refused.code]
            response = xml(f"<Error><Code>{refused.code}</Code><Message>{message}</Message></Error>", status)
            response.headers["x-ms-error-code"] = refused.code
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        response.headers["x-ms-version"] = request.headers.get("x-ms-version", "")
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        query = request.query_params
        segments = request.scope["path"].strip("/").split("/")[1:]
        match request.method, *segments:
            case ["GET"] if query.get("comp") == "list":
                return self._list(query.get("prefix", ""))
            case ["PUT", queue] if "comp" not in query:
                return self._create(queue, metadata(request.headers))
            case ["DELETE", queue]:
                return self._delete(queue)
            case ["GET" | "HEAD", queue] if query.get("comp") == "metadata":
                return self._properties(queue)
            case ["POST", queue, "messages"]:
                return self._put(self._existing(queue), message_text(body), query)
            case ["GET", queue, "messages"]:
                return self._get(self._existing(queue), query)
            case ["DELETE", queue, "messages"]:
                self._db.execute("delete from messages where queue = ?", [self._existing(queue)])
                return Response(status_code=204)
            case ["PUT", queue, "messages", message]:
                return self._update(
                    self._existing(queue), message, message_text(body) if body else None, query
                )
            case ["DELETE", queue, "messages", message]:
                self._held(self._existing(queue), message, query)
                self._db.execute("delete from messages where id = ?", [message])
                return Response(status_code=204)
        raise StorageError("UnsupportedHttpVerb")

    def _list(self, prefix: str) -> Response:
        names = [name for (name,) in self._db.execute("select name from queues order by name")]
        queues = "".join(f"<Queue><Name>{n}</Name></Queue>" for n in names if n.startswith(prefix))
        return xml(f"<EnumerationResults><Queues>{queues}</Queues><NextMarker/></EnumerationResults>")

    def _create(self, queue: str, metadata: str) -> Response:
        if not _NAME.fullmatch(queue):
            raise StorageError("InvalidResourceName")
        for row in self._db.execute("select metadata from queues where name = ?", [queue]):
            if row["metadata"] != metadata:
                raise StorageError("QueueAlreadyExists")
            return Response(status_code=204)
        self._db.execute("insert into queues values (?, ?)", [queue, metadata])
        return Response(status_code=201)

    def _delete(self, queue: str) -> Response:
        self._db.execute("delete from messages where queue = ?", [self._existing(queue)])
        self._db.execute("delete from queues where name = ?", [queue])
        return Response(status_code=204)

    def _properties(self, queue: str) -> Response:
        self._existing(queue)
        [count] = self._db.execute("select count(*) from messages where queue = ?", [queue]).fetchone()
        [metadata] = self._db.execute("select metadata from queues where name = ?", [queue]).fetchone()
        named = dict(line.split("=", 1) for line in metadata.splitlines())
        return Response(headers={"x-ms-approximate-messages-count": str(count), **named})

    def _put(self, queue: str, body: str, query: Mapping[str, str]) -> Response:
        now = self._clock()
        delay = number(query, "visibilitytimeout", default=0, lowest=0, highest=_LONGEST)
        ttl = number(query, "messagettl", default=_LONGEST, lowest=-1, highest=_NEVER)
        if ttl == 0 or 0 < ttl <= delay:
            raise StorageError("OutOfRangeQueryParameterValue")
        expires = _NEVER if ttl == -1 else min(now + ttl, _NEVER)
        rows = self._db.execute(
            "insert into messages (id, queue, body, receipt, inserted, expires, visible, dequeued)"
            " values (?, ?, ?, ?, ?, ?, ?, 0) returning *",
            [str(uuid.uuid4()), queue, body, uuid.uuid4().hex, now, expires, now + delay],
        ).fetchall()
        return messages(rows, "MessageId InsertionTime ExpirationTime PopReceipt TimeNextVisible", 201)

    def _get(self, queue: str, query: Mapping[str, str]) -> Response:
        now = self._clock()
        count = number(query, "numofmessages", default=1, lowest=1, highest=32)
        next_up = "from messages where queue = ? and visible <= ? order by visible, number limit ?"
        if query.get("peekonly") == "true":
            rows = self._db.execute("select * " + next_up, [queue, now, count]).fetchall()
            return messages(rows, "MessageId InsertionTime ExpirationTime DequeueCount MessageText")
        hidden = number(query, "visibilitytimeout", default=30, lowest=1, highest=_LONGEST)
        rows = self._db.execute(
            "update messages set visible = ?, dequeued = dequeued + 1, receipt = lower(hex(randomblob(16)))"
            f" where number in (select number {next_up}) returning *",
            [now + hidden, queue, now, count],
        ).fetchall()
        rows.sort(key=lambda row: row["number"])
        return messages(
            rows, "MessageId InsertionTime ExpirationTime PopReceipt TimeNextVisible DequeueCount MessageText"
        )

    def _update(self, queue: str, message: str, body: str | None, query: Mapping[str, str]) -> Response:
        self._held(queue, message, query)
        if "visibilitytimeout" not in query:
            raise StorageError("MissingRequiredQueryParameter")
        hidden = number(query, "visibilitytimeout", default=0, lowest=0, highest=_LONGEST)
        receipt, visible = uuid.uuid4().hex, self._clock() + hidden
        self._db.execute(
            "update messages set receipt = ?, visible = ?, body = coalesce(?, body) where id = ?",
            [receipt, visible, body, message],
        )
        headers = {"x-ms-popreceipt": receipt, "x-ms-time-next-visible": formatdate(visible, usegmt=True)}
        return Response(status_code=204, headers=headers)

    def _existing(self, queue: str) -> str:
        if not self._db.execute("select 1 from queues where name = ?", [queue]).fetchone():
            raise StorageError("QueueNotFound")
        self._db.execute("delete from messages where expires <= ?", [self._clock()])
        return queue

    def _held(self, queue: str, message: str, query: Mapping[str, str]) -> None:
        """Raise StorageError for a message that is gone, or that somebody else has received since."""
        sql = "select receipt from messages where queue = ? and id = ?"
        row = self._db.execute(sql, [queue, message]).fetchone()
        if row is None:
            raise StorageError("MessageNotFound")
        if row["receipt"] != query.get("popreceipt"):
            raise StorageError("PopReceiptMismatch")


class Timers:
    """The statuses of the timers of *app*, kept in a database."""

    def __init__(self, db: sqlite3.Connection, app: str) -> None:
        self._db = db
        self._app = app

    def read(self, timer: str) -> bytes | None:
        """Return what was written last for *timer*, if anything was."""
        sql = "select status from timers where app = ? and name = ?"
        row = self._db.execute(sql, [self._app, timer]).fetchone()
        return row["status"] if row else None

    def write(self, timer: str, status: bytes) -> None:
        """Store the *status* of *timer*."""
        with self._db:
            self._db.execute("insert or replace into timers values (?, ?, ?)", [self._app, timer, status])
