"""The local Functions host: how it starts, with which settings and storage, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from sandbox.host.serve import configure, connection_string
from sandbox.host.worker import StartupError, load
from tests.support.sample import APP, SCHEDULE, only_app


async def test_an_app_that_cannot_be_imported_does_not_start(tmp_path: Path) -> None:
    """The error has the worker's exception, which says why."""
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


def test_a_restarted_host_finds_its_messages_again(tmp_path: Path) -> None:
    """The process prints its functions and ends cleanly on SIGTERM; the next one delivers what is left."""
    script = "import sys; from pathlib import Path; from sandbox.host.serve import run;"
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
