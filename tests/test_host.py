"""
The sandbox's Functions host, with the app in `apps/sample`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import schedules
from sandbox.host import Host, read_host_file
from sandbox.queue_trigger import QueueSettings, QueueTrigger
from sandbox.queues import QueueService
from sandbox.serve import configure, connection_string, listening, serving, storage
from sandbox.worker import Function, StartupError, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from azure.storage.queue import QueueServiceClient

APP = Path(__file__).parent / "apps" / "sample"
SETTINGS = read_host_file(APP)
SCHEDULE = {"TICK_SCHEDULE": "0 */5 * * * *"}


@contextmanager
def only_app() -> Iterator[None]:
    """Let another `function_app` of this process be neither found nor replaced."""
    before, path = sys.modules.pop("function_app", None), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.pop("function_app", None)
        if before is not None:
            sys.modules["function_app"] = before


@pytest.fixture(scope="module")
def loaded() -> tuple[tuple[Function, ...], ModuleType]:
    """Load the sample app, once for the process."""
    with only_app():
        return asyncio.run(load(APP)), sys.modules["function_app"]


class Instance:
    """A running host, a clock to move, and a client of its queues."""

    def __init__(self, http: httpx.AsyncClient, queues: QueueServiceClient) -> None:
        self.now = 1_790_000_000.0
        self.http = http
        self.queues = queues
        self.host: Host

    async def send(self, queue: str, *texts: str) -> None:
        """Send texts as the trigger expects them."""
        for text in texts:
            await self.send_raw(queue, b64encode(text.encode()).decode())

    async def send_raw(self, queue: str, content: str) -> None:
        """Send a text as it is."""
        await asyncio.to_thread(self.queues.get_queue_client(queue).send_message, content)

    async def count(self, queue: str) -> int:
        """Count a queue's messages, hidden ones too."""
        properties = await asyncio.to_thread(self.queues.get_queue_client(queue).get_queue_properties)
        return properties.approximate_message_count or 0

    async def drain(self) -> list[tuple[str, int, str]]:
        """Deliver what is visible: function, delivery, outcome."""
        return [(d.function, d.dequeue_count, d.outcome) for d in await self.host.drain()]


@asynccontextmanager
async def started(
    loaded: tuple[tuple[Function, ...], ModuleType], environ: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Instance]:
    """Start an instance of the sample app with queues of its own."""
    functions, module = loaded
    module.seen.clear()
    with listening() as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = {"AzureWebJobsStorage": connection_string(address)}
        async with httpx.AsyncClient(base_url=address) as http:
            with storage(settings) as client:
                instance = Instance(http, client)
                environ = SCHEDULE if environ is None else environ
                options = {"settings": SETTINGS, "environ": environ, "clock": lambda: instance.now, **options}
                instance.host = Host(functions, client, **options)
                with closing(QueueService(clock=lambda: instance.now)) as queues:
                    async with serving(instance.host, queues, sock):
                        await instance.host.create_queues()
                        yield instance
                        await instance.host.stop()


@pytest.fixture
async def app(loaded: tuple[tuple[Function, ...], ModuleType]) -> AsyncIterator[Instance]:
    """Start the sample app as `func start` does: no keys."""
    async with started(loaded) as instance:
        yield instance


# HTTP


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


