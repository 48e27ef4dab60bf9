"""What the authors of hunts, and whoever names them, should know: in the answer of GET /api/health, and in the log."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest

from functions import app, health
from tests.support.hunt_files import NAMELESS, write
from tests.support.tenant import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTICE = "mine.yaml:15:8: query: its rows have neither DeviceId nor DeviceName"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An app whose HUNTS_DIR holds a hunt that names no device; its settings and hunts are read anew."""
    write(tmp_path, "mine.yaml", NAMELESS)
    for name, value in {**ENVIRONMENT, "HUNTS_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for cached in (app.read_settings, app.started, app.store, app.hunts):
        cached.cache_clear()
    yield
    for cached in (app.read_settings, app.started, app.store, app.hunts):
        cached.cache_clear()


async def said() -> dict[str, Any]:
    """Return the decoded answer of GET /api/health."""
    request = func.HttpRequest("GET", "/api/health", body=b"")
    answer = await health.health.build().get_user_function()(request)
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


@pytest.mark.fault("A6", before="KeyError: 'notices'")
async def test_a_hunt_that_names_no_device_is_noticed_and_all_is_healthy() -> None:
    """The hunt can run, so nothing is degraded."""
    body = await said()

    assert ("healthy", []) == (body["status"], body["broken"])
    assert "mine" in body["hunts"]
    assert [NOTICE] == [notice[: len(NOTICE)] for notice in body["notices"]]


def test_a_notice_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The line names file, line and column, when the process loads its hunts."""
    with caplog.at_level(logging.WARNING, "outrider"):
        app.hunts()
        app.hunts()

    assert [f"hunt file {NOTICE}"] == [message[: len(NOTICE) + 10] for message in caplog.messages]


@pytest.mark.fault("A20", before="assert ['hunt file that cannot be used: …'] == []")
async def test_a_file_that_cannot_be_used_is_told_to_its_author(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log when the hunts are loaded, and health is degraded, each with the place in the file."""
    write(tmp_path, "wrong.yaml", "id: 1\nname: x\nquery: DeviceInfo\n")
    with caplog.at_level(logging.WARNING, "outrider"):
        body = await said()

    assert ("degraded", ["wrong.yaml:1:5: id: write a GUID"]) == (body["status"], body["broken"])
    assert ["hunt file that cannot be used: wrong.yaml:1:5: id: write a GUID"] == [
        message for message in caplog.messages if "wrong" in message
    ]


async def test_what_the_setting_names_in_vain_is_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In health and in the log; nothing is degraded by it."""
    monkeypatch.setenv("HUNTS_AUTO", "mine, Exfil")
    line = "HUNTS_AUTO: no hunt that is loaded has the name or the tactic 'Exfil'"
    with caplog.at_level(logging.WARNING, "outrider"):
        body = await said()

    assert ("healthy", line) == (body["status"], body["notices"][-1])
    assert line in caplog.messages
