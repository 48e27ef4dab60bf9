"""The checks of what a host answers over HTTP: each returns what it saw, in words, or raises CheckFailed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx

from .deployment import ROOT
from .scene import CheckFailed, Scene, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_SETTINGS = {"WATCH_SCHEDULE": "0 * * * * * *", "MAX_ROWS": "abc"}

_SELFTEST = 60.0  # seconds for a selftest to answer, once health does
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


def wrong_settings(scene: Scene) -> str:
    """GET /api/health and GET /api/selftest answer 503 and name each wrong setting."""

    def names(answer: httpx.Response | None) -> bool:
        return (
            answer is not None
            and answer.status_code == 503
            and all(name in answer.text for name in WRONG_SETTINGS)
        )

    wanted = " and ".join(WRONG_SETTINGS)
    for path, limit in (("/api/health", scene.patience), ("/api/selftest", _SELFTEST)):
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


def _calls() -> Iterator[tuple[str, str]]:
    """Yield method and path of every call; a run's is that of a run that is not there."""
    paths = json.loads((ROOT / "functions" / "openapi.json").read_bytes())["paths"]
    for path, methods in paths.items():
        for method in methods:
            yield method.upper(), f"/api{path.replace('{runId}', '0' * 32)}"


def _call(scene: Scene, method: str, path: str) -> httpx.Response:
    # A body that nobody can read, so that nothing is started.
    return scene.http.request(method, path, content=b"[" if method == "POST" else None)
