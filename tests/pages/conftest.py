"""Fixtures for the tests of the pages: a browser, and a server that shows the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from functions.responses import page_headers
from sandbox.telemetry.engine import Engine
from sandbox.tenant.app import create_app
from sandbox.tenant.intrusions import intrusions
from shared.pages.layout import FILTERED_HASH
from shared.pages.run import run_page
from shared.settings import Settings
from tests.support.browser import chromium, ended, hurt, served, waiting
from tests.support.hostile_sweeps import sweeps
from tests.support.made_hunts import catalogue
from tests.support.said import HUNTS

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Yield one Chromium for all tests of a module."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    """
    Yield the address of a server that shows our pages and the tenant's.

    Ours have the headers that they have in Azure. An attacker chose the texts on all of them.
    """
    runs = {"done": ended(), "waiting": waiting()}
    swept = sweeps()

    async def show(request: Any) -> HTMLResponse:
        """Answer with a run's page, as the function GetReport does."""
        run = runs[request.path_params["name"]]
        page = run_page(run, HUNTS, Settings(), refresh=not run.done)
        return HTMLResponse(page, headers=page_headers())

    async def show_sweep(request: Any) -> HTMLResponse:
        """Answer with a sweep's page, as GetReport does."""
        return HTMLResponse(swept[request.path_params["name"]], headers=page_headers())

    async def show_hunts(request: Any) -> HTMLResponse:  # noqa: ARG001  (Starlette passes it)
        """Answer with the page of all hunts, as ListHunts does."""
        return HTMLResponse(catalogue(), headers=page_headers(FILTERED_HASH))

    tenant = create_app(Engine(), intrusions(datetime.now(UTC)))
    hurt(tenant.state.tenant)
    routes = [
        Route("/api/runs/{name}/report", show),
        Route("/api/sweeps/{name}", show_sweep),
        Route("/api/hunts", show_hunts),
        Mount("/", tenant),
    ]
    async with served(Starlette(routes=routes)) as where:
        yield where
