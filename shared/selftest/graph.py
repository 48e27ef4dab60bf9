"""Check what the app needs of Microsoft Graph: three calls show token, cloud, roles and quota."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError

from shared.catalog.query import Asked, batch_call
from shared.errors import BadQuery, GraphError, PermissionDenied, Throttled, TimedOut, Unavailable
from shared.graph.client import HUNTING_ROLE, INCIDENT_ROLE
from shared.kql.write import device_query
from shared.model.entity import Chosen, Device
from shared.model.outcome import Window

from .need import CACHED, LIMIT, Need, error_of

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.settings import Settings
    from shared.tools import Tools

COMMENT = "Outrider tries whether it may comment. This stands on no incident."

_HUNTING, _INCIDENTS = HUNTING_ROLE, INCIDENT_ROLE
_GRAPH, _QUOTA, _SCOPING = "Microsoft Graph", "hunting quota", "hunts held to devices"
_SHARED = "many hunts in one call"
_READ, _COMMENT = f"{_INCIDENTS}: reading", f"{_INCIDENTS}: commenting"
#: No incident has this id: Defender numbers them from 1.
_NO_INCIDENT = "0"
_NO_DEVICE = Device("0" * 40)
_PLAIN = "DeviceInfo | take 1"
_GRANTS = "infra/grant-permissions.sh, or in PowerShell infra/grant-permissions.ps1,"


async def check_graph(tools: Tools, credential: AsyncTokenCredential) -> list[Need]:
    """
    Return the needs that concern Graph: a token, the service itself, three rights, the quota, and how hunts are written.

    Each right is checked by a call that needs its role: a hunt, a list of incidents, and a comment on an
    incident that does not exist. With the role Graph looks for that incident; without, it does not. Without a
    token, the other needs are not checked, and their `met` is None.
    """
    settings = tools.settings
    token = await _token(credential, settings)
    if not token.met:
        others = (
            _GRAPH,
            _HUNTING,
            _READ,
            _COMMENT,
            _QUOTA,
            *([_SHARED] if settings.batches else []),
            _SCOPING,
        )
        return [token, *(Need(name, None, "not tried without a token") for name in others)]
    hunting, reading, commenting = await asyncio.gather(
        error_of(tools.graph.run_hunting_query(_many(tools) if settings.batches else _query(tools), "PT1H")),
        error_of(tools.graph.list_incidents(tools.now())),
        _try_comment(tools),
    )
    alone = hunting
    if settings.batches and isinstance(hunting, BadQuery):
        alone = await error_of(tools.graph.run_hunting_query(_query(tools), "PT1H"))
    plain = alone
    if isinstance(alone, BadQuery):
        plain = await error_of(tools.graph.run_hunting_query(_PLAIN, "PT1H"))
    return [
        token,
        _graph(settings, hunting, reading, commenting),
        _role(_HUNTING, _HUNTING, hunting),
        _role(_READ, _INCIDENTS, reading),
        _role(_COMMENT, _INCIDENTS, commenting),
        _quota(hunting, reading, commenting),
        *([_shared(hunting, alone)] if settings.batches else []),
        _scoping(alone, plain),
    ]


async def _try_comment(tools: Tools) -> GraphError | None:
    """
    Comment on no incident; return what Graph says of it.

    A connection that lay idle may be closed the moment it is used. Other calls are then sent again, a comment never;
    this one may be, since it can stand nowhere twice.
    """
    error = None
    for _ in range(2):
        error = await error_of(tools.graph.add_comment(_NO_INCIDENT, COMMENT, within=LIMIT))
        if not isinstance(error, Unavailable) or error.status:
            break
    return error


async def _token(credential: AsyncTokenCredential, settings: Settings) -> Need:
    name, found = "token", "no answer from the identity endpoint"
    try:
        async with asyncio.timeout(LIMIT):
            await credential.get_token(settings.graph_scope)
        return Need(name, met=True, found=f"the identity gets a token for the cloud {settings.azure_cloud}")
    except AzureError as error:
        # Entra's error code says more than the library's exception, and Entra's text says too much.
        code = re.search(r"AADSTS\d+", str(error))
        found = f"the identity gets no token: {code[0] if code else type(error).__name__}"
    except TimeoutError:
        pass
    mend = (
        "Assign the app's identity to it and set AZURE_CLIENT_ID to that identity's client id; AZURE_CLOUD must be the "
        f"tenant's cloud, and is {settings.azure_cloud}"
    )
    return Need(name, met=False, found=found, mend=mend)


def _query(tools: Tools) -> str:
    """Return a shipped hunt's query as it is sent, for a device that does not exist."""
    for hunt in tools.catalog.hunts:
        if hunt.shipped and hunt.entity == "device":
            return device_query(hunt.query, [_NO_DEVICE], take=1, end=tools.now(), applies_to=hunt.applies_to)
    return device_query("DeviceInfo", [_NO_DEVICE], take=1, end=tools.now())


