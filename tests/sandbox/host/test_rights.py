"""The local Functions host without its storage: refused, out of reach, or missing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.host.instance import Host
from sandbox.host.serve import blob_check, connection_string, listening, storage
from sandbox.host.worker import Worker
from tests.support.deployed import served
from tests.support.sample import APP, SCHEDULE, SETTINGS, Instance, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = (
    "import sys; from pathlib import Path; from sandbox.host.serve import run; run(Path(sys.argv[1]), port=0)"
)


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """Give tokens, and refuse every call of the storage, as it does without a role."""
    if "token" in scope["path"]:
        resource = Request(scope).query_params["resource"]
        token = {"access_token": "t", "expires_on": str(int(time.time()) + 3600), "resource": resource}
        await JSONResponse({**token, "token_type": "Bearer"})(scope, receive, send)
    else:
        refused = Response(status_code=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
        await refused(scope, receive, send)


@contextmanager
def hosted(
    worker: Worker, address: str, environ: dict[str, str] | None = None, gone: float = 0
) -> Iterator[Host]:
    """Yield a host of the sample app whose queues are at *address*; the test stops it."""
    with storage({"AzureWebJobsStorage": connection_string(address)}) as client:
        yield Host(worker, client, environ={**SCHEDULE, **(environ or {})}, settings=SETTINGS, gone=gone)


@pytest.mark.fault("H5", before="TimeoutError: it polled on")
async def test_a_refused_queue_ends_the_host(worker: Worker) -> None:
    """Within 6 s, with a line that names the queue (seen on 4.1037.0, outside of Flex Consumption)."""
    await worker.start()
    with served(refusing) as address, hosted(worker, address) as host:
        host.start()
        await asyncio.wait_for(host.over.wait(), 6)
        await host.stop()

    assert host.problem.startswith("the queue work")
    assert "is refused" in host.problem
    assert "\n" not in host.problem


async def test_a_refused_queue_does_not_end_a_host_on_flex(worker: Worker) -> None:
    """There it polls on, and answers HTTP (seen on 4.1037.0 in Flex mode)."""
    await worker.start()
    environ = {"WEBSITE_SKU": "FlexConsumption"}
    with served(refusing) as address, hosted(worker, address, environ) as host:
        host.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(host.over.wait(), 1)
        await host.stop()

    assert not host.problem


@pytest.mark.fault("H5", before="TimeoutError: it polled on")
async def test_a_storage_out_of_reach_ends_the_host(worker: Worker) -> None:
    """Within 25 s (seen on 4.1037.0); a short outage does not."""
    await worker.start()
    with listening() as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with hosted(worker, address, gone=0.1) as host:
        host.start()
        await asyncio.wait_for(host.over.wait(), 15)
        await host.stop()

    assert "cannot be reached" in host.problem


@pytest.mark.fault("H5", before="exit code -15, ended by the test: it polled on")
async def test_a_host_without_its_storage_exits(tmp_path: Path) -> None:
    """Its exit code is not 0, and the last line says why."""
    paths = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP.parents[2])}
    with served(refusing) as address:
        environ = {**paths, **SCHEDULE, "AzureWebJobsStorage": connection_string(address)}
        ended = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", RUN, str(APP)], env=environ, capture_output=True, text=True, timeout=15,
            cwd=tmp_path, check=False,
        )  # fmt: skip

    assert 1 == ended.returncode
    assert ended.stderr.splitlines()[-1].startswith("The host ends: the queue work")


@pytest.mark.fault("H5", before="no warning")
async def test_a_missing_queue_is_waited_for(app: Instance, caplog: pytest.LogCaptureFixture) -> None:
    """With one warning; once it is there, its messages are delivered (seen on 4.1037.0)."""
    await asyncio.to_thread(app.queues.delete_queue, "work")
    app.host.start()
    await asyncio.sleep(0.5)
    warnings = [record.message for record in caplog.records if "does not exist" in record.message]
    await asyncio.to_thread(app.queues.create_queue, "work")
    await app.send("work", "hello")

    assert ["Queue work does not exist; Work waits for it"] == warnings
    assert "hello" == (await app.until_seen(1))[0]["text"]


@pytest.mark.fault("H5", before="Tick ran at the start")
async def test_refused_blobs_stop_the_timers_alone(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host keeps their locks in blobs; HTTP and queues go on (seen on 4.1037.0)."""
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    with served(refusing) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        check = blob_check({"AzureWebJobsStorage__blobServiceUri": address})
        async with started(worker, may_time=check) as app:
            app.host.start()
            await app.send("work", "hello")
            await app.until_seen(1)
            await asyncio.sleep(0.5)
            seen = await app.seen()

    assert check is not None
    assert [] == [entry for entry in seen if "tick" in entry]
    assert blob_check({}) is None
