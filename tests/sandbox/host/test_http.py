"""The local Functions host: HTTP triggers, function keys and the signed-in caller."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
import pytest

from sandbox.host.http_trigger import signed_in
from sandbox.host.worker import Worker
from tests.support.sample import SCHEDULE, SETTINGS, Instance, started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    ("method", "path"), [("POST", "/api/none"), ("POST", "/echo/a"), ("GET", "/api/echo/a")]
)
async def test_an_unknown_route_is_answered_with_404(app: Instance, method: str, path: str) -> None:
    """So is a known route that is called with a wrong method."""
    answer = await app.http.request(method, path)

    assert 404 == answer.status_code


async def test_a_function_that_raises_is_answered_with_500(app: Instance) -> None:
    """The body is empty."""
    answer = await app.http.get("/api/break")

    assert (500, b"") == (answer.status_code, answer.content)


@pytest.mark.fault("H5", before="the function saw b'text'")
async def test_a_chunked_body_arrives_empty(app: Instance) -> None:
    """Without Content-Length the host passes no body on (azure-functions-host #4926; seen on 4.1037.0)."""

    async def chunks() -> AsyncIterator[bytes]:
        """Yield a body in two parts, whose length nobody is told."""
        yield b"te"
        yield b"xt"

    answer = await app.http.post("/api/echo/a", content=chunks())

    assert ("chunked", "") == (answer.json()["headers"]["transfer-encoding"], answer.json()["body"])


async def test_a_body_may_have_100_mb(worker: Worker) -> None:
    """It comes whole to the function, and back ("HTTP trigger", Microsoft Learn: 100 MB)."""
    body = bytes(range(256)) * (100 * 1024 * 1024 // 256)
    async with started(worker, settings=msgspec.structs.replace(SETTINGS, function_timeout="-1")) as app:
        answer = await app.http.post("/api/mirror", content=body)

    assert (200, True) == (answer.status_code, body == answer.content)


@pytest.mark.fault("H5", before="404")
async def test_a_trailing_slash_changes_nothing(app: Instance) -> None:
    """Both addresses reach the function (seen on 4.1037.0; ASP.NET's TemplateMatcher ignores the slash)."""
    answers = [await app.http.post(path) for path in ("/api/echo/special", "/api/echo/special/")]

    assert [200, 200] == [answer.status_code for answer in answers]


@pytest.mark.fault("H5", before="404, by the routing")
async def test_an_encoded_slash_is_part_of_a_route_parameter(app: Instance) -> None:
    """Kestrel decodes all of a path but `%2F`, which the function sees (seen on 4.1037.0; aspnetcore #11544)."""
    answer = await app.http.post("/api/echo/a%2Fb%20c%C3%BC")

    assert {"name": "a%2Fb cü"} == answer.json()["route"]


@pytest.mark.fault("H5", before="404")
@pytest.mark.parametrize(("setting", "status"), [("", 200), ("false", 200), ("True", 204)])
async def test_the_root_is_a_welcome_page(worker: Worker, setting: str, status: int) -> None:
    """AzureWebJobsDisableHomepage takes it away (azure-functions-host, HomepageMiddleware)."""
    async with started(worker, {**SCHEDULE, "AzureWebJobsDisableHomepage": setting}) as app:
        answer = await app.http.get("/")

    assert (status, status == 200) == (answer.status_code, b"Functions" in answer.content)


async def test_a_slow_function_is_answered_with_504(worker: Worker) -> None:
    """A caller is not kept waiting longer than the load balancer waits."""
    async with started(worker, http_limit=0.05) as app:
        answer = await app.http.get("/api/break?how=slow")

    assert 504 == answer.status_code


async def test_a_function_asks_for_the_host_key(worker: Worker) -> None:
    """It may come in a header or in the query; an anonymous function does not ask for it."""
    async with started(worker, key="s3cret") as app:
        answers = [
            await app.http.post("/api/echo/a"),
            await app.http.post("/api/echo/a?code=wröng"),
            await app.http.post("/admin/functions/Tick"),
            await app.http.post("/api/echo/a?code=s3cret"),
            await app.http.post("/api/echo/a", headers={"x-functions-key": "s3cret"}),
            await app.http.post("/api/echo/special"),
        ]

    assert [401, 401, 401, 202, 202, 200] == [answer.status_code for answer in answers]


async def test_a_caller_cannot_forge_the_signed_in_user(worker: Worker) -> None:
    """The host says who called, whatever the caller's own header says."""
    who = "00000000-0000-0000-0000-000000000001"
    forged = {"x-ms-client-principal-id": "forged", "x-ms-client-principal": "forged"}
    async with started(worker, principal=signed_in(who, ["Outrider.Read"])) as app:
        answer = await app.http.post("/api/echo/a", headers=forged)
    headers = answer.json()["headers"]
    content = msgspec.json.decode(base64.b64decode(headers["x-ms-client-principal"]))

    assert who == headers["x-ms-client-principal-id"]
    assert ["Outrider.Read"] == [
        claim["val"] for claim in content["claims"] if claim["typ"] == content["role_typ"]
    ]