async def test_time_limit(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A caller is not kept waiting longer than the load balancer waits.
    """
    async with started(loaded, http_limit=0.05) as app:
        answer = await app.http.get("/api/break?how=slow")

    assert 504 == answer.status_code


async def test_keys(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
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


async def test_principal(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    With a principal, the platform says who called, whatever the caller says.
    """
    async with started(loaded, principal="00000000-0000-0000-0000-000000000001") as app:
        answer = await app.http.post("/api/echo/a", headers={"x-ms-client-principal-id": "forged"})

    assert "00000000-0000-0000-0000-000000000001" == answer.json()["headers"]["x-ms-client-principal-id"]


# Queues


async def test_message(app: Instance, loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A message reaches the function decoded, with its metadata, and is deleted when that succeeds.
    """
    await app.send("work", "hello <&>")
    outcome = await app.drain()
    [seen] = loaded[1].seen
    start = datetime.fromtimestamp(app.now, UTC)

    assert [("Work", 1, "succeeded")] == outcome
    assert 0 == await app.count("work")
    assert ("hello <&>", 1) == (seen["text"], seen["count"])
    assert (start, start + timedelta(days=7)) == (seen["inserted"], seen["expires"])
    assert start + timedelta(minutes=10) == seen["next"]
    assert seen["id"]
    assert seen["receipt"]


async def test_failed_comes_back(app: Instance) -> None:
    """
    A failed message is visible again after `visibilityTimeout`, not before.
    """
    await app.send("work", "fail twice")
    first = await app.drain()
    app.now += 29
    early = await app.drain()
    app.now += 1
    second = await app.drain()
    app.now += 30

    assert [("Work", 1, "failed")] == first
    assert [] == early
    assert [("Work", 2, "failed")] == second
    assert [("Work", 3, "succeeded")] == await app.drain()


async def test_poison(app: Instance) -> None:
    """
    After `maxDequeueCount` failures a message goes to the poison queue, whose function is called with it.
    """
    await app.send("work", "fail")
    outcomes = []
    for _ in range(3):
        outcomes += await app.drain()
        app.now += 30

    assert [("Work", 1, "failed"), ("Work", 2, "failed"), ("Work", 3, "poisoned")] == outcomes[:3]
    assert [("WorkPoison", 1, "failed")] == outcomes[3:]
    assert (0, 1) == (await app.count("work"), await app.count("work-poison"))


async def test_poison_of_poison(app: Instance) -> None:
    """
    What fails in a poison queue is tried every 10 minutes, `maxDequeueCount` times, then never again.
    """
    await app.send("work-poison", "fail")
    outcomes = []
    for _ in range(5):
        outcomes += [outcome for _, _, outcome in await app.drain()]
        app.now += 600

    assert ["failed", "failed", "failed", "ignored", "ignored"] == outcomes


@pytest.mark.parametrize("how", ["die", "hang"])
async def test_worker_died(app: Instance, how: str) -> None:
    """
    A message whose worker died, or ran out of time, stays locked for 10 minutes.
    """
    await app.send("work", how)
    first = await app.drain()
    app.now += 599
    early = await app.drain()
    app.now += 1

    assert [("Work", 1, "died")] == first
    assert [] == early
    assert [("Work", 2, "died")] == await app.drain()


async def test_kills_every_worker(app: Instance) -> None:
    """
    A message that kills its worker each time is set aside on the delivery after the last.
    """
    await app.send("work", "die")
    outcomes = []
    for _ in range(4):
        outcomes += await app.drain()
        app.now += 600

    assert [("Work", 3, "died"), ("Work", 4, "poisoned"), ("WorkPoison", 1, "succeeded")] == outcomes[2:]


async def test_not_base64(app: Instance) -> None:
    """
    A message that is not base64 goes to the poison queue without the function seeing it.
    """
    await app.send_raw("work", "plain text")

    assert [("Work", 1, "poisoned")] == (await app.drain())[:1]


async def test_plain_text(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    With `messageEncoding` none the text is taken as it is.
    """
    queues = QueueSettings(message_encoding="none")
    extensions = msgspec.structs.replace(SETTINGS.extensions, queues=queues)
    async with started(loaded, settings=msgspec.structs.replace(SETTINGS, extensions=extensions)) as app:
        await app.send_raw("work", "plain text")
        outcome = await app.drain()

    assert [("Work", 1, "succeeded")] == outcome
    assert "plain text" == loaded[1].seen[0]["text"]


async def test_missing_queue(app: Instance) -> None:
    """
    The trigger finds nothing in a queue that is not there, and does not create it.
    """
    await asyncio.to_thread(app.queues.delete_queue, "work")
    drained = await app.drain()
    names = await asyncio.to_thread(lambda: [queue.name for queue in app.queues.list_queues()])

    assert ([], ["work-poison"]) == (drained, names)


async def test_lock_is_renewed(app: Instance, loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A message stays locked for as long as its function runs, and is then deleted with the latest receipt.
    """
    [function] = [f for f in loaded[0] if f.name == "Work"]
    await app.send("work", "nap")
    with ThreadPoolExecutor() as threads:
        trigger = QueueTrigger(
            function, "work", app.queues, QueueSettings(), timeout=None, threads=threads, lock=1
        )
        [message] = await trigger.receive()
        delivery = asyncio.create_task(trigger.deliver(message))
        await asyncio.sleep(0.2)
        app.now += 0.9
        await asyncio.sleep(0.45)
        app.now += 0.5
        meanwhile = await trigger.receive()
        outcome = (await delivery).outcome

    assert ([], "succeeded", 0) == (meanwhile, outcome, await app.count("work"))


async def test_in_background(app: Instance, loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    Once started, the host polls by itself, works on several messages at once, and ends them before it stops.
    """
    await app.send("work", "nap", "nap", "nap", "nap")
    app.host.start()
    while sum("text" in entry for entry in loaded[1].seen) < 4:
        await asyncio.sleep(0.01)
    await app.host.stop()

    assert 0 == await app.count("work")


# Timers and switches


async def test_timer(app: Instance, loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A timer fires on demand, and through the host's own admin call.
    """
    await app.host.fire("Tick", past_due=True)
    answer = await app.http.post("/admin/functions/Tick", json={})
    await app.host.stop()

    assert 202 == answer.status_code
    assert [{"tick": True}, {"tick": False}] == loaded[1].seen


async def test_run_on_startup(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A timer that asks for it runs when the host starts.
    """
    async with started(loaded, {"TICK_SCHEDULE": "0 0 0 1 1 *"}) as app:
        app.host.start()
        await app.host.stop()

    assert [{"tick": False}] == loaded[1].seen


async def test_timer_is_due(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A timer runs whenever its schedule says so.
    """
    async with started(loaded, {"TICK_SCHEDULE": "* * * * * *"}, clock=time.time) as app:
        app.host.start()
        await asyncio.sleep(1.1)
        await app.host.stop()

    assert 2 <= len(loaded[1].seen) <= 3


async def test_unset_schedule(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A setting that a binding names and nobody set fails that function, loudly, and no other.
    """
    async with started(loaded, {}) as app:
        await app.send("work", "hello")

        assert {"Tick": "'%TICK_SCHEDULE%' does not resolve to a value."} == app.host.errors
        assert [("Work", 1, "succeeded")] == await app.drain()


async def test_disabled(loaded: tuple[tuple[Function, ...], ModuleType]) -> None:
    """
    A function that is switched off answers no call, takes no message and keeps no time.
    """
    off = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("Break", "Work", "Tick")}
    async with started(loaded, off) as app:
        await asyncio.to_thread(app.queues.create_queue, "work")
        await app.send("work", "hello")
        answer = await app.http.get("/api/break")

        assert (404, [], {}) == (answer.status_code, await app.drain(), app.host.errors)
        assert 1 == await app.count("work")


# Schedules


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 */5 * * * *", "2026-11-24T10:03:20", "2026-11-24T10:05:00"),
        ("0 */5 * * * *", "2026-11-24T10:05:00", "2026-11-24T10:10:00"),
        ("*/15 * * * * *", "2026-11-24T23:59:59", "2026-11-25T00:00:00"),
        ("0 30 9 * * 1-5", "2026-11-27T09:30:00", "2026-11-30T09:30:00"),
        ("0 0 4 * * Sun", "2026-11-24T00:00:00", "2026-11-29T04:00:00"),
        ("0 0 0 13 * Friday", "2026-11-24T00:00:00", "2027-08-13T00:00:00"),
        ("0 0 0 29 February *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
        ("30 5/20 8,20 * * *", "2026-11-24T08:45:31", "2026-11-24T20:05:30"),
        ("15 4 * * *", "2026-11-24T10:00:00", "2026-11-25T04:15:00"),
        ("06:30:00", "2026-11-24T10:00:00", "2026-11-24T16:30:00"),
        ("1.00:00:00", "2026-11-24T10:00:00", "2026-11-25T10:00:00"),
    ],
)
def test_next(schedule: str, after: str, due: str) -> None:
    """
    The next occurrence is the one that Azure would take, in UTC.
    """
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    assert datetime.fromisoformat(due).replace(tzinfo=UTC) == schedules.parse(schedule).next(moment)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "60 * * * * *",
        "0 0 0 0 * *",
        "0 0 0 * * 7",
        "0 0 0 L * *",
        "*/0 * * * * *",
        "0 x * * * *",
        "24:00:00",
        "00:00:00",
        "00:60:00",
    ],
)
def test_no_schedule(schedule: str) -> None:
    """
    What Azure would not take as a schedule, or would take for something else, is refused.
    """
    with pytest.raises(ValueError, match=r"\S"):
        schedules.parse(schedule)


def test_never() -> None:
    """
    A schedule without an occurrence is an error, not a search without an end.
    """
    with pytest.raises(ValueError, match="never"):
        schedules.parse("0 0 0 30 2 *").next(datetime(2026, 11, 24, tzinfo=UTC))


@given(
    second=st.integers(0, 59),
    minute=st.integers(1, 59),
    after=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_next_is_the_first(second: int, minute: int, after: datetime) -> None:
    """
    Nothing between a moment and its next occurrence matches the schedule.
    """
    due = schedules.parse(f"{second} */{minute} * * * *").next(after)
    matching = [m for m in range(0, 60, minute) if (m, second) > (after.minute, after.second)]
    expected = after.replace(minute=matching[0] if matching else 0, second=second, microsecond=0)

    assert expected + timedelta(hours=not matching) == due


# Starting


async def test_app_that_does_not_import(tmp_path: Path) -> None:
    """
    An app that cannot be indexed does not start, and the worker's exception says why.
    """
    (tmp_path / "function_app.py").write_text("import no_such_module\n")

    with (
        only_app(),
        pytest.raises(StartupError, match="ModuleNotFoundError: No module named 'no_such_module'"),
    ):
        await load(tmp_path)


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({}, True),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, True),
        ({"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=contoso"}, False),
        ({"AzureWebJobsStorage__queueServiceUri": "https://contoso.queue.core.windows.net"}, False),
    ],
)
def test_whose_storage(tmp_path: Path, environ: dict[str, str], own: bool) -> None:
    """
    The sandbox points the app at its own queues unless a setting names others.
    """
    before = dict(environ)
    local = {
        "IsEncrypted": False,
        "Values": {"COMMENTS": "off", "AzureWebJobsStorage": "UseDevelopmentStorage=true"},
    }
    (tmp_path / "local.settings.json").write_text(json.dumps(local))

    assert own == configure(environ, tmp_path, "http://127.0.0.1:7071")
    assert own == ("QueueEndpoint=http://127.0.0.1:7071/" in environ["AzureWebJobsStorage"])
    assert own or before.items() <= environ.items()


