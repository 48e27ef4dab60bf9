"""host.json, as far as the sandbox reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class QueueSettings(msgspec.Struct, frozen=True, rename="camel"):
    """
    `extensions.queues` of host.json, with the defaults of its reference on Microsoft Learn.

    Without `newBatchThreshold` it is half of `batchSize`. Times are `hh:mm:ss`.
    """

    batch_size: int = 16
    new_batch_threshold: int | None = None
    visibility_timeout: str = "00:00:00"
    max_dequeue_count: int = 5
    max_polling_interval: str = "00:00:01"
    message_encoding: Literal["base64", "none"] = "base64"


class HttpSettings(msgspec.Struct, frozen=True, rename="camel"):
    """`extensions.http` of host.json."""

    route_prefix: str = "api"


class Extensions(msgspec.Struct, frozen=True):
    """`extensions` of host.json, as far as the sandbox reads it."""

    http: HttpSettings = HttpSettings()
    queues: QueueSettings = QueueSettings()


class HostSettings(msgspec.Struct, frozen=True, rename="camel"):
    """host.json, as far as the sandbox reads it; a `functionTimeout` of -1 means no limit."""

    extensions: Extensions = Extensions()
    function_timeout: str = "00:30:00"


def read_host_file(app_dir: Path) -> HostSettings:
    """Read host.json of *app_dir*. Raises msgspec.ValidationError, which names the wrong field."""
    return msgspec.json.decode((app_dir / "host.json").read_bytes(), type=HostSettings)
