"""
The checks, each in a function that returns what it saw, in words, or raises CheckFailed.

RIGHT are those of an app with the right settings, and WRONG of one with the WRONG_SETTINGS, each in the order in which
they are made on one host.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from shared.schedule import parse

from .deployment import ROOT
from .scene import CheckFailed, Scene, shown, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The watch takes up incidents of high severity alone, so that the others are left to the runs that are asked for.
RIGHT_SETTINGS = {
    "COMMENTS": "on",
    "WATCH_SCHEDULE": "*/3 * * * * *",
    "WATCH_MIN_SEVERITY": "high",
    "SWEEP_SCHEDULE": "*/10 * * * * *",
    "HUNTS_PER_MINUTE": "1000",
}
WRONG_SETTINGS = {"WATCH_SCHEDULE": "0 * * * * * *", "MAX_ROWS": "abc"}

# Incidents of the sandbox's tenant, by the names of their intrusions: two of medium severity, and one of high.
_ASKED_FOR, _KILLED, _WATCHED = "download", "windows", "exfiltration"
_DONE = 60.0  # seconds for an ordinary run
_BACK = 120.0  # seconds for a run whose worker died: visibilityTimeout is 30 s, and DESIGN.md promises two minutes
_RESTART = 60.0  # seconds for another worker
_STOP = 20.0  # seconds for a host to end: what is at work is given 10
_SLOW = 20.0  # seconds that a hunt takes where its run is to be caught at work
_NEAR = timedelta(seconds=1)  # a timer fires a few milliseconds early, or a moment late
_ALONE = {"/api/health", "/api/selftest"}


def start(scene: Scene) -> str:
    """GET /api/health says that the app is healthy."""

    def healthy() -> httpx.Response | None:
        answer = scene.get("/api/health")
        return (
            answer if answer and answer.status_code == 200 and '"status":"healthy"' in answer.text else None
        )

    answer = scene.until(
        healthy,
        scene.patience,
        f"GET /api/health to answer 200, healthy, within {scene.patience:.0f} s",
        lambda: shown(scene.get("/api/health")),
    )
    passed = time.monotonic() - scene.host.started
    return f"healthy {passed:.1f} s after the command was started, with {len(answer.json()['hunts'])} hunts"


def routes(scene: Scene) -> str:
    """Every call of functions/openapi.json is answered by the app, whose errors have a body; the host's have none."""
    calls = list(_calls())
    silent = [
        f"{method} {path}: {shown(answer)}"
        for method, path in calls
        if not (answer := _call(scene, method, path)).content
    ]
    if silent:
        raise CheckFailed("an answer of the app to each call of functions/openapi.json", "; ".join(silent))
    return f"{len(calls)} calls of functions/openapi.json are answered by the app"


def unknown_path(scene: Scene) -> str:
    """A path that no function has is 404."""
    answer = scene.http.get("/api/no-such-path")
    if answer.status_code != 404:
        raise CheckFailed("404 from GET /api/no-such-path", shown(answer))
    return "404"


def chunked_body(scene: Scene) -> str:
    """A body without Content-Length, which the Functions host drops, is refused with what to do about it."""
    answer = scene.http.post(
        "/api/enrich",
        content=iter([b'{"incidentId"', b': "4102"}']),
        headers={"Content-Type": "application/json"},
    )
    if answer.status_code != 400 or "Content-Length" not in answer.text:
        raise CheckFailed("400, with a message that says to send Content-Length", shown(answer))
    return "400, and the message says to send Content-Length"


def flow(scene: Scene) -> str:
    """An incident that is asked for is commented once, by its run."""
    incident = _opened(scene, _ASKED_FOR)
    began = time.monotonic()
    run = scene.enrich(incident)
    _commented_once(scene, incident, run, _DONE)
    return f"incident {incident} was commented once, {time.monotonic() - began:.1f} s after POST /api/enrich"


def watch(scene: Scene) -> str:
    """An incident that opens is commented, and nobody calls."""
    incident = _opened(scene, _WATCHED)
    began = time.monotonic()
    scene.until(
        lambda: scene.comments(incident),
        _DONE,
        f"a comment on incident {incident} within {_DONE:.0f} s of its opening (WATCH_SCHEDULE: every 3 s)",
        lambda: "none",
    )
    return f"incident {incident} was commented {time.monotonic() - began:.1f} s after it opened, and nobody had called"


def sweep(scene: Scene) -> str:
    """Each instant of the schedule starts one sweep: two of them, the first since the host was up, are waited for."""
    schedule = parse(RIGHT_SETTINGS["SWEEP_SCHEDULE"])
    before = scene.timer_sweeps()
    first = (
        schedule.latest(before[-1].requested + _NEAR) if before else schedule.next(datetime.now(UTC) + _NEAR)
    )
    instants = [first, schedule.next(first)]
    while datetime.now(UTC) < instants[-1] + 3 * _NEAR:
        time.sleep(0.1)
    started = [schedule.latest(one.requested + _NEAR) for one in scene.timer_sweeps()]
    counts, names = Counter(started), [f"{instant:%H:%M:%S}" for instant in instants]
    if [counts[instant] for instant in instants] != [1, 1] or max(counts.values()) > 1:
        raise CheckFailed(
            f"one sweep at {names[0]} and one at {names[1]} (UTC)",
            ", ".join(f"{number} at {instant:%H:%M:%S}" for instant, number in sorted(counts.items()))
            or "none",
        )
    return f"one was started at {names[0]}, and one at {names[1]} (UTC)"


