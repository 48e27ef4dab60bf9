"""The local Functions host: how it starts, with which settings and storage, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox.host.serve import configure, connection_string
from tests.support.sample import APP, SCHEDULE, parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AUTHORIZED = {"Authorization": "Bearer token"}


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({}, True),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, True),
        ({"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=contoso"}, False),
        ({"AzureWebJobsStorage__queueServiceUri": "https://contoso.queue.core.windows.net"}, False),
    ],
)
def test_the_app_uses_the_sandbox_queues_by_default(
    tmp_path: Path, environ: dict[str, str], own: bool
) -> None:
    """Storage that a setting names is used instead."""
    before = dict(environ)
    local = {
        "IsEncrypted": False,
        "Values": {"COMMENTS": "off", "AzureWebJobsStorage": "UseDevelopmentStorage=true"},
    }
    (tmp_path / "local.settings.json").write_text(json.dumps(local))

    assert own == configure(environ, tmp_path, "http://127.0.0.1:7071")
    assert own == ("QueueEndpoint=http://127.0.0.1:7071/" in environ["AzureWebJobsStorage"])
    assert own or before.items() <= environ.items()


def test_the_environment_overrides_local_settings(tmp_path: Path) -> None:
    """What it does not set comes from local.settings.json, and the host adds what Azure sets."""
    environ = {"COMMENTS": "on"}
    (tmp_path / "local.settings.json").write_text(
        json.dumps({"Values": {"COMMENTS": "off", "MAX_ROWS": "5"}})
    )
    configure(environ, tmp_path, "http://127.0.0.1:7071")

    assert ("on", "5") == (environ["COMMENTS"], environ["MAX_ROWS"])
    assert "127.0.0.1:7071" == environ["WEBSITE_HOSTNAME"]


def test_every_start_has_its_own_account_key() -> None:
    """Two connection strings to the same address differ."""
    address = "http://127.0.0.1:7071"

    assert connection_string(address) != connection_string(address)


SCRIPT = """
import sys
from pathlib import Path
from sandbox.host.serve import run
run(Path(sys.argv[1]), port=0, state=sys.argv[2])
"""


class Started:
    """A host of the sample app in a process of its own: its address, its log, and its queues' API."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.log = log
        lines = iter(process.stdout.readline, "")
        address = next((line.split()[-1] for line in lines if line.strip().startswith("Echo: ")), "")
        assert address, log.read_text(encoding="utf-8")
        self.http = httpx.Client(base_url=address.removesuffix("/api/echo/{name}"), timeout=20)

    def send(self, text: str) -> None:
        """Send *text* to the queue `work`."""
        content = b64encode(text.encode()).decode()
        message = f"<QueueMessage><MessageText>{content}</MessageText></QueueMessage>"
        self.http.post("/devstoreaccount1/work/messages", content=message, headers=AUTHORIZED)

    def count(self) -> int:
        """Return how many messages the queue `work` has."""
        answer = self.http.get("/devstoreaccount1/work?comp=metadata", headers=AUTHORIZED)
        return int(answer.headers["x-ms-approximate-messages-count"])

    def worker(self) -> int:
        """Return the id of the worker's process."""
        return self.http.get("/api/seen").json()["pid"]

    def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until *condition* holds. Raises AssertionError, with the log, after so many seconds."""
        for _ in range(int(seconds / 0.05)):
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(encoding="utf-8"))


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Started]:
    """Run the sample app on a host of its own, whose queues and log are in *folder*."""
    command = [sys.executable, "-c", SCRIPT, str(APP), str(folder / "queues.db")]
    ours = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APP.parents[2]),
        "PYTHONWARNINGS": "error",
        **SCHEDULE,
    }
    log = folder / "log.txt"
    with log.open("a") as errors, subprocess.Popen(
        command, env=ours | environment, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        try:
            started = Started(process, log)
            with started.http:
                yield started
        finally:
            process.kill()


def test_the_host_loads_nothing_of_the_app() -> None:
    """Neither the app, but for its reader of schedules, nor Microsoft's worker library is in its process."""
    script = "import sandbox.host.serve, sys; print(*sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names = set(shown.stdout.split()) - {"shared", "shared.schedule"}

    assert "sandbox.host.worker" in names
    assert [] == [n for n in names if n.startswith(("azure.functions", "azure_functions_runtime", "shared"))]


def test_a_restarted_host_finds_its_messages_again(tmp_path: Path) -> None:
    """The process prints its functions and ends cleanly on SIGTERM; the next one delivers what is left."""
    counts, codes = [], []
    for disabled in ("true", "false"):
        switches = {"AzureWebJobs.Work.Disabled": disabled, "AzureWebJobs.WorkPoison.Disabled": "true"}
        with running(tmp_path, **switches) as host:
            if disabled == "true":
                host.http.put("/devstoreaccount1/work", headers=AUTHORIZED)
                host.send("hello")
            else:
                host.until(lambda host=host: host.count() == 0)
            counts.append(host.count())
            host.process.send_signal(signal.SIGTERM)
            codes.append(host.process.wait(timeout=15))

    assert [0, 0] == codes
    assert [1, 0] == counts


def test_the_worker_ends_with_a_host_that_is_killed(tmp_path: Path) -> None:
    """Within a second, and even while the app blocks its loop; its message stays locked for 10 minutes."""
    with running(tmp_path) as host:
        host.send("nap")
        host.until(lambda: bool(host.http.get("/api/seen").json()["seen"]))
        pid = host.worker()
        with ThreadPoolExecutor() as threads:
            blocked = threads.submit(host.http.get, "/api/break?how=block")
            time.sleep(0.2)
            host.process.kill()
            host.until(lambda: parent(pid) is None, seconds=1)
            assert isinstance(blocked.exception(), httpx.TransportError)
    with running(tmp_path) as host:
        time.sleep(1.5)
        seen = [entry for entry in host.http.get("/api/seen").json()["seen"] if "text" in entry]

        assert (1, []) == (host.count(), seen)


@pytest.mark.fault("H5", before="one process, whatever died")
def test_a_host_that_recycles_itself_is_there_again(tmp_path: Path) -> None:
    """After the third death of its worker it starts anew at the same address, with its queues."""
    with running(tmp_path) as host:
        pids = {host.worker()}
        for _ in range(3):
            host.http.get("/api/break?how=exit")
            host.until(lambda: host.http.post("/api/echo/special").status_code == 200)
            pids.add(host.worker())
        host.send("hello")
        host.until(lambda: host.count() == 0)

    assert 4 == len(pids)
    assert 1 == host.log.read_text(encoding="utf-8").count("recycles itself")