def _many(tools: Tools) -> str:
    """Return shipped hunts as they are sent together, for a device that does not exist."""
    window = Window(tools.now() - timedelta(hours=1), tools.now())
    hunts = [hunt for hunt in tools.catalog.hunts if hunt.shipped and hunt.entity == "device"]
    asked = [Asked(hunt, Chosen((_NO_DEVICE,)), window) for hunt in hunts[:2]]
    return batch_call(asked, 1).query if asked else _query(tools)


def _graph(settings: Settings, *answers: GraphError | None) -> Need:
    root = settings.cloud.graph
    worst = next((error for error in answers if isinstance(error, Unavailable | TimedOut)), None)
    if worst is None:
        return Need(_GRAPH, met=True, found=f"{root} answers")
    if worst.status == 401:
        mend = "Set AZURE_CLOUD to the tenant's cloud (global, usgov or usgovdod), and GRAPH_URL, if at all, to its Graph"
        found = f"{root} refuses a token of the cloud {settings.azure_cloud} (401)"
        return Need(_GRAPH, met=False, found=found, mend=mend)
    mend = f"See that the app's network lets {root} through; if it does, try again in some minutes"
    found = f"{root} answers {worst.status}" if worst.status else f"{root} does not answer"
    return Need(_GRAPH, met=False, found=found, mend=mend)


def _role(name: str, role: str, error: GraphError | None) -> Need:
    match error:
        case None:
            return Need(name, met=True, found="Graph does it")
        case PermissionDenied():
            mend = f"Grant {role} to the app's identity: {_GRANTS} with its object id. {CACHED}"
            return Need(name, met=False, found="Graph refuses it (403)", mend=mend)
        case Throttled() if error.ours:
            return Need(name, None, f"not told: {error.message}")
        case Throttled() | Unavailable() | TimedOut():
            return Need(name, None, "not told: Graph did not get that far")
        case _:
            return Need(name, met=True, found=f"Graph looks beyond the role ({error.status})")


def _quota(*answers: GraphError | None) -> Need:
    refused = [error for error in answers if isinstance(error, Throttled)]
    throttled = min(refused, key=lambda error: error.ours, default=None)
    if throttled is None:
        known = not any(isinstance(error, Unavailable | TimedOut) for error in answers)
        return Need(_QUOTA, True if known else None, "Graph throttles nothing" if known else "not told")
    wait = "" if throttled.retry_after is None else f", for {throttled.retry_after:.0f} seconds"
    if throttled.ours:
        # Graph was not asked at all: that says nothing about the tenant.
        return Need(_QUOTA, None, f"not told: {throttled.message}{wait}")
    mend = "Wait: runs do so by themselves. If it lasts, lower HUNTS_PER_MINUTE, or see who else hunts in this tenant"
    return Need(_QUOTA, met=False, found=f"Graph throttles this tenant (429){wait}", mend=mend)


def _shared(together: GraphError | None, alone: GraphError | None) -> Need:
    if together is None:
        return Need(_SHARED, met=True, found="hunts that share a call run")
    if not isinstance(together, BadQuery) or isinstance(alone, BadQuery):
        return Need(_SHARED, None, "not told: no hunt ran")
    found = f"Graph refuses hunts that share a call: {together.message[:200]}"
    mend = (
        "Set HUNT_BATCH to off: each hunt is then a call of its own, of the tenant's quota, too. Open an issue with this "
        "message: the tenant reads queries in another way than all others known"
    )
    return Need(_SHARED, met=False, found=found, mend=mend)


def _scoping(hunting: GraphError | None, plain: GraphError | None) -> Need:
    if hunting is None:
        return Need(_SCOPING, met=True, found="a hunt held to one device runs")
    if not isinstance(hunting, BadQuery):
        return Need(_SCOPING, None, "not told: no hunt ran")
    found = f"Graph refuses a hunt held to one device: {hunting.message[:200]}"
    mend = "Open an issue with this message: the tenant reads queries in another way than all others known"
    if isinstance(plain, Throttled | Unavailable | TimedOut):
        mend = f"Run the self-test again in a minute: whether Graph takes `{_PLAIN}` could not be told"
    if isinstance(plain, BadQuery):
        found = f"Graph refuses `{_PLAIN}`: {plain.message[:200]}"
        mend = "Hunting needs the tables of Defender for Endpoint, which come with its licence and the first device"
    return Need(_SCOPING, met=False, found=found, mend=mend)
