"""The demo: an incident opens in the local tenant, the app enriches it, and its comment is read back."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import msgspec

from .serve import LocalSettings, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT = Path(__file__).parent.parent
_INCIDENT = "exfiltration"
_START_LIMIT = 60  # seconds until tenant and app answer
_RUN_LIMIT = 60  # seconds from the call until the run is done
_TAIL = 15  # lines of a log that a failure shows

_WORDS = {
    "found": "found",
    "nothingFound": "nothing found",
    "notApplicable": "not applicable",
    "noTelemetry": "no telemetry",
    "notRun": "NOT RUN",
}


class DemoFailed(Exception):
    """The demo did not come to its end; the message says where."""


def run(*, devices: int = 60, days: int = 7, keep: bool = False) -> int:
    """
    Play the demo on a made-up fleet of *devices* over *days*; return 0, or 1 if anything failed.

    With *keep*, tenant and app stay up until Ctrl+C.
    """
    before = signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="outrider-") as folder:
        logs = [Path(folder, f"{name}.log") for name in ("tenant", "host")]
        try:
            with _both(Path(folder), devices, days) as (tenant, app):
                _enrich(tenant, app)
                if keep:
                    _wait(tenant, app)
                else:
                    print(f"\nNext: {_command('--keep')} leaves it all up, to look at and to call.")
        except (DemoFailed, httpx.HTTPError) as error:
            print(f"\nThe demo failed: {error}", file=sys.stderr)
            for log in logs:
                lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
                print(f"\n{log.stem}, its last lines:", *lines[-_TAIL:], sep="\n    ", file=sys.stderr)
            return 1
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0


def _enrich(tenant: httpx.Client, app: httpx.Client) -> None:
    incident = _json(tenant.post("/sandbox/incidents/open", params={"name": _INCIDENT}))
    names = {item.get("deviceDnsName") for alert in incident["alerts"] for item in alert["evidence"]}
    print(f"Incident {incident['id']}: {incident['displayName']}")
    print(f"Severity {incident['severity']}, devices: {', '.join(sorted(filter(None, names)))}\n")

    body = {"incidentId": incident["id"]}
    print(f"POST {str(app.base_url).rstrip('/')}/api/enrich {msgspec.json.encode(body).decode()}")
    started = time.monotonic()
    done = _follow(app, app.post("/api/enrich", json=body), started + _RUN_LIMIT)
    seconds = time.monotonic() - started
    if done["status"] != "completed":
        raise DemoFailed(f"the run ended as {done['status']}: {msgspec.json.encode(done).decode()[:2_000]}")
    print(f"Done in {seconds:.1f} s.\n")

    width = max(len(hunt["hunt"]) for hunt in done["hunts"])
    for hunt in done["hunts"]:
        print(f"    {hunt['hunt']:<{width}}  {_outcome(hunt)}")

    # Not what the app says it wrote: what the incident now holds.
    now = _json(tenant.get("/sandbox/incidents"))["value"]
    comments = [text["comment"] for one in now if one["id"] == incident["id"] for text in one["comments"]]
    if not comments:
        raise DemoFailed("the incident holds no comment")
    print(f"\nThe comment, as incident {incident['id']} now holds it:\n")
    for line in comments[-1].splitlines():
        print(f"    {line}".rstrip())


def _follow(app: httpx.Client, answer: httpx.Response, deadline: float) -> Any:
    """Follow a 202 to its Location, as a Logic App does, and return what is there once the run is done."""
    location = answer.headers.get("Location", "")
    while answer.status_code == httpx.codes.ACCEPTED:
        if time.monotonic() > deadline:
            raise DemoFailed(f"the run was not done after {_RUN_LIMIT} s: {answer.text[:500]}")
        # Azure's callers wait as long as they are told; here half a second is long.
        time.sleep(min(float(answer.headers.get("Retry-After", "1")), 0.5))
        answer = app.get(location)
    return _json(answer)


def _outcome(hunt: Mapping[str, Any]) -> str:
    rows = hunt.get("rows") or 0
    more = "more than " if hunt.get("more") else ""
    count = f", {more}{rows:,} row{'' if rows == 1 else 's'}" if rows else ""
    reason = f": {hunt['reason']}" if hunt.get("reason") else ""
    return f"{_WORDS[hunt['outcome']]}{count}{reason}"


def _wait(tenant: httpx.Client, app: httpx.Client) -> None:
    print(f"\nIncidents and comments:  {tenant.base_url}")
    print(f"The app:                 {str(app.base_url).rstrip('/')}/api/health")
    print("\nLet another incident appear, and enrich it:\n")
    print(f"    curl -X POST {str(tenant.base_url).rstrip('/')}/sandbox/incidents/open")
    print(
        f"    curl -i {str(app.base_url).rstrip('/')}/api/enrich -H 'Content-Type: application/json' "
        '-d \'{"incidentId": "4102"}\''
    )
    print("\nCtrl+C ends both.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


@contextmanager
def _both(folder: Path, devices: int, days: int) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Start tenant and app, yield a client of each once both answer, and end both."""
    with listening() as one, listening() as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]
    tenant, app = (f"http://127.0.0.1:{port}" for port in ports)
    environment = _environment(tenant, folder)
    print(f"Starting a tenant of {devices:,} devices with {days} days of telemetry, and the app.", flush=True)
    with ExitStack() as stack:
        fleet = ("--devices", str(devices), "--days", str(days), "--closed")
        processes = [
            stack.enter_context(_process(folder, environment, "tenant", ports[0], *fleet)),
            stack.enter_context(_process(folder, environment, "host", ports[1])),
        ]
        # No proxy of the machine's stands between one port of it and another.
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
            start_new_session=True,  # Ctrl+C is the demo's, which ends both in order
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
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
    """The app's environment: the sample's settings, whatever this machine's say, pointed at the tenant."""
    sample = (_ROOT / "local.settings.sample.json").read_bytes()
    state = folder / "state"
    state.mkdir()
    return {
        **os.environ,
        **msgspec.json.decode(sample, type=LocalSettings).values,
        "COMMENTS": "on",
        "GRAPH_URL": tenant,
        "HTTP_AUTH": "key",
        "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
        "IDENTITY_HEADER": secrets.token_urlsafe(24),
        "NO_PROXY": "127.0.0.1",
        "PUBLIC_URL": "",
        "STATE_URL": state.as_uri(),
        "no_proxy": "127.0.0.1",
    }


def _json(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise DemoFailed(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def _command(option: str) -> str:
    shown = os.path.relpath(sys.executable)
    return f"{sys.executable if shown.startswith('..') else shown} -m sandbox demo {option}"


def _stop(*_: object) -> NoReturn:
    sys.exit(143)
