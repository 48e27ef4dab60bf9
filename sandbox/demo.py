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
from typing import TYPE_CHECKING, NoReturn

import httpx
import msgspec

from sandbox.calls import RUN_LIMIT, body_of, comments_of, follow, show
from sandbox.host.processes import DemoFailed, both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.hunts.staging import Staged

_LINUX, _WINDOWS = "exfiltration", "ransom"  # the incidents that it opens
_TAIL = 15  # lines of a log that are shown after a failure
_PAUSE = 8  # seconds between two events, for which the tenant's 45 hunting calls per minute are enough


def run(
    *, devices: int = 60, days: int = 7, storage: str = "folder", keep: bool = False, hunt: Path | None = None
) -> int:
    """
    Play the demo on a made-up fleet of *devices* with *days* of telemetry; return 0, or 1 if anything failed.

    The app keeps its state and its queues in a *storage* of the sandbox's own, "folder", or on "azurite". What
    this machine lacks for that is printed, and nothing else is done; the exit code is then 2. With
    *keep*, tenant and app stay up until Ctrl+C.

    With a *hunt*, a file or the name of a shipped one, the rows of its first case are in the fleet, and what it finds in an
    incident's comment is shown last. Raises what `staging.stage` does, before anything is started.
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
            staged = _staged(hunt, Path(folder))
            with (
                _stored(storage, Path(folder)) as settings,
                both(
                    Path(folder),
                    devices,
                    days,
                    rows=staged.rows if staged else None,
                    **settings,
                    **(staged.settings if staged else {}),
                ) as (tenant, app),
            ):
                _check_hunts(app)
                _play(tenant, app, staged)
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


def _staged(hunt: Path | None, folder: Path) -> Staged | None:
    if hunt is None:
        return None
    from sandbox.hunts.staging import stage

    return stage(hunt, folder)


def _play(tenant: httpx.Client, app: httpx.Client, staged: Staged | None) -> None:
    _watch(tenant, app, _LINUX)
    _call_out(app)
    _watch(tenant, app, _WINDOWS)
    _sweep(app)
    if staged:
        from sandbox.showing import show_hunt

        if staged.stage.opens not in {_LINUX, _WINDOWS}:
            _watch(tenant, app, staged.stage.opens)
        show_hunt(tenant, app, staged)


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
    if broken := body_of(app.get("/api/health"))["broken"]:
        raise DemoFailed(f"hunt files cannot be used: {'; '.join(broken)}")


def _watch(tenant: httpx.Client, app: httpx.Client, name: str) -> None:
    """Open the planted incident *name*, wait until the app has enriched it by itself, and show its run and comment."""
    incident = body_of(tenant.post("/sandbox/incidents/open", params={"name": name}))
    opened = time.monotonic()
    names = {item.get("deviceDnsName") for alert in incident["alerts"] for item in alert["evidence"]}
    print(f"\nIncident {incident['id']}: {incident['displayName']}")
    print(f"Severity {incident['severity']}, devices: {', '.join(sorted(filter(None, names)))}")
    print("Nobody calls: the watch, a timer, looks for incidents that opened or grew.\n", flush=True)

    comments: list[str] = []
    while not comments:
        if time.monotonic() > opened + RUN_LIMIT:
            raise DemoFailed(f"the incident holds no comment after {RUN_LIMIT} s")
        time.sleep(0.1)
        comments = comments_of(tenant, incident["id"])
    took = time.monotonic() - opened
    # A comment's last line names its run.
    address = f"/api/runs/{comments[-1].split()[-2]}"
    done = follow(app, app.get(address), opened + RUN_LIMIT, address)
    asked = max(hunt.get("seconds") or 0 for hunt in done["hunts"])
    print(
        f"Found by the watch, hunted and commented in {took:.1f} s; {asked:.1f} s of these the local tenant ran the query.\n"
    )
    show(done)
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
    runs = {body_of(answer)["runId"] for answer in answers}
    if len(runs) != 1:
        raise DemoFailed(f"two calls of one action became {len(runs)} runs")
    print(
        f"{answers[0].status_code} and {answers[1].status_code}, both for run {runs.pop()}; it follows Location."
    )
    done = follow(app, answers[0], started + RUN_LIMIT)
    print(f"Done in {time.monotonic() - started:.1f} s: {done['verdict']}\n")
    show(done)


def _sweep(app: httpx.Client) -> None:
    """Sweep the fleet, as the timer does every morning."""
    print("\nA sweep: the same hunts over the whole fleet, and what is new since yesterday:", flush=True)
    started = time.monotonic()
    done = follow(app, app.post("/api/sweep", json={}), started + RUN_LIMIT)
    print(f"Done in {time.monotonic() - started:.1f} s: {done['verdict']}\n")
    show(done)
    print(f"\nIts report: {done['links']['report']}")


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
            happening = body_of(tenant.post("/sandbox/incidents/live"))
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
    for one in body_of(tenant.get("/sandbox/incidents"))["value"]:
        comments = [text["comment"] for text in one["comments"]]
        news += [(one["id"], text) for text in comments[shown.get(one["id"], 0) :]]
        shown[one["id"]] = len(comments)
    return news


def _log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _command(option: str) -> str:
    shown = os.path.relpath(sys.executable)
    return f"{sys.executable if shown.startswith('..') else shown} -m sandbox demo {option}"


def _stop(*_: object) -> NoReturn:
    sys.exit(143)
