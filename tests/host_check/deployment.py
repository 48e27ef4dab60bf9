"""What a host is started with: a copy of what is deployed, its settings, and its storage's queues."""

from __future__ import annotations

import os
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import ExponentialRetry, QueueServiceClient

from infra.package import build
from sandbox.host.serve import LocalSettings
from shared.settings import Settings
from shared.state.queue import POISON
from shared.state.runs import QUEUES

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
#: Azurite's well-known account for Core Tools; the sandbox's host takes it for queues of its own.
LOCAL_STORAGE = "UseDevelopmentStorage=true"
SECRET = "identity-header"

_NAMES = {field.encode_name.upper() for field in msgspec.structs.fields(Settings)}
_PREFIXES = (
    "AZUREWEBJOBS",
    "AZURE_",
    "APPLICATIONINSIGHTS",
    "FUNCTIONS_WORKER",
    "IDENTITY_",
    "MSI_",
    "OTEL_",
    "WEBSITE_",
)
_HERE = "127.0.0.1,localhost"


def copy(source: Path, folder: Path) -> Path:
    """Unpack what is deployed of the project in *source* below *folder*, as `make package` does; return where."""
    package, app = folder / "app.zip", folder / "app"
    build(package, source)
    with zipfile.ZipFile(package) as opened:
        opened.extractall(app)
    # On the Python path there is the sandbox alone: a module that the package lacks is not found elsewhere.
    (folder / "tools").mkdir()
    (folder / "tools" / "sandbox").symlink_to(ROOT / "sandbox")
    return app


def write_settings(app: Path, tenant: str, storage: str, state: Path, settings: Mapping[str, str]) -> None:
    """
    Write the app's local.settings.json, which both hosts read: the sample's values, and *settings* over them.

    *tenant* is the address of Graph and of the identity, *storage* a connection string, and the app's state is in
    the folder *state*.
    """
    sample = msgspec.json.decode((ROOT / "local.settings.sample.json").read_bytes(), type=LocalSettings)
    values = {
        **sample.values,
        "AzureWebJobsStorage": storage,
        # Core Tools would keep its keys in the storage otherwise, which takes a start longer; nobody asks for them.
        "AzureWebJobsSecretStorageType": "files",
        "GRAPH_URL": tenant,
        "ARM_URL": tenant,
        "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
        "IDENTITY_HEADER": SECRET,
        "STATE_URL": state.as_uri(),
        # A few hunts show what all of them do, in a fraction of the local tenant's time.
        "MAX_HUNTS": "10",
        **settings,
    }
    # Core Tools says of an empty value that it is "already defined" (core-tools #1258).
    written = {"IsEncrypted": False, "Values": {name: value for name, value in values.items() if value}}
    (app / "local.settings.json").write_bytes(msgspec.json.encode(written))


def environment(folder: Path) -> dict[str, str]:
    """
    Return a host's environment: this one without settings of the app's, which would win over local.settings.json.

    Its `python` is the one that runs this check, in whose environment the app's requirements are.
    """
    kept = {name: value for name, value in os.environ.items() if not _is_ours(name.upper())}
    paths = [str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]
    return {
        **kept,
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": str(folder / "tools"),
        # Calls within this machine must not go through a proxy.
        "NO_PROXY": _HERE,
        "no_proxy": _HERE,
    }


def create_queues(storage: str) -> None:
    """
    Make the queues of a deployment, which Core Tools does not, in the account of a connection string.

    Raises AzureError, and ValueError for what is no connection string.
    """
    # Azurite may have been started a moment ago.
    retries = ExponentialRetry(initial_backoff=1, increment_base=1, retry_total=5)
    with QueueServiceClient.from_connection_string(storage, retry_policy=retries) as service:
        for name in QUEUES:
            for queue in (name, f"{name}{POISON}"):
                with suppress(ResourceExistsError):
                    service.create_queue(queue)


def _is_ours(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES)
