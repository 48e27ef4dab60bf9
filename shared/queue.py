"""
Sending a run's id to its queue.

Through the SDK, not a queue output: only the SDK can delay a message, and an output is written after the function
has already answered.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueServiceClient, TextBase64EncodePolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.queue import QueueClient

    from .settings import Settings


def sender(settings: Settings) -> Callable[[str, str, int], None]:
    """Make the function that puts (queue, text, delay in seconds), creating a queue that is not there."""
    service = _service(settings)

    @cache
    def client(queue: str) -> QueueClient:
        # The Functions host expects base64 unless host.json says otherwise.
        return service.get_queue_client(queue, message_encode_policy=TextBase64EncodePolicy())

    def send(queue: str, text: str, delay: int) -> None:
        try:
            client(queue).send_message(text, visibility_timeout=delay)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                client(queue).create_queue()
            client(queue).send_message(text, visibility_timeout=delay)

    return send


def _service(settings: Settings) -> QueueServiceClient:
    timeouts: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 20, "retry_total": 2}
    if settings.queue_service_uri:
        from azure.identity import DefaultAzureCredential

        credential = DefaultAzureCredential(managed_identity_client_id=settings.azure_client_id or None)
        return QueueServiceClient(settings.queue_service_uri, credential=credential, **timeouts)
    if settings.storage == "UseDevelopmentStorage=true":
        # Azurite's published development account; the SDK does not know the shorthand.
        return QueueServiceClient.from_connection_string(_azurite(), **timeouts)
    return QueueServiceClient.from_connection_string(settings.storage, **timeouts)


def _azurite() -> str:
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    return (
        f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
        f"QueueEndpoint=http://127.0.0.1:10001/{account};"
    )
