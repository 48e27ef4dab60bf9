"""Run the local Functions host as a process: its settings, socket, queue service and end."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import secrets
import signal
import socket
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from azure.identity import DefaultAzureCredential
from azure.storage.queue import ExponentialRetry, QueueServiceClient

from .instance import Host, read_host_file
from .queue_service import ACCOUNT, QueueService
from .worker import StartupError, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping, MutableMapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

_STORAGE = "AzureWebJobsStorage"
_URI = f"{_STORAGE}__queueServiceUri"


class LocalSettings(msgspec.Struct, frozen=True):
    """The part of local.settings.json that holds the app's settings."""

    values: dict[str, str] = msgspec.field(name="Values", default_factory=dict)


def run(
    app_dir: Path, *, port: int = 7071, state: Path | str = ":memory:", key: str = "", principal: str = ""
) -> None:
    """
    Run the function app in *app_dir* on 127.0.0.1:*port* (0: any) until SIGINT or SIGTERM.

    *state* is the file that keeps the sandbox's own queues. With a *key*, functions ask for it; with a
    *principal*, every call comes from that signed-in caller. Exits with the worker's message if Azure would
    not start the app. Changes the environment of this process, from which the app reads its settings.
    """
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s", datefmt="%H:%M:%S")
    for chatty in ("azure", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        asyncio.run(_run(app_dir, port, state, key, principal))
    except StartupError as error:
        raise SystemExit(f"The worker could not start the app: {error}") from None


async def _run(app_dir: Path, port: int, state: Path | str, key: str, principal: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    with listening(port) as sock, closing(QueueService(state)) as queues:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        own = configure(os.environ, app_dir, address)
        if principal:
            os.environ.setdefault("WEBSITE_AUTH_ENABLED", "True")
        functions = await load(app_dir)
        with storage(os.environ) as client:
            settings = read_host_file(app_dir)
            host = Host(
                functions, client, environ=os.environ, settings=settings, key=key, principal=principal
            )
            async with serving(host, queues, sock):
                if own:
                    await host.create_queues()
                host.start()
                print("Functions:", *host.describe(address), sep="\n    ", flush=True)
                await stopped.wait()
                await host.stop()


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
    client_id = environ.get(f"{_STORAGE}__clientId") or environ.get("AZURE_CLIENT_ID")
    identity = DefaultAzureCredential(managed_identity_client_id=client_id)
    return QueueServiceClient(environ[_URI], identity, retry_policy=retries)


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1:*port* (0: any)."""
    sock = socket.create_server(("127.0.0.1", port))
    # asyncio does this only where a socket's protocol is given; else each answer waits 40 ms for an ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@asynccontextmanager
async def serving(host: Host, queues: QueueService, sock: socket.socket) -> AsyncIterator[None]:
    """Serve the functions and, under `/devstoreaccount1`, the queue service on the bound socket *sock*."""

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        is_queue = scope["path"].split("/")[1] == ACCOUNT
        await (queues if is_queue else host)(scope, receive, send)

    server = _Server(
        uvicorn.Config(
            either,
            lifespan="off",
            ws="none",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=10,
        )
    )
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