def death(scene: Scene) -> str:
    """A run whose worker is killed at a hunt goes on once its message is visible again, and comments once."""
    incident = _opened(scene, _KILLED)
    device = next(
        item
        for alert in scene.tenant.incidents[incident]["alerts"]
        for item in alert["evidence"]
        if item.get("mdeDeviceId")
    )
    faults = scene.tenant.faults
    faults.add(match="hunt", contains=device["mdeDeviceId"], times=100, delay=_SLOW)
    run = scene.enrich(incident)
    hunting = faults.plan[0]
    scene.until(
        lambda: hunting.times < 100,
        _DONE,
        f"run {run} to hunt within {_DONE:.0f} s",
        lambda: shown(scene.get(f"/api/runs/{run}")),
    )
    killed = scene.host.kill_workers()
    died = time.monotonic()
    faults.clear()
    if not killed:
        raise CheckFailed("a Python process below the host's", "none")
    scene.until(
        lambda: {worker.pid for worker in scene.host.workers()} - {*killed},
        _RESTART,
        f"another worker within {_RESTART:.0f} s of the death of process {killed[0]}",
        lambda: "none",
    )
    restarted = time.monotonic() - died
    _commented_once(scene, incident, run, _BACK)
    passed = time.monotonic() - died
    return (
        f"incident {incident} was commented once, {passed:.1f} s after its worker (process {killed[0]}) was killed at a hunt; "
        f"another worker was there after {restarted:.1f} s"
    )


def comments(scene: Scene) -> str:
    """By the end every incident that opened has one comment still."""
    every = {number: scene.comments(number) for number in scene.tenant.incidents}
    wrong = {number: found for number, found in every.items() if len(found) != 1}
    if wrong:
        seen = (
            f"on incident {number}: {', '.join(map(told, found)) or 'none'}"
            for number, found in wrong.items()
        )
        raise CheckFailed("one comment on each incident", "; ".join(seen))
    return f"incidents {', '.join(every)} have one each"


def wrong_settings(scene: Scene) -> str:
    """GET /api/health and GET /api/selftest answer 503 and name each wrong setting."""

    def names(answer: httpx.Response | None) -> bool:
        return (
            answer is not None
            and answer.status_code == 503
            and all(name in answer.text for name in WRONG_SETTINGS)
        )

    wanted = " and ".join(WRONG_SETTINGS)
    for path, limit in (("/api/health", scene.patience), ("/api/selftest", _RESTART)):
        scene.until(
            lambda path=path: names(scene.get(path)),
            limit,
            f"503 from GET {path}, naming {wanted}, within {limit:.0f} s",
            lambda path=path: shown(scene.get(path)),
        )
    return f"health and selftest answer 503, and name {wanted}"


def nothing_else(scene: Scene) -> str:
    """With wrong settings, everything but health and selftest is 404."""
    calls = [(method, path) for method, path in _calls() if path not in _ALONE]
    served = [
        f"{method} {path}: {shown(answer)}"
        for method, path in calls
        if (answer := _call(scene, method, path)).status_code != 404 or answer.content
    ]
    if served:
        raise CheckFailed("404, empty, from every other call of functions/openapi.json", "; ".join(served))
    return f"the other {len(calls)} calls of functions/openapi.json are 404"


def stop(scene: Scene) -> str:
    """After SIGTERM the host ends in time, and its worker with it."""
    began = time.monotonic()
    left = scene.host.stop(_STOP)
    if left:
        raise CheckFailed(
            f"the host and its worker to end within {_STOP:.0f} s of SIGTERM",
            "; ".join(f"process {one.pid} runs: {one.command[:200]}" for one in left),
        )
    return f"host and worker ended {time.monotonic() - began:.1f} s after SIGTERM"


def _opened(scene: Scene, name: str) -> str:
    incident = scene.tenant.open(name)
    assert incident, name
    return str(incident["id"])


def _commented_once(scene: Scene, incident: str, run: str, limit: float) -> None:
    status = scene.finished(run, limit)["status"]
    found = scene.comments(incident)
    if status != "completed" or len(found) != 1 or run not in found[0]:
        raise CheckFailed(
            f"run {run} to be completed, and its comment to be the only one on incident {incident}",
            f"the run is {status}; comments: {', '.join(map(told, found)) or 'none'}",
        )


def _calls() -> Iterator[tuple[str, str]]:
    """Yield method and path of every call; a run's is that of a run that is not there."""
    paths = json.loads((ROOT / "functions" / "openapi.json").read_bytes())["paths"]
    for path, methods in paths.items():
        for method in methods:
            yield method.upper(), f"/api{path.replace('{runId}', '0' * 32)}"


def _call(scene: Scene, method: str, path: str) -> httpx.Response:
    # A body that nobody can read, so that nothing is started.
    return scene.http.request(method, path, content=b"[" if method == "POST" else None)


Check = tuple[str, "Callable[[Scene], str]"]

RIGHT: tuple[Check, ...] = (
    ("start", start),
    ("routes", routes),
    ("unknown path", unknown_path),
    ("chunked body", chunked_body),
    ("flow", flow),
    ("watch's timer", watch),
    ("sweeps' timer", sweep),
    ("worker's death", death),
    ("comments", comments),
    ("stop", stop),
)
WRONG: tuple[Check, ...] = (
    ("wrong settings", wrong_settings),
    ("nothing else", nothing_else),
    ("stop", stop),
)
