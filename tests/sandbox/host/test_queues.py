"""The sandbox's queue service: the account and its queues, what is refused, what outlives a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.support.account import Clock, code, served, texts

if TYPE_CHECKING:
    from pathlib import Path

    from azure.storage.queue import QueueClient, QueueServiceClient


def test_create_twice(service: QueueServiceClient) -> None:
    """
    A queue that exists is said to exist, and both times it is there.
    """
    service.create_queue("runs")

    with pytest.raises(ResourceExistsError):
        service.create_queue("runs")

    assert ["runs"] == [queue.name for queue in service.list_queues()]


def test_create_with_other_metadata(service: QueueServiceClient) -> None:
    """
    A queue is not created again with other metadata.
    """
    service.create_queue("runs", metadata={"owner": "a"})

    with pytest.raises(ResourceExistsError) as refused:
        service.create_queue("runs", metadata={"owner": "b"})

    assert 409 == refused.value.status_code
    assert {"owner": "a"} == service.get_queue_client("runs").get_queue_properties().metadata


def test_name(service: QueueServiceClient) -> None:
    """
    A name that Azure refuses is refused here.
    """
    with pytest.raises(HttpResponseError) as refused:
        service.get_queue_client("Runs").create_queue()

    assert "InvalidResourceName" == code(refused)


def test_list_by_prefix(service: QueueServiceClient) -> None:
    """
    Queues are listed by name, and by the start of it.
    """
    for name in ("urgent", "runs-poison", "runs"):
        service.create_queue(name)

    assert ["runs", "runs-poison"] == [queue.name for queue in service.list_queues(name_starts_with="runs")]


def test_missing_queue(service: QueueServiceClient) -> None:
    """
    Sending to a queue that is not there is an error that names it so.
    """
    with pytest.raises(ResourceNotFoundError) as refused:
        service.get_queue_client("nowhere").send_message("x")

    assert "QueueNotFound" == code(refused)


def test_delete_queue(service: QueueServiceClient, queue: QueueClient) -> None:
    """
    A deleted queue takes its messages with it.
    """
    queue.send_message("x")
    service.delete_queue("runs")

    queue.create_queue()

    assert [] == texts(queue)


def test_bearer(service: QueueServiceClient) -> None:
    """
    A bearer token opens the queues, and nothing opens nothing.
    """
    url = f"{service.url}runs"
    named = {"Authorization": "Bearer token", "x-ms-version": "2026-04-06"}

    assert 201 == httpx.put(url, headers=named).status_code
    assert 401 == httpx.put(url).status_code


def test_error_body(service: QueueServiceClient) -> None:
    """
    An error has the service's XML body, and its code in a header too.
    """
    answer = httpx.get(f"{service.url}nowhere/messages", headers={"Authorization": "Bearer token"})

    assert "QueueNotFound" == answer.headers["x-ms-error-code"]
    assert answer.text.startswith('<?xml version="1.0" encoding="utf-8"?><Error><Code>QueueNotFound</Code>')


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "runs", b"", 405),
        ("POST", "runs/messages", b"<QueueMessage>", 400),
        ("POST", "runs/messages", b"<QueueMessage/>", 400),
        ("GET", "runs/messages?numofmessages=33", b"", 400),
        ("GET", "runs/messages?numofmessages=many", b"", 400),
    ],
)
def test_refused(
    service: QueueServiceClient, queue: QueueClient, method: str, path: str, body: bytes, status: int
) -> None:
    """
    What the service does not understand is refused, and changes nothing.
    """
    answer = httpx.request(
        method, service.url + path, content=body, headers={"Authorization": "Bearer token"}
    )

    assert status == answer.status_code
    assert 0 == queue.get_queue_properties().approximate_message_count


def test_restart(tmp_path: Path, clock: Clock) -> None:
    """
    Messages, their locks and their counts outlive the process that served them.
    """
    with served(tmp_path / "queues.db", clock) as service:
        queue = service.create_queue("runs")
        queue.send_message("held")
        queue.receive_message(visibility_timeout=600)
        queue.send_message("waiting")

    with served(tmp_path / "queues.db", clock) as service:
        queue = service.get_queue_client("runs")
        waiting = texts(queue)
        clock.now += 600
        again = queue.receive_message()

    assert ["waiting"] == waiting
    assert again is not None
    assert ("held", 2) == (again.content, again.dequeue_count)
