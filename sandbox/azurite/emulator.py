"""Start Azurite as an account that only managed identities open, and say how the app finds it."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import httpx

from sandbox.tenant.tokens import STORAGE, unsigned
from shared.state import runs
from shared.state.queue import POISON

from .certificate import BLOB_HOST, QUEUE_HOST, certificate
from .machine import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CONTAINER = "state"
#: A deployment's queues (`infra/modules/storage.bicep`).
QUEUES = (*runs.QUEUES, *(f"{name}{POISON}" for name in runs.QUEUES))
#: The app's identity, made up.
CLIENT = "00000000-0000-0000-0000-00000000000c"

_START_LIMIT = 30  # seconds
_LISTENING = re.compile(
    r"Azurite (Blob|Queue) service is successfully listening at https://127\.0\.0\.1:(\d+)"
)
# What the app may call in this machine, whatever proxy leads out of it.
_HERE = "127.0.0.1,localhost"


class NotStarted(Exception):
    """Azurite does not answer; the message is the end of its log."""


class Account(NamedTuple):
    """A storage account on this machine: its addresses, and its log, a line for each call."""

    blobs: str
    queues: str
    log: Path

    @property
    def settings(self) -> dict[str, str]:
        """
        The app's settings, as in Azure, besides those of its identity's endpoint.

        `requests`, which the queues' client sends with, has certificates of its own and reads no others untold.
        """
        return {
            "STATE_URL": f"{self.blobs}/{CONTAINER}",
            "AzureWebJobsStorage": "",
            "AzureWebJobsStorage__queueServiceUri": self.queues,
            "AZURE_CLIENT_ID": CLIENT,
            "REQUESTS_CA_BUNDLE": str(certificate().authority),
            "NO_PROXY": _HERE,
            "no_proxy": _HERE,
        }

    def create_container(self, name: str = CONTAINER) -> None:
        """Make a container, as the templates do. Raises httpx.HTTPError."""
        self._put(f"{self.blobs}/{name}?restype=container")

    def create_queues(self, names: Iterable[str]) -> None:
        """Make queues, as the templates do. Raises httpx.HTTPError."""
        for name in names:
            self._put(f"{self.queues}/{name}")

    @staticmethod
    def _put(url: str) -> None:
        now = time.time()
        token = unsigned(STORAGE, issued=now, expires=now + 300)
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02"}
        trusted = ssl.create_default_context(cafile=certificate().authority)
        httpx.put(url, headers=headers, verify=trusted, trust_env=False).raise_for_status()


@contextmanager
def running(folder: Path) -> Iterator[Account]:
    """
    Start Azurite on free ports, in memory, with its log in *folder*; yield the account, with a deployment's queues.

    Raises NotStarted. What the machine must have for it, `machine.lacking` tells.
    """
    shown, log = certificate(), folder / "azurite.log"
    command = [
        "node", str(PROGRAM), "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck",
        "--oauth", "basic", "--cert", str(shown.shown), "--key", str(shown.key),
        "--blobPort", "0", "--queuePort", "0", "--tablePort", "0",
    ]  # fmt: skip
    with log.open("wb") as output, subprocess.Popen(  # noqa: S603  (Azurite)
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl+C reaches whoever started it, and who ends it last
    ) as process:  # fmt: skip
        try:
            ports = _ports(process, log)
            account = Account(
                f"https://{BLOB_HOST}:{ports['Blob']}", f"https://{QUEUE_HOST}:{ports['Queue']}", log
            )
            account.create_container()
            account.create_queues(QUEUES)
            yield account
        finally:
            # Nothing is kept, and connections that are open would only hold it up.
            process.kill()


def _ports(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        found = dict(_LISTENING.findall(log.read_text(encoding="utf-8")))
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise NotStarted(f"Azurite did not start: {log.read_text(encoding='utf-8')[-2_000:]}")
