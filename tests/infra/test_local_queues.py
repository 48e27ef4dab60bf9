"""CONTRIBUTING.md says how to make the queues that `func start` does not make."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from sandbox.host.queue_service import QueueService
from sandbox.host.serve import connection_string
from shared.state.queue import POISON
from shared.state.runs import QUEUES
from tests.support.deployed import served

ROOT = Path(__file__).parents[2]


@pytest.mark.fault("H10", before="IndexError: CONTRIBUTING.md named Azurite, and no way to make the queues")
def test_the_guide_makes_every_queue_of_the_app() -> None:
    """Its command, run against the sandbox's queue service in place of Azurite, makes all six."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    script = textwrap.dedent(re.findall(r"python - <<'EOF'\n(.*?)\n    EOF", guide, re.DOTALL)[0])
    with closing(QueueService()) as queues, served(queues) as address:
        storage = connection_string(address)
        subprocess.run(
            [sys.executable, "-"],
            cwd=ROOT, input=script.replace("UseDevelopmentStorage=true", storage), check=True, text=True,
        )  # fmt: skip
        with QueueServiceClient.from_connection_string(storage) as client:
            made = {queue.name for queue in client.list_queues()}

    assert {*QUEUES, *(f"{name}{POISON}" for name in QUEUES)} == made


@pytest.mark.fault(
    "H10", before="'requests answer 500' in the README, 'the app does not start' in DEPLOYMENT.md"
)
@pytest.mark.parametrize("right", ["Storage Blob Data Owner", "Storage Queue Data Contributor"])
def test_both_guides_say_the_same_of_a_missing_right(right: str) -> None:
    """What happens without a right on storage has the same words in README and DEPLOYMENT.md."""
    said = {
        re.findall(rf"^\| {right}[^|]*\|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)[0]
        for text in ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "DEPLOYMENT.md"))
    }

    assert 1 == len(said)
