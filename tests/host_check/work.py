"""The checks of what a host's triggers do, and of its end: each returns what it saw, in words, or raises CheckFailed."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from shared.schedule import parse

from .scene import CheckFailed, Scene, shown, told

#: The watch takes up incidents of high severity alone, so that the others are left to the runs that are asked for.
RIGHT_SETTINGS = {
    "COMMENTS": "on",
    "WATCH_SCHEDULE": "*/3 * * * * *",
    "WATCH_MIN_SEVERITY": "high",
    "SWEEP_SCHEDULE": "*/10 * * * * *",
    "HUNTS_PER_MINUTE": "1000",
}

# Incidents of the sandbox's tenant, by the names of their intrusions: two of medium severity, and one of high.
_ASKED_FOR, _KILLED, _WATCHED = "download", "spread", "exfiltration"
_DONE = 60.0  # seconds for an ordinary run
_BACK = 120.0  # seconds for a run whose worker died: visibilityTimeout is 30 s, and DESIGN.md promises two minutes
_RESTART = 60.0  # seconds for another worker
_STOP = 20.0  # seconds for a host to end: what is at work is given 10
_SLOW = 20.0  # seconds that a hunt takes where its run is to be caught at work
_NEAR = timedelta(seconds=1)  # a timer fires a few milliseconds early, or a moment late


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