def test_environment_wins(tmp_path: Path) -> None:
    """
    A setting comes from the environment, then from local.settings.json, then from what Azure sets.
    """
    environ = {"COMMENTS": "on"}
    (tmp_path / "local.settings.json").write_text(
        json.dumps({"Values": {"COMMENTS": "off", "MAX_ROWS": "5"}})
    )
    configure(environ, tmp_path, "http://127.0.0.1:7071")

    assert ("on", "5") == (environ["COMMENTS"], environ["MAX_ROWS"])
    assert "127.0.0.1:7071" == environ["WEBSITE_HOSTNAME"]


def test_keys_differ() -> None:
    """
    No two starts share an account key.
    """
    address = "http://127.0.0.1:7071"

    assert connection_string(address) != connection_string(address)


def test_process(tmp_path: Path) -> None:
    """
    As a process the host says what it runs, ends cleanly on SIGTERM, and finds its messages again.
    """
    script = "import sys; from pathlib import Path; from sandbox.serve import run;"
    script += "run(Path(sys.argv[1]), port=0, state=sys.argv[2])"
    command = [sys.executable, "-W", "error", "-c", script, str(APP), str(tmp_path / "queues.db")]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APP.parents[2]), **SCHEDULE}
    counts, codes = [], []
    for disabled in ("true", "false"):
        switches = {"AzureWebJobs.Work.Disabled": disabled, "AzureWebJobs.WorkPoison.Disabled": "true"}
        with subprocess.Popen(command, env=environ | switches, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline().strip() for _ in range(5)]
            [address] = [line.split()[-1] for line in lines if line.startswith("Echo: [POST] ")]
            base = address.removesuffix("/api/echo/{name}")
            queue = f"{base}/devstoreaccount1/work"
            headers = {"Authorization": "Bearer token"}
            httpx.put(queue, headers=headers)
            if disabled == "true":
                message = "<QueueMessage><MessageText>aGVsbG8=</MessageText></QueueMessage>"
                httpx.post(f"{queue}/messages", content=message, headers=headers)
            else:
                for _ in range(200):
                    left = httpx.get(f"{queue}?comp=metadata", headers=headers).headers
                    if left["x-ms-approximate-messages-count"] == "0":
                        break
                    time.sleep(0.05)
            counts.append(httpx.get(f"{queue}?comp=metadata", headers=headers).headers)
            process.send_signal(signal.SIGTERM)
            codes.append(process.wait(timeout=15))

    assert [0, 0] == codes
    assert ["1", "0"] == [headers["x-ms-approximate-messages-count"] for headers in counts]
