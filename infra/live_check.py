"""
Check a deployed app from outside, and say what is left to a person: `make live-check URL=https://func-….azurewebsites.net`.

    python -m infra.live_check URL

It does what infra/live-check.md has first, in that order, and prints each thing as `ok`, `NOT` or `by hand`. The exit code is
1 if anything is NOT, 2 if it could not begin. It starts one run, which comments on nothing. Python alone is needed.

The environment says as whom it calls, and no secret is printed or passed to another program:

    KEY        a function key, where the app has HTTP_AUTH=key
    AUDIENCE   the output `audience`: az, signed in as somebody who has Outrider.Sweep, is asked for a token
    TOKEN      a token for the app, from elsewhere
    INCIDENT   the number of an incident that the run is to read; otherwise it hunts for an address that nobody has

Without the first three, only what strangers see is checked.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
import time
import uuid
from http.client import ACCEPTED, OK, UNAUTHORIZED
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from infra.calling import Answer, App, NotBegun, credential_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Verdict = Literal["ok", "NOT", "by hand"]
    Said = Iterator[tuple[Verdict, str]]

ROOT = Path(__file__).parent.parent
_CALLS = json.loads((ROOT / "functions" / "openapi.json").read_text(encoding="utf-8"))
_LIST = (ROOT / "infra" / "live-check.md").read_text(encoding="utf-8")
#: A documentation address (RFC 5737): no device has talked to it.
_NOBODY = "192.0.2.1"
_ROLES = ("Outrider.Read", "Outrider.Use", "Outrider.Sweep")


def door(app: App) -> Said:
    """A stranger gets 401 everywhere, also one who says that App Service has signed him in."""
    claims = [{"typ": "roles", "val": role} for role in _ROLES]
    principal = base64.b64encode(json.dumps({"claims": claims, "role_typ": "roles"}).encode()).decode()
    forged = {"X_MS_CLIENT_PRINCIPAL_ID": str(uuid.uuid4()), "X_MS_CLIENT_PRINCIPAL": principal}
    for path, methods in _CALLS["paths"].items():
        route = _CALLS["basePath"] + path.replace("{runId}", uuid.uuid4().hex)
        for method in methods:
            # No JSON: if the door is open, the app itself refuses this, and nothing is started.
            body = None if method == "get" else b"live-check"
            kind = {} if body is None else {"Content_Type": "text/plain"}
            answers = [app.call(route, body, known=False, **kind, **headers) for headers in ({}, forged)]
            met = [answer.status for answer in answers] == [UNAUTHORIZED, UNAUTHORIZED]
            said = "401, with made-up sign-in headers, too" if met else " and ".join(map(str, answers))
            yield _verdict(met=met), f"{method.upper()} {_CALLS['basePath']}{path}: {said}"


def health(app: App) -> Said:
    """It is healthy, says which version it is, and the watch looks."""
    started = time.monotonic()
    answer = app.call("/api/health")
    if answer.status != OK:
        yield "NOT", f"GET /api/health: {answer}"
        return
    body, took = answer.data, time.monotonic() - started
    says = f"version {body['version']}, {len(body['hunts'])} hunts, comments {body['comments']}"
    yield _verdict(met=body["status"] == "healthy"), f"{body['status']} in {took:.1f} s, {says}"
    yield from (("NOT", str(broken)) for broken in body["broken"])
    watch = body["watch"]
    looks = {"looking": True, "off": True, "silent": False}.get(watch["status"])
    later = "; ask again in some minutes" if looks is None else ""
    yield _verdict(met=looks), f"the watch: {watch['found']}{later}"


def selftest(app: App) -> Said:
    """Every need is met."""
    answer = app.call("/api/selftest")
    if answer.status != OK:
        yield "NOT", f"GET /api/selftest: {answer}"
        return
    for need in answer.data["needs"]:
        mend = f". {need['mend']}" if need["mend"] else ""
        yield _verdict(met=need["met"]), f"{need['name']}: {need['found']}{mend}"


def dry_run(app: App, patience: float = 900.0) -> Said:
    """A run is accepted, found by its address, done within *patience* seconds, shown as a page, and is one if it is sent twice."""
    incident = os.environ.get("INCIDENT", "")
    asked = {"comment": False, **({"incidentId": incident} if incident else {"indicators": [_NOBODY]})}
    key = {"Idempotency_Key": f"live-check-{uuid.uuid4()}"}
    first, again = (app.call("/api/enrich", asked, **key) for _ in range(2))
    if first.status != ACCEPTED:
        yield "NOT", f"POST /api/enrich: {first}"
        return
    run_id, location = first.data["runId"], str(first.headers["Location"])
    same = (again.status, again.data.get("runId")) == (ACCEPTED, run_id)
    yield _verdict(met=same), f"the same call again is {'the same run' if same else f'another one: {again}'}"
    there = urlsplit(location)
    if there[:2] != urlsplit(app.root)[:2]:
        yield "NOT", f"Location leads to {there.netloc}, where nothing is sent: PUBLIC_URL must be {app.root}"
        return
    path, deadline = location[len(app.root) :], time.monotonic() + patience
    while (answer := app.call(path)).status == ACCEPTED and time.monotonic() < deadline:
        time.sleep(min(float(answer.headers["Retry-After"] or 5), 5.0))
    yield from _result(answer, run_id)
    page = app.call(f"/api/runs/{run_id}/report")
    policy = str(page.headers["Content-Security-Policy"])
    html = page.status == OK and b"<!doctype html>" in page.body[:200]
    yield (
        _verdict(met=html and policy.startswith("default-src 'none'")),
        f"its page: {page}, {policy.partition(';')[0]}",
    )
    stranger = app.call(f"/api/runs/{run_id}/report", known=False)
    yield _verdict(met=stranger.status == UNAUTHORIZED), f"its page, to a stranger: {stranger}"


def _result(answer: Answer, run_id: str) -> Said:
    body = answer.data
    if answer.status != OK:
        waiting = body.get("waiting", {}).get("reason", "")
        yield "NOT", f"run {run_id}: {answer} {body.get('status', '')} {waiting}".rstrip()
        return
    ended = f"{body['status']}, {body['huntCount']} hunts. {body['verdict']} {body.get('reason', '')}"
    yield _verdict(met=body["status"] == "completed"), f"run {run_id}: {ended}"
    bad = [hunt for hunt in body["hunts"] if hunt["outcome"] == "notRun"]
    yield from (("NOT", f"{hunt['hunt']} was not run: {hunt.get('reason', '')}") for hunt in bad)
    written = [comment for comment in body["comments"] if comment["status"] == "written"]
    yield _verdict(met=not written), f"it wrote {len(written) or 'no'} comment"


def _verdict(*, met: bool | None) -> Verdict:
    return "by hand" if met is None else "ok" if met else "NOT"


#: By the number that each has in infra/live-check.md, and whether a stranger may.
CHECKS: dict[int, tuple[Callable[[App], Said], bool]] = {
    1: (door, True),
    2: (health, False),
    3: (selftest, False),
    4: (dry_run, False),
}


def headings() -> dict[int, str]:
    """Return the things that infra/live-check.md lists, by their numbers."""
    return {int(number): title for number, title in re.findall(r"^### (\d+)\. (.+)$", _LIST, re.MULTILINE)}


def check(app: App) -> bool:
    """Print what is so of *app*, and what a person must look at; return whether nothing is NOT."""
    good = True
    for number, title in headings().items():
        if number not in CHECKS:
            print(f"by hand  {number:2}  {title}")
            continue
        function, stranger = CHECKS[number]
        print(f"         {number:2}  {title}")
        try:
            told: Said = (
                function(app)
                if stranger or app.credential
                else iter([("by hand", "give KEY, AUDIENCE or TOKEN")])
            )
            for verdict, text in told:
                good = good and verdict != "NOT"
                print(f"{verdict:7}      {_without_secrets(text, app.credential)}")
        except (OSError, KeyError, TypeError, ValueError) as error:
            good = False
            print(f"NOT          {_without_secrets(f'{type(error).__name__}: {error}', app.credential)}")
    return good


def _without_secrets(text: str, credential: Mapping[str, str]) -> str:
    """Return *text* in one line, and without the credential, should an answer or an error repeat it."""
    for secret in credential.values():
        text = text.replace(secret.removeprefix("Bearer "), "***")
    return " ".join(text.split())


def main(arguments: list[str]) -> int:
    """Check the app that the command line names; return the process's exit code: 0, 1 if something is NOT, or 2."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.live_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="the app's address: the output functionAppUrl")
    root = parser.parse_args(arguments).url.rstrip("/")
    try:
        app = App(root, credential_of(os.environ))
    except NotBegun as error:
        print(f"Nothing was checked: {error}", file=sys.stderr)
        return 2
    good = check(app)
    print(
        f"\nWhat to do, and what each should say: infra/live-check.md. {'Nothing is NOT.' if good else 'Something is NOT.'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
