"""Start the demo's two processes: a tenant, and the app that uses it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec

from .serve import LocalSettings, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = Path(__file__).parents[2]
_START_LIMIT = 60  # seconds until tenant and app answer


class DemoFailed(Exception):
    """The demo could not be played to its end; the message says why."""


@contextmanager
def both(
    folder: Path, devices: int, days: int, *, rows: Path | None = None, **settings: str
) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """
    Start tenant and app, yield an HTTP client for each once both answer, and end both.

    Their logs are in *folder*, and so is the app's state unless its *settings* say otherwise. The tenant's telemetry has the
    *rows* of a folder, too. Raises DemoFailed if one is not up after 60 seconds.
    """
    with listening() as one, listening() as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]
    tenant, app = (f"http://127.0.0.1:{port}" for port in ports)
    environment = _environment(tenant, folder) | settings
    print(f"Starting a tenant of {devices:,} devices with {days} days of telemetry, and the app.", flush=True)
    with ExitStack() as stack:
        added = ("--rows", str(rows)) if rows else ()
        fleet = ("--devices", str(devices), "--days", str(days), "--closed", *added)
        processes = [
            stack.enter_context(_process(folder, environment, "tenant", ports[0], *fleet)),
            stack.enter_context(_process(folder, environment, "host", ports[1])),
        ]
        # Calls within this machine must not go through a proxy.
        clients = [
            stack.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))
            for url in (tenant, app)
        ]
        _until_up(processes[0], clients[0], "/sandbox/incidents", "tenant")
        _until_up(processes[1], clients[1], "/api/health", "app")
        print(flush=True)
        yield clients[0], clients[1]


@contextmanager
def _process(
    folder: Path, environment: Mapping[str, str], command: str, port: int, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  (this program)
            [sys.executable, "-m", "sandbox", command, "--port", str(port), *options],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl+C reaches the demo alone, which ends both in order
        )
        with ending(process):
            yield process


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End *process* when the block ends: asked to, and after 20 seconds made to."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_up(process: subprocess.Popen[bytes], client: httpx.Client, path: str, name: str) -> None:
    deadline = time.monotonic() + _START_LIMIT
    problem = "it does not answer"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoFailed(f"the {name} did not start")
        try:
            answer = client.get(path)
        except httpx.TransportError:
            pass
        else:
            if answer.is_success:
                return
            problem = f"it answers {answer.status_code}: {answer.text[:500]}"
        time.sleep(0.1)
    raise DemoFailed(f"the {name} was not up after {_START_LIMIT} s: {problem}")


def _environment(tenant: str, folder: Path) -> dict[str, str]:
    """
    Return the app's environment: this machine's, the sample's settings, and the tenant's address.

    HUNTS_DIR and MAX_HUNTS are as whoever starts it has set them, if at all.
    """
    sample = (_ROOT / "local.settings.sample.json").read_bytes()
    state = folder / "state"
    state.mkdir()
    return {
        **os.environ,
        **msgspec.json.decode(sample, type=LocalSettings).values,
        "COMMENTS": "on",
        "WATCH_SCHEDULE": "*/2 * * * * *",
        "GRAPH_URL": tenant,
        **{name: value for name in ("MAX_HUNTS",) if (value := os.environ.get(name))},
        "HUNTS_DIR": str(Path(hunts).resolve()) if (hunts := os.environ.get("HUNTS_DIR")) else "",
        "HTTP_AUTH": "key",
        "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
        "IDENTITY_HEADER": secrets.token_urlsafe(24),
        "NO_PROXY": "127.0.0.1",
        "PUBLIC_URL": "",
        "STATE_URL": state.as_uri(),
        "no_proxy": "127.0.0.1",
    }
