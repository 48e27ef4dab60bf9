"""What the authors of hunts should know: in the answer of GET /api/health, and in the log."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

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


@pytest.mark.fault("A6", before="KeyError: 'notices'")
async def test_a_hunt_that_names_no_device_is_noticed_and_all_is_healthy() -> None:
    """The hunt can run, so nothing is degraded."""
    request = func.HttpRequest("GET", "/api/health", body=b"")
    answer = await health.health.build().get_user_function()(request)
    body = json.loads(answer.get_body())

    assert ("healthy", []) == (body["status"], body["broken"])
    assert "mine" in body["hunts"]
    assert [NOTICE] == [notice[: len(NOTICE)] for notice in body["notices"]]


def test_a_notice_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The line names file, line and column, when the process loads its hunts."""
    with caplog.at_level(logging.WARNING, "outrider"):
        app.hunts()
        app.hunts()

    assert [f"hunt file {NOTICE}"] == [message[: len(NOTICE) + 10] for message in caplog.messages]
