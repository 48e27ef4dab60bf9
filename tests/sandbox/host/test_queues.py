"""The sandbox's queue service: the account and its queues, what is refused, and what survives a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.support.account import Clock, code, served, texts

if TYPE_CHECKING:
    from pathlib import Path

    from azure.storage.queue import QueueClient, QueueServiceClient


def test_creating_an_existing_queue_is_an_error(service: QueueServiceClient) -> None:
    """The error is ResourceExistsError, and the queue is still there."""
    service.create_queue("runs")

    with pytest.raises(ResourceExistsError):
        service.create_queue("runs")

    assert ["runs"] == [queue.name for queue in service.list_queues()]


def test_an_existing_queue_keeps_its_metadata(service: QueueServiceClient) -> None:
    """Creating it again with other metadata is answered with 409."""
    service.create_queue("runs", metadata={"owner": "a"})

    with pytest.raises(ResourceExistsError) as refused:
        service.create_queue("runs", metadata={"owner": "b"})

    assert 409 == refused.value.status_code
    assert {"owner": "a"} == service.get_queue_client("runs").get_queue_properties().metadata


def test_an_invalid_queue_name_is_refused(service: QueueServiceClient) -> None:
    """Azure refuses such a name as well, here one with a capital letter."""
    with pytest.raises(HttpResponseError) as refused:
        service.get_queue_client("Runs").create_queue()

    assert "InvalidResourceName" == code(refused)


def test_queues_are_listed_by_prefix(service: QueueServiceClient) -> None:
    """They are sorted by name, and other queues are left out."""
    for name in ("urgent", "runs-poison", "runs"):
        service.create_queue(name)

    assert ["runs", "runs-poison"] == [queue.name for queue in service.list_queues(name_starts_with="runs")]


def test_sending_to_a_missing_queue_is_an_error(service: QueueServiceClient) -> None:
    """The error's code is QueueNotFound."""
    with pytest.raises(ResourceNotFoundError) as refused:
        service.get_queue_client("nowhere").send_message("x")

    assert "QueueNotFound" == code(refused)


def test_a_deleted_queue_takes_its_messages_with_it(service: QueueServiceClient, queue: QueueClient) -> None:
    """If it is created again, it is empty."""
    queue.send_message("x")
    service.delete_queue("runs")

    queue.create_queue()

    assert [] == texts(queue)


def test_a_bearer_token_opens_the_queues(service: QueueServiceClient) -> None:
    """A request without any credentials is answered with 401."""
    url = f"{service.url}runs"
    named = {"Authorization": "Bearer token", "x-ms-version": "2026-04-06"}

    assert 201 == httpx.put(url, headers=named).status_code
    assert 401 == httpx.put(url).status_code


def test_an_error_has_an_xml_body_and_a_code(service: QueueServiceClient) -> None:
    """Both are as in Azure's service, and the code is in a header, too."""
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
def test_an_invalid_request_changes_nothing(
    service: QueueServiceClient, queue: QueueClient, method: str, path: str, body: bytes, status: int
) -> None:
    """A wrong method, body or parameter is refused, and no message is stored."""
    answer = httpx.request(
        method, service.url + path, content=body, headers={"Authorization": "Bearer token"}
    )

    assert status == answer.status_code
    assert 0 == queue.get_queue_properties().approximate_message_count


def test_messages_survive_a_restart_of_the_service(tmp_path: Path, clock: Clock) -> None:
    """So do their locks, and the counts of their deliveries."""
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
