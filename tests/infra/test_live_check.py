"""`make live-check` checks a deployed app from outside, gives nobody the key, and says what is left to a person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.calling import App, NotBegun, credential_of
from infra.live_check import CHECKS, door, dry_run, headings, health, selftest
from sandbox.tenant.app import build_app
from sandbox.tenant.state import HUNT
from shared.selftest.by_hand import BY_HAND
from tests.support.deployed import KEY, SECRET, hosted, identity, served
from tests.support.openapi import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    Serve = Callable[[Callable[[Request], Response]], str]

ROOT = Path(__file__).parents[2]
CREDENTIAL = {"x-functions-key": KEY}


def checked(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the check in a process with Python's own library, and no other credential than those in *environment*."""
    known = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-S", "-m", "infra.live_check", url],
        cwd=ROOT, env=known | environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The address of an app that is deployed on this machine, and its tenant."""
    tenant = build_app(devices=40, days=1, life=False, secret=SECRET)
    with (
        served(tenant) as address,
        hosted(tmp_path_factory.mktemp("app"), **identity(address), HUNTS_PER_MINUTE="1000") as http,
    ):
        yield str(http.base_url), tenant.state.tenant


@pytest.fixture
def answering() -> Iterator[Serve]:
    """A function that serves one answer at every path, and returns the address."""
    with ExitStack() as stack:

        def serve(answer: Callable[[Request], Response]) -> str:
            routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
            return stack.enter_context(served(Starlette(routes=routes)))

        yield serve


def test_an_app_as_it_should_be_passes_and_is_not_commented_by(deployed: tuple[str, Any]) -> None:
    """Each call of the API, each need, and a run over an incident are told to be ok, the rest to be by hand."""
    url, tenant = deployed
    before = [len(each["comments"]) for each in tenant.incidents.values()]
    done = checked(url, KEY=KEY, INCIDENT="4101")

    assert (0, "") == (done.returncode, done.stderr)
    assert not re.findall(r"^NOT.*", done.stdout, re.MULTILINE)
    assert all(f"{call}: 401" in done.stdout for call in operations())
    assert {"token", "queues", "authentication", "address"} <= set(
        re.findall(r"^ok +([\w ]+):", done.stdout, re.MULTILINE)
    )
    assert re.search(r"^ok +run \w+: completed, 5 hunts\. found on srv-7", done.stdout, re.MULTILINE)
    assert [str(number) for number in headings() if number not in CHECKS] == re.findall(
        r"^by hand +(\d+)  ", done.stdout, re.MULTILINE
    )
    assert before == [len(each["comments"]) for each in tenant.incidents.values()]
    assert KEY not in done.stdout


def test_without_an_incident_it_hunts_for_an_address_that_nobody_has(deployed: tuple[str, Any]) -> None:
    """By function, one after the other, as the list has them."""
    app = App(deployed[0], CREDENTIAL)
    said = [each for function, _ in CHECKS.values() for each in function(app)]

    assert {"ok"} == {verdict for verdict, _ in said}
    assert any("completed, 1 hunts. nothing found so far for 192.0.2[.]1" in text for _, text in said)
    assert ("ok", "its page: 200, default-src 'none'") in said
    assert ("ok", "its page, to a stranger: 401") in said


def test_a_stranger_is_told_what_strangers_see(deployed: tuple[str, Any]) -> None:
    """Without a credential the door is checked; the rest is by hand, and no failure."""
    done = checked(deployed[0])

    assert 0 == done.returncode
    assert len(operations()) == len(re.findall(r"^ok ", done.stdout, re.MULTILINE))
    assert 3 == done.stdout.count("by hand      give KEY, AUDIENCE or TOKEN")


def test_a_wrong_key_fails(deployed: tuple[str, Any]) -> None:
    """The exit code is 1, and the key is not printed."""
    done = checked(deployed[0], KEY="another-key")

    assert 1 == done.returncode
    assert "NOT          GET /api/health: 401" in done.stdout
    assert "NOT          POST /api/enrich: 401" in done.stdout
    assert "another-key" not in done.stdout


def test_a_need_that_is_not_met_is_told_with_its_remedy(deployed: tuple[str, Any]) -> None:
    """As the self-test has it."""
    url, tenant = deployed
    tenant.roles.discard(HUNT)
    try:
        said = list(selftest(App(url, CREDENTIAL)))
    finally:
        tenant.roles.add(HUNT)

    assert (
        [text for verdict, text in said if verdict == "NOT"]
        == [text for _, text in said if text.startswith(f"{HUNT}: Graph refuses it (403). Grant {HUNT}")]
        != []
    )
    assert any(verdict == "by hand" and text.startswith("hunts held to devices") for verdict, text in said)


def test_an_open_door_is_told_and_nothing_is_started_by_looking(answering: Serve) -> None:
    """What would start something is sent as no JSON, which the app refuses; a made-up sign-in is tried, too."""
    seen: list[tuple[str, str, bool]] = []

    def answer(request: Request) -> Response:
        forged = "x-ms-client-principal-id" in request.headers
        seen.append((request.method, request.headers.get("content-type", ""), forged))
        return JSONResponse({}, 200 if forged else 401)

    said = list(door(App(answering(answer), CREDENTIAL)))

    assert {"NOT"} == {verdict for verdict, _ in said}
    assert ("NOT", "GET /api/health: 401 and 200") in said
    assert {
        ("GET", "", True),
        ("GET", "", False),
        ("POST", "text/plain", True),
        ("POST", "text/plain", False),
    } == {*seen}


def test_a_redirect_is_not_followed(answering: Serve) -> None:
    """Whoever it leads to would be given the key."""
    seen: list[str] = []
    there = answering(lambda request: seen.append(request.url.path) or Response())  # type: ignore[func-returns-value]
    here = answering(lambda _: RedirectResponse(f"{there}/stolen"))

    assert [("NOT", "GET /api/health: 307")] == list(health(App(here, CREDENTIAL)))
    assert [] == seen


def test_a_run_at_another_address_is_not_asked_for(answering: Serve) -> None:
    """PUBLIC_URL names another host: the key goes nowhere, and what to set is said."""
    seen: list[str] = []
    there = answering(lambda request: seen.append(request.url.path) or Response())  # type: ignore[func-returns-value]
    root = answering(
        lambda _: JSONResponse({"runId": "1"}, 202, {"Location": f"{there}/api/runs/1", "Retry-After": "0"})
    )
    said = list(dry_run(App(root, CREDENTIAL)))

    assert [("ok", "the same call again is the same run")] == said[:1]
    assert f"where nothing is sent: PUBLIC_URL must be {root}" in said[-1][1]
    assert [] == seen


def test_a_run_that_waits_is_given_up_and_says_why(answering: Serve) -> None:
    """After its patience; a page that is none is told, too."""
    body = {"runId": "1", "status": "waiting", "waiting": {"reason": "Graph refuses it"}}
    root = ""

    def answer(_: Request) -> Response:
        return JSONResponse(body, 202, {"Location": f"{root}/api/runs/1", "Retry-After": "0"})

    root = answering(answer)
    said = list(dry_run(App(root, CREDENTIAL), patience=0.0))

    assert ("NOT", "run 1: 202 waiting Graph refuses it") in said
    assert ("NOT", "its page: 202, None") in said


@pytest.mark.parametrize("url", ["http://outrider.example", "ftp://outrider.example", ""])
def test_no_key_is_sent_in_the_clear(url: str) -> None:
    """The address must have https, unless it is this machine's own; the exit code is 2."""
    done = checked(url, KEY=KEY)

    assert (2, "") == (done.returncode, done.stdout)
    assert f"Nothing was checked: the address must begin with https://, and is {url!r}\n" == done.stderr


