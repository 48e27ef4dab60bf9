"""Calls that are refused whoever makes them: from another site, of another type, of another workspace, too long."""

from __future__ import annotations

import pytest

from functions import app
from shared.selftest.need import error_of
from tests.support.callers import HANDLERS, ask, call, let_in, principal, said
from tests.support.openapi import problems
from tests.support.sentinel_bodies import ARM_ID, trigger

WORKSPACE = ARM_ID.partition("/providers/Microsoft.SecurityInsights")[0]
#: What has effects.
EFFECTS = ["POST /api/enrich", "POST /api/sentinel", "POST /api/sweep", "GET /api/selftest"]


@pytest.mark.fault(
    "B14", before="assert 403 == 400, and 200 of the self-test: a page of another site started it"
)
@pytest.mark.parametrize(
    ("site", "taken"), [("cross-site", False), ("same-site", False), ("none", True), ("same-origin", True)]
)
@pytest.mark.parametrize("operation", HANDLERS)
@pytest.mark.usefixtures("platform")
async def test_another_sites_page_starts_nothing(operation: str, site: str, *, taken: bool) -> None:
    """What has effects is refused where the browser says so; what only reads is not, since links lead there."""
    status, body = await call(operation, principal(**{"sec-fetch-site": site}))

    if operation in EFFECTS and not taken:
        assert (403, "CrossSite") == (status, body["error"]["code"])
    else:
        assert let_in(operation) == status


@pytest.mark.fault("B14", before="assert 415 == 400: a form's body was read as JSON")
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 400),
        ("Application/JSON; charset=utf-8", 400),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/json2", 415),
        ("", 415),
    ],
)
@pytest.mark.parametrize("operation", [operation for operation in HANDLERS if operation.startswith("POST")])
@pytest.mark.usefixtures("platform")
async def test_a_body_must_say_that_it_is_json(operation: str, kind: str, status: int) -> None:
    """What a form of another site can send is refused, as is no type at all; the message says what to send."""
    found, body = await call(operation, {**principal(), "content-type": kind})

    assert status == found
    if status == 415:
        assert body["error"]["message"].startswith("send the header Content-Type: application/json; ")
        assert "PowerShell: -ContentType" in body["error"]["message"]


@pytest.mark.fault(
    "B11", before="assert 3_568_972 < 10_000: a body of 168,890 bytes was answered with 21 times as many"
)
@pytest.mark.parametrize("operation", ["POST /api/enrich", "POST /api/sweep"])
@pytest.mark.usefixtures("platform")
async def test_an_answer_repeats_few_of_many_unknown_hunts(operation: str) -> None:
    """Twenty are named, each shortened, and the hunts that there are once."""
    more = {"devices": ["srv-7"]} if "enrich" in operation else {}
    answer = await ask(operation, principal(), {**more, "hunts": [f"{n}-{'x' * 250}" for n in range(1_000)]})

    assert 400 == answer.status_code
    assert len(answer.get_body()) < 10_000
    assert 21 == len(said(answer)["error"]["details"])
    assert "and 980 more" == said(answer)["error"]["details"][-1]["message"]


@pytest.mark.fault(
    "B11",
    before="assert 'length <= ' in 'these hunts cannot run': 20,000 names, and names of 4,096 characters, were taken",
)
@pytest.mark.parametrize("names", [[str(n) for n in range(1_001)], ["x" * 256]])
@pytest.mark.parametrize("operation", ["POST /api/enrich", "POST /api/sweep"])
@pytest.mark.usefixtures("platform")
async def test_the_names_of_hunts_are_bounded(operation: str, names: list[str]) -> None:
    """A request names at most 1,000, of at most 255 characters each."""
    more = {"devices": ["srv-7"]} if "enrich" in operation else {}
    answer = await ask(operation, principal(), {**more, "hunts": names})

    assert 400 == answer.status_code
    assert "length <= " in said(answer)["error"]["message"]


@pytest.mark.fault("B5", before="assert 403 == 202: the incident of any workspace was taken")
@pytest.mark.parametrize(
    ("served", "provider", "status"),
    [
        ("", "Azure Sentinel", 403),
        (f"{WORKSPACE}-other", "Azure Sentinel", 403),
        (f"{WORKSPACE}-other,{WORKSPACE}", "Azure Sentinel", 202),
        ("", "Microsoft XDR", 202),
        (f"{WORKSPACE}-other", "Microsoft XDR", 202),
    ],
)
@pytest.mark.usefixtures("platform")
async def test_a_sentinel_incident_of_another_workspace_is_refused(
    served: str, provider: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is stored; one that mirrors Defender's is taken from anywhere, and commented there."""
    monkeypatch.setenv("SENTINEL_WORKSPACE", served)
    app.read_settings.cache_clear()
    answer = await ask("POST /api/sentinel", principal(), trigger(providerName=provider))
    stored = await app.store().keys("runs/")

    assert status == answer.status_code
    assert (status == 202) == bool(stored)
    assert [] == problems("POST /api/sentinel", status, answer.get_body())


@pytest.mark.usefixtures("platform")
async def test_the_selftests_hunt_waits_behind_those_of_the_runs() -> None:
    """A run has taken the one hunt of this minute, so the self-test sends none, and says so."""
    await error_of(app.tools().graph.run_hunting_query("DeviceInfo", "PT1H"))
    _, body = await call("GET /api/selftest", principal())
    (quota,) = [need for need in body["needs"] if need["name"] == "hunting quota"]

    assert quota["met"] is None
    assert "HUNTS_PER_MINUTE (1) is used up" in quota["found"]
