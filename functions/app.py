"""What the functions of one process share: the settings, the hunts, and the clients and stores of a run."""

from __future__ import annotations

import gc
import logging
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import azure.functions as func
from msgspec.structs import replace

from shared import settings, telemetry
from shared.catalog.choosing import Policy, unmatched
from shared.catalog.load import SHIPPED, Catalog, load_hunts
from shared.clouds import CLOUDS
from shared.errors import SettingsError
from shared.state.objects import Store
from shared.state.runs import Runs
from shared.tools import Tools

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.selftest.watching import Watching
    from shared.settings import Settings

log = logging.getLogger("outrider")

#: Linux knows no dots in the names of variables: App Service writes `_` for one, and .NET reads `__` as one.
_WATCH_OFF = tuple(f"AzureWebJobs{dot}WatchIncidents{dot}Disabled" for dot in (".", "_", "__"))


@cache
def read_settings() -> Settings:
    """
    Read the settings from the environment, once per process.

    Raises SettingsError, which names every wrong setting: the app then serves nothing else (`wrong`).
    """
    return settings.read_settings(os.environ)


def wrong_settings() -> tuple[str, ...]:
    """Return a line for each wrong setting, with what it should be."""
    try:
        read_settings()
    except SettingsError as error:
        return error.problems
    return ()


def platform_signs_in() -> bool:
    """Whether App Service authentication signs callers in; known also where other settings are wrong."""
    return settings.signs_in(os.environ)


def auth_level() -> func.AuthLevel:
    """Return ANONYMOUS if App Service authentication protects the app, else FUNCTION (a key is needed)."""
    return func.AuthLevel.ANONYMOUS if platform_signs_in() else func.AuthLevel.FUNCTION


@cache
def tools() -> Tools:
    """Return the clients and stores of runs, made by the first call, in the event loop that uses them."""
    from shared.graph.client import Graph
    from shared.sentinel.client import Arm
    from shared.state.queue import sender
    from shared.state.quota import StoredQuota

    telemetry.silence_libraries()
    chosen = read_settings()
    runs = Runs(store(), sender(chosen), days=chosen.findings_days)
    recorder = telemetry.configure(os.environ)
    quota = StoredQuota(store(), chosen.hunts_per_minute)
    graph = Graph(chosen, credential(), refused=recorder.refused, quota=quota)
    arm = Arm(chosen, credential(), refused=recorder.refused)
    made = Tools(chosen, graph, arm, store(), runs, hunts(), report_url, telemetry=recorder)
    # What was imported stays, most of it the Graph SDK's: visiting it again and again would take the garbage collector
    # a sixth of an incident's processor time.
    gc.freeze()
    return made


@cache
def started() -> datetime:
    """Return when this process began to serve, in UTC: when it was first asked, which is when it loads the app."""
    return datetime.now(UTC)


@cache
def store() -> Store:
    """Return the store of all state, opened once per process; nothing is contacted yet."""
    return Store.open(read_settings().state_url, credential())


async def watching() -> Watching:
    """Return how the watch stands, within 2 seconds; nothing is raised."""
    from shared.selftest.watching import Watching, watching

    off = any(os.environ.get(name, "").strip().lower() in ("true", "1") for name in _WATCH_OFF)
    schedule = read_settings().watch_schedule
    try:
        place = store()
    except Exception as error:  # noqa: BLE001  (a folder that cannot be made: health still answers)
        log.warning("the store cannot be opened: %s", type(error).__name__)
        return Watching("unknown", None, f"not told: the store cannot be opened ({type(error).__name__})")
    return await watching(place, schedule, datetime.now(UTC), started=started(), off=off)


@cache
def tools_without_retries() -> Tools:
    """
    Return tools for a caller who waits for the answer.

    Their Graph client never repeats a call, and what Graph refuses is not counted as a metric. It keeps the
    quota that all runs share, as one of them.
    """
    return replace(tools(), graph=tools().graph.without_retries())


@cache
def hunts() -> Catalog:
    """Load the hunts that come with the app, and those of HUNTS_DIR, once per process, and log what is odd of them."""
    extra = read_settings().hunts_dir
    catalog = load_hunts(SHIPPED, *((Path(extra),) if extra else ()))
    for error in catalog.broken:
        log.warning("hunt file that cannot be used: %s", error)
    for notice in catalog.notices:
        log.warning("hunt file %s", notice)
    for line in unmatched(catalog, policy()):
        log.warning("%s", line)
    return catalog


def policy() -> Policy:
    """Return which hunts run by themselves, and how many one run takes, as the settings say."""
    chosen = read_settings()
    return Policy(chosen.auto, chosen.max_hunts)


def run_url(run_id: str) -> str:
    """Return the address of a run."""
    return f"{read_settings().root_url}/api/runs/{run_id}"


def report_url(run_id: str) -> str:
    """
    Return the link to a run's page that a comment shows, through the sign-in; '' with function keys.

    A comment must not hold a key, and a browser has no other way to send one.
    """
    if not platform_signs_in():
        return ""
    target = quote(f"/api/runs/{run_id}/report", safe="")
    return f"{read_settings().root_url}/.auth/login/aad?post_login_redirect_uri={target}"


@cache
def credential() -> AsyncTokenCredential:
    """
    Return the app's identity, made once per process.

    On Azure it is the managed identity; elsewhere it is what azure-identity finds (environment variables, az
    login).
    """
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity import aio

    # azure-identity's default transport is aiohttp, which it does not declare and the app does not need.
    options: dict[str, Any] = {"transport": AsyncioRequestsTransport()}
    chosen = read_settings()
    if os.environ.get("IDENTITY_ENDPOINT"):
        return aio.ManagedIdentityCredential(client_id=chosen.azure_client_id or None, **options)
    authority = CLOUDS[chosen.azure_cloud].login
    return aio.DefaultAzureCredential(authority=authority, **options)
