"""The local Functions host and its worker: a process of its own, whose death ends every call in it."""

from __future__ import annotations

import asyncio
import os
import time
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest

from sandbox.host.worker import StartupError, Worker
from tests.support.sample import APP, SETTINGS, Instance, parent, started

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_worker_is_a_child_of_the_host(app: Instance, worker: Worker) -> None:
    """Functions run in it, and not in the host's process."""
    assert worker.pid == await app.pid()
    assert os.getpid() == parent(worker.pid)


@pytest.mark.fault("H5", before="nothing was left to come back: the call that naps had succeeded")
async def test_a_death_ends_every_call_in_the_worker(app: Instance, worker: Worker) -> None:
    """HTTP in flight gets 500, empty; messages come back after 30 s with the count of another failure."""
    await app.send("work", "nap", "nap")
    app.host.start()
    await app.until_seen(2)
    flying = asyncio.create_task(app.http.get("/api/break?how=hang"))
    await asyncio.sleep(0.1)
    before = worker.pid
    killer = await app.http.get("/api/break?how=exit")
    answer = await flying
    after = await app.pid()
    app.now += 29
    await asyncio.sleep(1.2)  # longer than `maxPollingInterval`
    early = await app.seen()
    app.now += 1
    counts = [entry["count"] for entry in await app.until_seen(2)]

    assert [(500, b""), (500, b"")] == [(each.status_code, each.content) for each in (killer, answer)]
    assert before != after
    assert ([], [2, 2]) == (early, counts)


@pytest.mark.fault("H5", before="the call that ran out of time alone answered 500")
async def test_running_out_of_time_ends_every_call_in_the_worker(app: Instance, worker: Worker) -> None:
    """After `functionTimeout` the host kills the worker (RestartWorkerWithInvocationIdAsync)."""
    before = worker.pid
    slow = asyncio.create_task(app.http.get("/api/break?how=block"))
    await asyncio.sleep(0.2)
    other = asyncio.create_task(app.http.get("/api/break?how=slow"))
    statuses = [(await each).status_code for each in (slow, other)]

    assert [500, 500] == statuses
    assert before != await app.pid()


@pytest.mark.fault("H5", before="the HTTP call ended without an answer, and what ran went on")
async def test_a_stop_gives_running_calls_their_grace(worker: Worker) -> None:
    """Then the worker is killed; its messages stay locked for the rest of 10 minutes (seen on 4.1037.0)."""
    settings = msgspec.structs.replace(SETTINGS, function_timeout="-1")
    async with started(worker, settings=settings, grace=1) as app:
        await app.send("work", "hang", "nap")
        app.host.start()
        await app.until_seen(2)
        flying = asyncio.create_task(app.http.get("/api/break?how=hang"))
        await asyncio.sleep(0.1)
        pid, began = worker.pid, time.monotonic()
        await app.host.stop()
        took = time.monotonic() - began
        refused = await app.http.post("/api/echo/special")
        work = app.queues.get_queue_client("work")
        app.now += 599
        early = await asyncio.to_thread(work.receive_message)
        app.now += 1
        again = await asyncio.to_thread(work.receive_message)

    assert took >= 1
    assert parent(pid) is None
    assert (500, b"", 503) == ((await flying).status_code, (await flying).content, refused.status_code)
    assert early is None
    assert again is not None
    assert ("hang", 2) == (b64decode(again.content).decode(), again.dequeue_count)


async def test_calls_wait_for_the_next_worker(app: Instance, worker: Worker) -> None:
    """Those that arrive while it starts are answered by it."""
    dead = worker.pid
    worker.kill()
    while parent(dead):
        await asyncio.sleep(0.001)
    answers = await asyncio.gather(*(app.http.post("/api/echo/special") for _ in range(5)))

    assert [200] * 5 == [answer.status_code for answer in answers]


@pytest.mark.fault("H5", before="200 after three deaths: the host went on")
async def test_the_third_death_recycles_the_host(app: Instance, worker: Worker) -> None:
    """
    Then it starts no other worker, and answers 503 until another host takes its place.

    RpcFunctionInvocationDispatcher of azure-functions-host: "Exceeded language worker restart retry count …
    proactively recycling the Functions Host".
    """
    statuses = [(await app.http.get("/api/break?how=exit")).status_code for _ in range(3)]
    over = app.host.over.is_set()
    after = await app.http.post("/api/echo/special")
    await app.host.stop()
    async with started(worker) as another:
        answer = await another.http.post("/api/echo/special")

    assert ([500, 500, 500], True, "") == (statuses, over, app.host.problem)
    assert (503, 200) == (after.status_code, answer.status_code)


@pytest.mark.parametrize(("how", "minutes"), [("exit", 31), ("hang", 0)])
async def test_deaths_far_apart_and_time_outs_do_not_recycle_the_host(
    app: Instance, how: str, minutes: int
) -> None:
    """
    A death counts with one of the 30 minutes before it; a kill by `functionTimeout` never counts.

    AddOrUpdateErrorBucket and RestartWorkerWithInvocationIdAsync of RpcFunctionInvocationDispatcher.
    """
    for _ in range(3):
        await app.http.get(f"/api/break?how={how}")
        app.now += minutes * 60

    assert not app.host.over.is_set()
    assert 200 == (await app.http.post("/api/echo/special")).status_code


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os; os._exit(7)", "python exited with code 7"),
        ("import azure.functions as func; app = func.FunctionApp()", "No functions were found"),
    ],
)
async def test_an_app_that_cannot_be_loaded_does_not_start(tmp_path: Path, source: str, reason: str) -> None:
    """The error has the worker's exception, which says why."""
    (tmp_path / "function_app.py").write_text(f"{source}\n")
    worker = Worker(tmp_path)

    with pytest.raises(StartupError, match=reason):
        await worker.start()
    await worker.close()


async def test_the_worker_gets_its_environment(tmp_path: Path) -> None:
    """It is the one given, and by default the host's own."""
    text = (APP / "function_app.py").read_text(encoding="utf-8")
    (tmp_path / "function_app.py").write_text(f"{text}\nassert os.environ['COLOUR'] == 'red'\n")
    worker = Worker(tmp_path, {**os.environ, "COLOUR": "red"})
    await worker.start()
    names = {function.name for function in worker.functions}
    await worker.close()

    assert {"Echo", "Work", "Tick"} < names


async def test_the_workers_python_gets_the_arguments_of_the_setting(tmp_path: Path) -> None:
    """They are split at blanks, and stand before the worker's own (RpcWorkerConfigFactory, AddArgumentsFromAppSettings)."""
    checks = "import sys; assert sys._xoptions == {'one': '2'}"
    text = (
        (APP / "function_app.py")
        .read_text(encoding="utf-8")
        .replace("import time", f"import time\n{checks}", 1)
    )
    (tmp_path / "function_app.py").write_text(text)
    worker = Worker(tmp_path, {**os.environ, "languageWorkers__python__arguments": "-X  one=2"})
    await worker.start()
    await worker.close()

    assert worker.functions


async def test_a_closed_worker_is_gone() -> None:
    """No process is left."""
    worker = Worker(APP)
    await worker.start()
    pid = worker.pid
    await worker.close()

    assert parent(pid) is None
