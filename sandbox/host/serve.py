"""Run the local Functions host as a process: its settings, socket, queue service, recycling and end."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import signal
import socket
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import requests
import uvicorn
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from azure.storage.queue import ExponentialRetry, QueueServiceClient
from starlette.responses import Response

from sandbox.loopback import local_only

from .host_file import read_host_file
from .http_trigger import signed_in
from .instance import Host
from .logs import log_to_stderr
from .queue_service import ACCOUNT, QueueService
from .worker import StartupError, Worker

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Mapping,
        MutableMapping,
        Sequence,
    )
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

_STORAGE = "AzureWebJobsStorage"
_URI = f"{_STORAGE}__queueServiceUri"
_BLOBS = f"{_STORAGE}__blobServiceUri"
_BLOB_VERSION = "2021-12-02"
_BLOB_LIMIT = 10  # seconds


class LocalSettings(msgspec.Struct, frozen=True):
    """The part of local.settings.json that holds the app's settings."""

    values: dict[str, str] = msgspec.field(name="Values", default_factory=dict)


class HostFailed(Exception):
    """The host cannot go on; the message says why, on one line."""


def run(
    app_dir: Path,
    *,
    port: int = 7071,
    state: Path | str = ":memory:",
    key: str = "",
    principal: str = "",
    roles: Sequence[str] = (),
) -> None:
    """
    Run the function app in *app_dir* on 127.0.0.1:*port* (0: any) until SIGINT or SIGTERM.

    *state* is the file that keeps the sandbox's own queues, and the timers' statuses. With a *key*, functions
    ask for it; with a *principal*, every call comes from that signed-in caller, who has these *roles*. Exits with the worker's message
    if Azure would not start the app, and with one line if the storage is lost. Changes the environment of this
    process, from which its worker inherits the app's settings.
    """
    log_to_stderr()
    try:
        asyncio.run(_run(app_dir.resolve(), port, state, key, signed_in(principal, roles)))
    except StartupError as error:
        raise SystemExit(f"The worker could not start the app: {error}") from None
    except HostFailed as error:
        raise SystemExit(f"The host ends: {error}") from None


async def _run(app_dir: Path, port: int, state: Path | str, key: str, who: Mapping[str, str]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    with listening(port) as sock, closing(QueueService(state)) as queues:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        own = configure(os.environ, app_dir, address)
        if who:
            os.environ.setdefault("WEBSITE_AUTH_ENABLED", "True")
        front, worker = _Front(), Worker(app_dir)
        memory, settings = queues.timers(str(app_dir)), read_host_file(app_dir)
        async with serving(front, queues, sock):
            with storage(os.environ) as client:
                try:
                    while not stopped.is_set():
                        await (worker.restart() if front.host else worker.start())
                        host = Host(
                            worker,
                            client,
                            environ=os.environ,
                            settings=settings,
                            key=key,
                            principal=who,
                            memory=memory,
                            may_time=blob_check(os.environ),
                        )
                        if own:
                            await host.create_queues()
                        await front.serve(host, address, stopped)
                finally:
                    await worker.close()


class _Front:
    """What answers HTTP: the host that runs, and 503 while there is none, as the platform does in its place."""

    def __init__(self) -> None:
        self.host: Host | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await (self.host or Response(status_code=503))(scope, receive, send)

    async def serve(self, host: Host, address: str, stopped: asyncio.Event) -> None:
        """Run *host* until *stopped*, or until it is over. Raises HostFailed if no other can take its place."""
        if self.host is None:
            print("Functions:", *host.describe(address), sep="\n    ", flush=True)
        self.host = host
        host.start()
        ends = [asyncio.create_task(event.wait()) for event in (stopped, host.over)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await host.stop()
        if host.problem and not stopped.is_set():
            raise HostFailed(host.problem)


def configure(environ: MutableMapping[str, str], app_dir: Path, address: str) -> bool:
    """
    Add the values of local.settings.json, and those that Azure sets, to *environ*; what is set already stays.

    The storage becomes the sandbox's own, under *address*, unless a setting names another. Returns whether it
    does.
    """
    file = app_dir / "local.settings.json"
    values = msgspec.json.decode(file.read_bytes(), type=LocalSettings).values if file.exists() else {}
    defaults = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": address.removeprefix("http://"),
    }
    for name, value in {**defaults, **values}.items():
        environ.setdefault(name, value)
    own = not environ.get(_URI) and environ.get(_STORAGE, "") in {"", "UseDevelopmentStorage=true"}
    if own:
        environ[_STORAGE] = connection_string(address)
    return own


def connection_string(address: str) -> str:
    """Return a connection string for the queue service under *address*, with a new random key."""
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};"
        f"QueueEndpoint={address}/{ACCOUNT};"
    )


def storage(environ: Mapping[str, str]) -> QueueServiceClient:
    """Return a client for the host's queues: with an identity if a service URI is set, else with a key."""
    # The listener polls again anyway: the client's own waits of 15 seconds would only delay it.
    retries = ExponentialRetry(initial_backoff=1, increment_base=1, retry_total=2)
    if not environ.get(_URI):
        return QueueServiceClient.from_connection_string(environ[_STORAGE], retry_policy=retries)
    return QueueServiceClient(environ[_URI], _identity(environ), retry_policy=retries)


def blob_check(environ: Mapping[str, str]) -> Callable[[], Awaitable[bool]] | None:
    """
    Return a check of whether the host may use its blobs; None if no setting names a blob service.

    The host keeps its timers' locks there: without that right, timers do not start, and HTTP goes on.
    """
    if not environ.get(_BLOBS):
        return None
    return partial(asyncio.to_thread, _may_use_blobs, environ)


def _may_use_blobs(environ: Mapping[str, str]) -> bool:
    address = f"{environ[_BLOBS].rstrip('/')}/azure-webjobs-hosts?restype=container"
    try:
        token = _identity(environ).get_token("https://storage.azure.com/.default").token
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": _BLOB_VERSION}
        return requests.get(address, headers=headers, timeout=_BLOB_LIMIT).status_code != 403
    except (AzureError, requests.RequestException):
        return False


def _identity(environ: Mapping[str, str]) -> DefaultAzureCredential:
    client_id = environ.get(f"{_STORAGE}__clientId") or environ.get("AZURE_CLIENT_ID")
    return DefaultAzureCredential(managed_identity_client_id=client_id)


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1:*port* (0: any)."""
    sock = socket.create_server(("127.0.0.1", port))
    # asyncio does this only where a socket's protocol is given; else each answer waits 40 ms for an ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@asynccontextmanager
async def serving(host: ASGIApp, queues: QueueService, sock: socket.socket) -> AsyncIterator[None]:
    """Serve *host* and, under `/devstoreaccount1`, the queue service on *sock*, by this machine's own names alone."""

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        is_queue = scope["path"].split("/")[1] == ACCOUNT
        await (queues if is_queue else host)(scope, receive, send)

    config = uvicorn.Config(
        local_only(either), lifespan="off", ws="none", log_level="warning", timeout_graceful_shutdown=10
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leaves signals to the host, whose listeners settle messages through this server and so end first."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
