"""
The demo: incidents open in the local tenant and are enriched, a Logic App calls, and the fleet is swept.

The comment that it shows is read back from the tenant, so the demo does not rely on what the app reports.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import msgspec

from sandbox.endings import lines
from sandbox.host.processes import DemoFailed, both

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINUX, _WINDOWS = "exfiltration", "ransom"  # the incidents that it opens
_RUN_LIMIT = 60  # seconds from an incident, or a call, until its run must be done
_TAIL = 15  # lines of a log that are shown after a failure
_PAUSE = 8  # seconds between two events, for which the tenant's 45 hunting calls per minute are enough


def run(*, devices: int = 60, days: int = 7, storage: str = "folder", keep: bool = False) -> int:
    """
    Play the demo on a made-up fleet of *devices* with *days* of telemetry; return 0, or 1 if anything failed.

    The app keeps its state and its queues in a *storage* of the sandbox's own, "folder", or on "azurite". What
    this machine lacks for that is printed, and nothing else is done; the exit code is then 2. With
    *keep*, tenant and app stay up until Ctrl+C.
    """
    if storage == "azurite":
        from sandbox.azurite.machine import needed

        if text := needed():
            print(f"The demo on Azurite needs this first:\n\n{text}", file=sys.stderr)
            return 2
    before = signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="outrider-") as folder:
        logs = [Path(folder, f"{name}.log") for name in ("azurite", "tenant", "host")]
        try:
            with (
                _stored(storage, Path(folder)) as settings,
                both(Path(folder), devices, days, **settings) as (tenant, app),
            ):
                _check_hunts(app)
                _watch(tenant, app, _LINUX)
                _call_out(app)
                _watch(tenant, app, _WINDOWS)
                _sweep(app)
                if keep:
                    _live(tenant, app)
                else:
                    print(f"\nNext: {_command('--keep')} leaves it all up, to look at and to call.")
        except (DemoFailed, httpx.HTTPError) as error:
            print(f"\nThe demo failed: {error}", file=sys.stderr)
            for log in filter(Path.exists, logs):
                lines = log.read_text(encoding="utf-8").splitlines()
                print(f"\n{log.stem}, its last lines:", *lines[-_TAIL:], sep="\n    ", file=sys.stderr)
            return 1
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0


@contextmanager
def _stored(storage: str, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the app's settings for a storage, which is up until the block ends."""
    if storage == "folder":
        yield {}
        return
    from sandbox.azurite.emulator import NotStarted, running

    try:
        with running(folder) as account:
            print(
                f"The app's state is on Azurite, opened by managed identity: {account.settings['STATE_URL']}"
            )
            yield account.settings
    except NotStarted as error:
        raise DemoFailed(str(error)) from None


def _check_hunts(app: httpx.Client) -> None:
    """Raise DemoFailed with what is wrong with hunt files: a run says nothing of that."""
    if broken := _json(app.get("/api/health"))["broken"]:
        raise DemoFailed(f"hunt files cannot be used: {'; '.join(broken)}")


def _watch(tenant: httpx.Client, app: httpx.Client, name: str) -> None:
    """Open the planted incident *name*, wait until the app has enriched it by itself, and show its run and comment."""
    incident = _json(tenant.post("/sandbox/incidents/open", params={"name": name}))
    opened = time.monotonic()
    names = {item.get("deviceDnsName") for alert in incident["alerts"] for item in alert["evidence"]}
    print(f"\nIncident {incident['id']}: {incident['displayName']}")
    print(f"Severity {incident['severity']}, devices: {', '.join(sorted(filter(None, names)))}")
    print("Nobody calls: the watch, a timer, looks for incidents that opened or grew.\n", flush=True)

    comments: list[str] = []
    while not comments:
        if time.monotonic() > opened + _RUN_LIMIT:
            raise DemoFailed(f"the incident holds no comment after {_RUN_LIMIT} s")
        time.sleep(0.1)
        comments = _comments(tenant, incident["id"])
    took = time.monotonic() - opened
    # A comment's last line names its run.
    address = f"/api/runs/{comments[-1].split()[-2]}"
    done = _follow(app, app.get(address), opened + _RUN_LIMIT, address)
    asked = max(hunt.get("seconds") or 0 for hunt in done["hunts"])
    print(
        f"Found by the watch, hunted and commented in {took:.1f} s; {asked:.1f} s of these the local tenant ran the query.\n"
    )
    _show(done)
    print(f"\nThe comment, as incident {incident['id']} now holds it:\n")
    for line in comments[-1].splitlines():
        print(f"    {line}".rstrip())