def test_az_is_asked_for_a_token_which_is_printed_nowhere(
    deployed: tuple[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For the audience, as whoever is signed in; what az says where it has none is passed on."""
    az = tmp_path / "az"
    az.write_text(
        '#!/bin/sh\n[ "$4" = api://known ] && echo a-token || { echo "AADSTS650057" >&2; exit 1; }\n'
    )
    az.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    done = checked(deployed[0], AUDIENCE="api://known")

    assert {"Authorization": "Bearer a-token"} == credential_of({"AUDIENCE": "api://known"})
    assert {"Authorization": "Bearer given"} == credential_of({"AUDIENCE": "api://known", "TOKEN": "given"})
    assert {} == credential_of({})
    assert 1 == done.returncode
    assert "a-token" not in done.stdout + done.stderr
    with pytest.raises(NotBegun, match="az has no token for api://other: AADSTS650057"):
        credential_of({"AUDIENCE": "api://other"})


def test_an_error_that_repeats_the_key_is_printed_without_it(answering: Serve) -> None:
    """Whatever answers."""
    root = answering(
        lambda request: JSONResponse({"error": {"message": request.headers.get("x-functions-key", "")}}, 403)
    )
    done = checked(root, KEY="the-key-itself")

    assert 1 == done.returncode
    assert "NOT          GET /api/health: 403: ***" in done.stdout
    assert "the-key-itself" not in done.stdout + done.stderr


def test_the_list_is_numbered_and_has_what_the_self_test_leaves_to_people() -> None:
    """What it does by itself comes first; each thing says what to do if it is otherwise, where something can be done."""
    listed = headings()
    text = (ROOT / "infra" / "live-check.md").read_text(encoding="utf-8")

    assert [*range(1, len(listed) + 1)] == [*listed]
    assert [*range(1, len(CHECKS) + 1)] == [*CHECKS]
    assert set() == set(BY_HAND) - set(listed.values())
    assert len(listed) - 6 <= text.count("**If ")
