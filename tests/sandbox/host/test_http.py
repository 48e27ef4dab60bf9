"""The local Functions host: HTTP triggers, keys, the signed-in caller."""

from __future__ import annotations

import pytest

from tests.support.sample import Instance, Loaded, started


async def test_request(app: Instance) -> None:
    """
    A function sees lower-case headers, route parameters, the body, and no empty query value.
    """
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


async def test_literal_before_parameter(app: Instance) -> None:
    """
    A route that is spelt out wins over one with a parameter.
    """
    answer = await app.http.post("/api/echo/special")

    assert (200, "special 0") == (answer.status_code, answer.text)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/none"), ("POST", "/echo/a"), ("GET", "/api/echo/a"), ("GET", "/")]
)
async def test_unknown_route(app: Instance, method: str, path: str) -> None:
    """
    What no route answers is 404, a wrong method too.
    """
    answer = await app.http.request(method, path)

    assert 404 == answer.status_code


@pytest.mark.parametrize("how", ["raise", "die"])
async def test_function_raises(app: Instance, how: str) -> None:
    """
    A function that raises, or takes its worker with it, answers 500 and says nothing.
    """
    answer = await app.http.get(f"/api/break?how={how}")

    assert (500, b"") == (answer.status_code, answer.content)


async def test_time_limit(loaded: Loaded) -> None:
    """
    A caller is not kept waiting longer than the load balancer waits.
    """
    async with started(loaded, http_limit=0.05) as app:
        answer = await app.http.get("/api/break?how=slow")

    assert 504 == answer.status_code


async def test_keys(loaded: Loaded) -> None:
    """
    With a key, a function asks for it, in a header or the query, unless it is anonymous.
    """
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


async def test_principal(loaded: Loaded) -> None:
    """
    With a principal, the platform says who called, whatever the caller says.
    """
    async with started(loaded, principal="00000000-0000-0000-0000-000000000001") as app:
        answer = await app.http.post("/api/echo/a", headers={"x-ms-client-principal-id": "forged"})

    assert "00000000-0000-0000-0000-000000000001" == answer.json()["headers"]["x-ms-client-principal-id"]