def _call_out(app: httpx.Client) -> None:
    """Call as a Logic App's HTTP action does, which repeats a call if it has lost the answer."""
    body = {"indicators": ["203.0.113.9"]}
    headers = {"x-ms-workflow-run-id": "08584700000000000000", "x-ms-action-tracking-id": "demo"}
    print("\nA Logic App asks about an address, and asks again, as it does when an answer is lost:")
    print(f"POST {str(app.base_url).rstrip('/')}/api/enrich {msgspec.json.encode(body).decode()}", flush=True)
    started = time.monotonic()
    answers = [app.post("/api/enrich", json=body, headers=headers) for _ in range(2)]
    runs = {_json(answer)["runId"] for answer in answers}
    if len(runs) != 1:
        raise DemoFailed(f"two calls of one action became {len(runs)} runs")
    print(
        f"{answers[0].status_code} and {answers[1].status_code}, both for run {runs.pop()}; it follows Location."
    )
    done = _follow(app, answers[0], started + _RUN_LIMIT)
    print(f"Done in {time.monotonic() - started:.1f} s: {done['verdict']}\n")
    _show(done)


def _sweep(app: httpx.Client) -> None:
    """Sweep the fleet, as the timer does every morning."""
    print("\nA sweep: the same hunts over the whole fleet, and what is new since yesterday:", flush=True)
    started = time.monotonic()
    done = _follow(app, app.post("/api/sweep", json={}), started + _RUN_LIMIT)
    print(f"Done in {time.monotonic() - started:.1f} s: {done['verdict']}\n")
    _show(done)
    print(f"\nIts report: {done['links']['report']}")


def _show(done: Mapping[str, Any]) -> None:
    if done["status"] != "completed" or not done["hunts"]:
        reasons = [f"{hunt['hunt']}: {why}" for hunt in done.get("hunts", ()) if (why := hunt.get("reason"))]
        raise DemoFailed("; ".join([f"the run ended as {done['status']}", done["verdict"], *reasons]))
    print(*(f"    {line}" for line in lines(done["hunts"])), sep="\n")


def _comments(tenant: httpx.Client, incident: str) -> list[str]:
    now = _json(tenant.get("/sandbox/incidents"))["value"]
    return [text["comment"] for one in now if one["id"] == incident for text in one["comments"]]


def _follow(app: httpx.Client, answer: httpx.Response, deadline: float, location: str = "") -> Any:
    """Follow a 202 to its Location, as a Logic App does, and return what is there once the run is done."""
    location = location or answer.headers.get("Location", "")
    while answer.status_code == httpx.codes.ACCEPTED:
        if time.monotonic() > deadline:
            raise DemoFailed(f"the run was not done after {_RUN_LIMIT} s: {answer.text[:500]}")
        # Callers in Azure wait as long as Retry-After says; here half a second is enough.
        time.sleep(min(float(answer.headers.get("Retry-After", "1")), 0.5))
        answer = app.get(location)
    return _json(answer)


def _live(tenant: httpx.Client, app: httpx.Client) -> None:
    """Let incidents open, grow, merge and be resolved until Ctrl+C, and print what happens."""
    root = str(app.base_url).rstrip("/")
    shown: dict[str, int] = {}
    _news(tenant, shown)
    try:
        print(f"\nIncidents and comments:  {tenant.base_url}\nThe app:                 {root}/api/health")
        print("\nAsk for an incident yourself:\n")
        asked = """-H 'Content-Type: application/json' -d '{"incidentId": "4101"}'"""
        print(f"    curl -i {root}/api/enrich {asked}")
        print(f"\nSomething happens every {_PAUSE} s. Ctrl+C ends it all.\n", flush=True)
        while True:
            happening = _json(tenant.post("/sandbox/incidents/live"))
            incident = happening["incident"]
            _log(f"incident {incident['id']} {happening['happened']}: {incident['displayName']}")
            until = time.monotonic() + _PAUSE
            while time.monotonic() < until:
                time.sleep(1)
                for number, text in _news(tenant, shown):
                    _log(f"incident {number} commented: {text.splitlines()[0]}")
    except KeyboardInterrupt:
        print()


def _news(tenant: httpx.Client, shown: dict[str, int]) -> list[tuple[str, str]]:
    """Return the comments that are not among the *shown*, each with its incident's id."""
    news = []
    for one in _json(tenant.get("/sandbox/incidents"))["value"]:
        comments = [text["comment"] for text in one["comments"]]
        news += [(one["id"], text) for text in comments[shown.get(one["id"], 0) :]]
        shown[one["id"]] = len(comments)
    return news


def _log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _json(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise DemoFailed(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def _command(option: str) -> str:
    shown = os.path.relpath(sys.executable)
    return f"{sys.executable if shown.startswith('..') else shown} -m sandbox demo {option}"


def _stop(*_: object) -> NoReturn:
    sys.exit(143)
