"""
Send run ids to their queues.

This uses the SDK, not a queue output binding: only the SDK can delay a message, and an output is written
after the function has already answered.
"""

from __future__ import annotations

import contextlib
import os
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import ExponentialRetry, QueueServiceClient, TextBase64EncodePolicy

from shared.clouds import CLOUDS
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import PipelineResponse
    from azure.storage.queue import QueueClient

#: What the Functions host appends to a queue's name for the messages that it has given up on.
POISON = "-poison"


def sender(settings: Settings) -> Callable[[str, str, int], None]:
    """
    Return a function that sends (queue, text, delay in seconds), and creates a queue that does not exist.

    The function blocks, and raises AzureError where the message cannot be sent.
    """
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


def queue_probe(settings: Settings) -> Callable[[str], datetime]:
    """
    Return a function that tries a queue, and returns the time that the service's clock shows, in UTC.

    The function blocks, and raises AzureError. The message that it sends is hidden for a minute and deleted
    at once, so that no worker sees it. A poison queue is only read: a message there would raise an alert.
    """
    service = _service(settings, retries=0)

    def attempt(queue: str) -> datetime:
        answers: list[PipelineResponse[Any, Any]] = []
        client = service.get_queue_client(queue)
        client.get_queue_properties(raw_response_hook=answers.append)
        if not queue.endswith(POISON):
            client.delete_message(client.send_message("selftest", visibility_timeout=60, time_to_live=120))
        return parsedate_to_datetime(answers[0].http_response.headers["Date"])

    return attempt


def _service(settings: Settings, *, retries: int = 2) -> QueueServiceClient:
    # A caller waits for the message to be sent: the SDK's default waits of 15 seconds and more are too long.
    options: dict[str, Any] = {
        "connection_timeout": 10,
        "read_timeout": 20,
        "retry_policy": ExponentialRetry(
            initial_backoff=1, increment_base=2, retry_total=retries, random_jitter_range=1
        ),
    }
    if settings.queue_service_uri:
        return QueueServiceClient(settings.queue_service_uri, _credential(settings), **options)
    return QueueServiceClient.from_connection_string(settings.storage, **options)


def _credential(settings: Settings) -> TokenCredential:
    """Return the identity of app and host on Azure; elsewhere, the one that azure-identity finds."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if os.environ.get("IDENTITY_ENDPOINT"):
        return ManagedIdentityCredential(client_id=settings.azure_client_id or None)
    return DefaultAzureCredential(authority=CLOUDS[settings.azure_cloud].login)
