"""Who may make which call: every route, by whoever may call it and whoever may not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host.http_trigger import signed_in
from shared.model.role import ROLES
from tests.support.callers import HANDLERS, JSON, NOTHING, call, let_in, principal
from tests.support.openapi import operations

if TYPE_CHECKING:
    import httpx

READ, USE, SWEEP = ROLES
#: By what is called, the roles of which each alone lets the caller in. DEPLOYMENT says the same.
ALLOWED = {
    "POST /api/enrich": {USE, SWEEP},
    "POST /api/sentinel": {USE, SWEEP},
    "POST /api/sweep": {SWEEP},
    "GET /api/runs/{runId}": {READ, USE, SWEEP},
    "GET /api/runs/{runId}/findings": {READ, USE, SWEEP},
    "GET /api/runs/{runId}/report": {READ, USE, SWEEP},
    "GET /api/hunts": {READ, USE, SWEEP},
    "GET /api/hunts/layer": {READ, USE, SWEEP},
    "GET /api/health": {READ, USE, SWEEP},
    "GET /api/selftest": {SWEEP},
}


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
