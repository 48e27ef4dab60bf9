"""Who may make which call: every route, by whoever may call it and whoever may not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host.http_trigger import signed_in
from sandbox.tenant.state import Tenant
from shared.model.role import ROLES
from tests.support import callers
from tests.support.callers import HANDLERS, JSON, ask, principal, said
from tests.support.deployed import identity
from tests.support.openapi import operations, problems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

READ, USE, SWEEP = ROLES
#: By what is called, the roles of which each alone lets the caller in. SECURITY and DEPLOYMENT say the same.
ALLOWED = {
    "POST /api/enrich": {USE, SWEEP},
    "POST /api/sentinel": {USE, SWEEP},
    "POST /api/sweep": {SWEEP},
    "GET /api/runs/{runId}": {READ, USE, SWEEP},
    "GET /api/runs/{runId}/findings": {READ, USE, SWEEP},
    "GET /api/runs/{runId}/report": {READ, USE, SWEEP},
    "GET /api/hunts": {READ, USE, SWEEP},
    "GET /api/health": {READ, USE, SWEEP},
    "GET /api/selftest": {SWEEP},
}
#: What has effects.
EFFECTS = ["POST /api/enrich", "POST /api/sentinel", "POST /api/sweep", "GET /api/selftest"]
#: How a call that is let in is answered here: its body asks for nothing, or its run is none.
ANSWERS = {"POST": 400, "GET /api/runs/{runId}": 404, "GET": 200}
NOTHING: dict[str, Any] = {"hunts": ["no-such-hunt"]}


def let_in(operation: str) -> int:
    """Return the status of a call that is let in."""
    return next(status for start, status in ANSWERS.items() if operation.startswith(start))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the queues of a storage account, and yield the address."""
    with callers.queues() as found:
        yield found


@pytest.fixture
async def platform(
    cloud: tuple[str, Tenant], address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Settings of an app whose callers App Service authentication signs in."""
    # Tokens are had, and nobody answers as Graph: the self-test is quick, and leaves no connection open.
    settings = {**identity(cloud[0]), "GRAPH_URL": "http://127.0.0.1:9"}
    with callers.platform(address, "entra", monkeypatch, **settings):
        yield
        await callers.close()


async def call(operation: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Call a function so that it does nothing; return its status and body, which must be as described."""
    answer = await ask(operation, headers, NOTHING if operation.startswith("POST") else None)
    if answer.status_code != 401:
        assert [] == problems(operation, answer.status_code, answer.get_body())
    return answer.status_code, said(answer)


@pytest.mark.fault(
    "B6", before="200 and 400, as with every role, for a principal without one, on all nine routes"
)
@pytest.mark.parametrize("operation", HANDLERS)
@pytest.mark.parametrize("roles", [None, (), ("Outrider.Other", "User.Read"), *((role,) for role in ROLES)])
@pytest.mark.usefixtures("platform")
async def test_a_principal_may_make_the_calls_of_its_role(
    operation: str, roles: tuple[str, ...] | None
) -> None:
    """401 without a principal; 403 without a role that allows the call, naming it; and let in with one."""
    status, body = await call(operation, JSON if roles is None else principal(roles=roles))
    expected = 401 if roles is None else let_in(operation) if ALLOWED[operation] & set(roles) else 403

    assert expected == status
    if expected == 403:
        needed = [role for role in ROLES if role in ALLOWED[operation]]
        assert body["error"]["message"].startswith(f"this needs the role {' or '.join(needed)} of Outrider's")
        assert "Enterprise applications" in body["error"]["message"]


def test_the_table_has_every_call() -> None:
    """What the OpenAPI file describes is in it."""
    assert set(operations()) <= set(HANDLERS) == set(ALLOWED)


@pytest.mark.parametrize("operation", HANDLERS)
def test_with_function_keys_whoever_holds_one_may_make_every_call(http: httpx.Client, operation: str) -> None:
    """Without one, and with a wrong one, the host answers 401, whatever the caller says of a principal."""
    method, path = operation.split()
    body = {"json": NOTHING} if method == "POST" else {}

    def status(key: str, **more: str) -> int:
        headers = {"x-functions-key": key, **more}
        return http.request(method, path.format(runId="0" * 32), headers=headers, **body).status_code

    forged = status("", **signed_in("analyst", ROLES)), status("wrong", **signed_in("analyst", ROLES))

    assert (let_in(operation), 401, 401) == (status("function-key"), status(""), status("wrong"))
    assert (401, 401) == forged


def test_health_says_who_may(http: httpx.Client) -> None:
    """With function keys: everybody who holds one may do everything."""
    assert "whoever holds a function key may make every call" in http.get("/api/health").json()["callers"]


@pytest.mark.usefixtures("platform")
async def test_health_says_that_roles_decide() -> None:
    """With sign-in, it says what each role allows."""
    _, body = await call("GET /api/health", principal(roles=[READ]))

    assert all(role in body["callers"] for role in ROLES)


def claims(*pairs: tuple[Any, Any], **more: Any) -> str:
    """Return a header with these claims."""
    content = {"auth_typ": "aad", "claims": [{"typ": typ, "val": val} for typ, val in pairs], **more}
    return base64.b64encode(json.dumps(content).encode()).decode()


URI = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (claims(("roles", READ)), 200),
        (claims(("role", READ)), 200),
        (claims((URI, READ), role_typ=URI), 200),
        (claims(("app_role", READ), role_typ="app_role"), 200),
        (claims(("groups", "g"), ("roles", "Other"), ("roles", READ)), 200),
        (claims(("groups", READ), ("name", READ), role_typ=URI), 403),
        (claims(("app_role", READ)), 403),
        (claims(("roles", READ.lower())), 403),
        (claims(("roles", f"{READ},{USE}")), 403),
        (claims(("roles", [READ])), 403),
        (claims((None, READ)), 403),
        (claims(), 403),
        ("", 403),
        ("%%%", 403),
        ("ä", 403),
        (base64.b64encode(b"{").decode(), 403),
        (base64.b64encode(b'{"claims": null}').decode(), 403),
        (base64.b64encode(b"\xff\xfe").decode(), 403),
        (base64.b64encode(b"[" * 20_000).decode(), 403),
        (claims(("roles", READ), ("x", "y" * 30_000)), 403),
    ],
)
@pytest.mark.usefixtures("platform")
async def test_a_role_counts_where_a_token_has_it(header: str, status: int) -> None:
    """
    In the claim of the token, or the one that App Service maps it to; nothing else gives a role, or raises.

    "Work with user identities in Azure App Service authentication", Microsoft Learn: claims are mapped.
    """
    headers = {"x-ms-client-principal-id": "analyst", "x-ms-client-principal": header}
    found, _ = await call("GET /api/hunts", headers)

    assert status == found


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
    "B11", before="assert 'at most' in …: 20,000 names, and names of 4,096 characters, were taken"
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
