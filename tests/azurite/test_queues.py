"""Runs are sent to the queues of a real storage account, by the app's identity."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError

from sandbox.azurite.certificate import certificate
from sandbox.azurite.emulator import QUEUES
from sandbox.tenant.tokens import STORAGE, unsigned
from shared.model.record import Work
from shared.state.queue import queue_probe, sender
from shared.state.runs import Runs, run_id

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

    from tests.support.azurite import Azurite

pytestmark = pytest.mark.azurite
RUN = "0123456789abcdef0123456789abcdef"


def received(queue: QueueClient, within: float = 0) -> list[str]:
    """Return the texts of the visible messages, once there are some or *within* seconds have passed."""
    end = time.monotonic() + within
    while not (texts := [message.content for message in queue.receive_messages()]) and time.monotonic() < end:
        time.sleep(0.05)
    return texts


async def test_a_run_arrives_as_the_trigger_expects_it(azurite: Azurite) -> None:
    """Its id is in the queue that it asks for, in base64, and its record in the container."""
    runs = Runs(azurite.open(), sender(azurite.settings()))
    work = Work(run_id(""), datetime.now(UTC), "", incident_id="4101", queue="runs")
    await runs.start(work, chosen_key=False)

    assert work == await runs.work(work.run_id)
    assert ([work.run_id], []) == (received(azurite.queue("runs")), received(azurite.queue("urgent")))


async def test_a_delayed_run_is_hidden_until_its_time(azurite: Azurite) -> None:
    """With a delay of 2 seconds it cannot be received at once, and can soon after them."""
    runs = Runs(azurite.open(), sender(azurite.settings()))
    work = Work(run_id(""), datetime.now(UTC), "")
    started = time.monotonic()
    await runs.start(work, chosen_key=False, delay=timedelta(seconds=2))
    early = received(azurite.queue(work.queue))
    late = received(azurite.queue(work.queue), 10)

    assert ([], [work.run_id]) == (early, late)
    assert time.monotonic() - started > 1.5


def test_a_message_may_be_hidden_for_six_days(azurite: Azurite) -> None:
    """It is the longest delay that the app asks for."""
    sender(azurite.settings())("runs", RUN, int(timedelta(days=6).total_seconds()))

    assert [] == received(azurite.queue("runs"))
    assert 1 == azurite.queue("runs").get_queue_properties().approximate_message_count


def test_a_missing_queue_is_made(azurite: Azurite) -> None:
    """The message is sent all the same, and the next one, too."""
    azurite.queue("sweeps").delete_queue()
    send = sender(azurite.settings())
    for text in (RUN, "another"):
        send("sweeps", text, 0)

    assert [RUN, "another"] == received(azurite.queue("sweeps"))


@pytest.mark.parametrize("queue", QUEUES)
def test_the_probe_leaves_no_message(azurite: Azurite, queue: str) -> None:
    """It tries each queue, returns the service's time, and no worker ever sees what it sent."""
    said = queue_probe(azurite.settings())(queue)

    assert abs(datetime.now(UTC) - said) < timedelta(seconds=5)
    assert 0 == azurite.queue(queue).get_queue_properties().approximate_message_count


def test_the_probe_finds_a_missing_queue(azurite: Azurite) -> None:
    """It raises what the self-test reports, and makes no queue."""
    probe = queue_probe(azurite.settings())
    for _ in range(2):
        with pytest.raises(ResourceNotFoundError):
            probe("nothing")


@pytest.mark.parametrize(("resource", "status"), [(STORAGE, 200), ("https://graph.microsoft.com", 403)])
def test_only_a_token_for_storage_opens_the_account(azurite: Azurite, resource: str, status: int) -> None:
    """One that is for Graph is refused, so a wrong scope of the app's would be noticed here."""
    now = time.time()
    token = unsigned(resource, issued=now, expires=now + 60)
    trusted = ssl.create_default_context(cafile=certificate().authority)
    answer = httpx.get(
        f"{azurite.account.queues}/?comp=list",
        headers={"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02"},
        verify=trusted,
    )

    assert status == answer.status_code
