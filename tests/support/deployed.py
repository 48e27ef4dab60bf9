"""Outrider deployed on this machine: the app in a process of its own, and a tenant served from this one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from sandbox.host.serve import listening
from shared.catalog.load import SHIPPED

from .hunt_files import six_hunts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
KEY, SECRET = "function-key", "identity-header"
TIMERS = {"AzureWebJobs.WatchIncidents.Disabled": "true", "AzureWebJobs.SweepFleet.Disabled": "true"}

_OURS = ("AZURE", "WEBSITE", "IDENTITY", "MSI", "COV", "HTTP_AUTH", "COMMENT", "MAX_", "GRAPH")
# A process of its own, as deployed, which can be stopped and killed.
_START = """
import sys
from pathlib import Path
from sandbox.host.serve import run
run(Path(sys.argv[1]), port=int(sys.argv[2]), key=sys.argv[3])
"""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve the ASGI application *app* from a thread, and yield its address on 127.0.0.1."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="critical"))
    with listening() as sock:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def hosted(folder: Path, *, port: int = 0, **environment: str) -> Iterator[httpx.Client]:
    """
    Run the app, with `six_hunts` alone, on the local host, and yield an HTTP client that sends the function key.

    State is kept in `state` below *folder*, and what the app logs in `log.txt`. *port* 0 means any free port.
    *environment* adds to the settings that the app needs to start, or replaces them. The app's timers are
    disabled. Raises AssertionError, with the log, if the app does not start.
    """
    app, state = folder / "app", folder / "state"
    state.mkdir()
    known = six_hunts().by_name
    parts = [path for path in (ROOT / "shared").iterdir() if path != SHIPPED]
    parts += [file for file in SHIPPED.rglob("*.yaml") if file.stem in known]
    for path in (ROOT / "function_app.py", ROOT / "host.json", ROOT / "functions", *parts):
        link = app / path.relative_to(ROOT)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OURS)}
    settings = {"PYTHONPATH": str(ROOT), "STATE_URL": state.as_uri(), "HTTP_AUTH": "key", **TIMERS}
    command = [sys.executable, "-c", _START, str(app), str(port), KEY]
    log = folder / "log.txt"
    with log.open("w") as errors, subprocess.Popen(
        command, cwd=app, env=inherited | settings | environment,
        stdout=subprocess.PIPE, stderr=errors, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        try:
            lines = iter(process.stdout.readline, "")
            address = next((line.split("] ")[1].split("/api/")[0] for line in lines if "/api/" in line), "")
            assert address, log.read_text()
            with httpx.Client(base_url=address, headers={"x-functions-key": KEY}, timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.communicate(timeout=30)


def identity(tenant: str) -> dict[str, str]:
    """Return the settings by which the app uses the tenant at this address, and gets its tokens there."""
    return {
        "GRAPH_URL": tenant,
        "ARM_URL": tenant,
        "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
        "IDENTITY_HEADER": SECRET,
    }


def finished(http: httpx.Client, location: str) -> dict[str, Any]:
    """
    Return the result of the run at *location*, decoded from JSON, once it is done.

    To save time, it is polled every 0.2 seconds and not as Retry-After asks. Raises AssertionError for an
    answer other than 200 or 202, and if the run is not done after 150 polls.
    """
    for _ in range(150):
        answer = http.get(location)
        if answer.status_code != 202:
            break
        time.sleep(0.2)

    assert 200 == answer.status_code, answer.text
    body: dict[str, Any] = answer.json()
    return body
