"""The local Functions host: HTTP triggers, function keys and the signed-in caller."""

from __future__ import annotations

import pytest

from tests.support.sample import Instance, Loaded, started


async def test_a_function_sees_the_request_as_on_azure(app: Instance) -> None:
    """It sees lower-case header names, route parameters and the body, but no empty query values."""
    headers = {"X-Custom": "Kept", "X-MS-CLIENT-PRINCIPAL-ID": "forged", "X-MS-CLIENT-PRINCIPAL": "forged"}
    answer = await app.http.post("/API/echo/web-1?a=1&b=&c=2&c=3", content=b"text", headers=headers)
    seen = answer.json()

    assert (202, "5", "a=b") == (
        answer.status_code,
        answer.headers["retry-after"],
        answer.headers["set-cookie"],
    )
    assert "application/json" == answer.headers["content-type"]
    assert {"a": "1", "c": "2,3"} == seen["params"]
    assert {"name": "web-1"} == seen["route"]
    assert ("POST", "text") == (seen["method"], seen["body"])
    assert str(app.http.base_url.join("/API/echo/web-1?a=1&b=&c=2&c=3")) == seen["url"]
    assert "Kept" == seen["headers"]["x-custom"]
    assert not [name for name in seen["headers"] if name.startswith("x-ms-client-principal")]


async def test_a_literal_route_wins_over_a_parameter(app: Instance) -> None:
    """The function for `echo/special` is called, and not the one for `echo/{name}`."""
    answer = await app.http.post("/api/echo/special")

    assert (200, "special 0") == (answer.status_code, answer.text)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/none"), ("POST", "/echo/a"), ("GET", "/api/echo/a"), ("GET", "/")]
)
async def test_an_unknown_route_is_answered_with_404(app: Instance, method: str, path: str) -> None:
    """So is a known route that is called with a wrong method."""
    answer = await app.http.request(method, path)

    assert 404 == answer.status_code


@pytest.mark.parametrize("how", ["raise", "die"])
async def test_a_function_that_raises_is_answered_with_500(app: Instance, how: str) -> None:
    """The body is empty, even if the function takes its worker down."""
    answer = await app.http.get(f"/api/break?how={how}")

    assert (500, b"") == (answer.status_code, answer.content)


async def test_a_slow_function_is_answered_with_504(loaded: Loaded) -> None:
    """A caller is not kept waiting longer than the load balancer waits."""
    async with started(loaded, http_limit=0.05) as app:
        answer = await app.http.get("/api/break?how=slow")

    assert 504 == answer.status_code


async def test_a_function_asks_for_the_host_key(loaded: Loaded) -> None:
    """It may come in a header or in the query; an anonymous function does not ask for it."""
    async with started(loaded, key="s3cret") as app:
        answers = [
            await app.http.post("/api/echo/a"),
            await app.http.post("/api/echo/a?code=wröng"),
            await app.http.post("/admin/functions/Tick"),
            await app.http.post("/api/echo/a?code=s3cret"),
            await app.http.post("/api/echo/a", headers={"x-functions-key": "s3cret"}),
            await app.http.post("/api/echo/special"),
        ]

    assert [401, 401, 401, 202, 202, 200] == [answer.status_code for answer in answers]


async def test_a_caller_cannot_forge_the_signed_in_user(loaded: Loaded) -> None:
    """The host says who called, whatever the caller's own header says."""
    async with started(loaded, principal="00000000-0000-0000-0000-000000000001") as app:
        answer = await app.http.post("/api/echo/a", headers={"x-ms-client-principal-id": "forged"})

    assert "00000000-0000-0000-0000-000000000001" == answer.json()["headers"]["x-ms-client-principal-id"]
