"""
Check what the app needs of its environment: what is met, what is not, and how to fix it.

Rights are checked by using them, not by reading a token, since Microsoft's answer is what counts. Nothing is
left behind but one small object in the store, which is overwritten every time. No result holds a secret or a
value from an incident.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from msgspec import Struct

from shared.catalog.choosing import unmatched
from shared.errors import GraphError, NotFound, PermissionDenied
from shared.model.role import WHO_MAY
from shared.sentinel.client import SENTINEL_ROLE
from shared.state.queue import POISON
from shared.state.runs import QUEUES

from . import graph
from .by_hand import BY_HAND
from .need import CACHED, LIMIT, Need, error_of
from .watching import need_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from azure.core.credentials_async import AsyncTokenCredential

    from shared.settings import Settings
    from shared.state.objects import Store
    from shared.tools import Tools

    from .watching import Watching

log = logging.getLogger("outrider")

_PROBE = "selftest/last"
_NO_GUID = "00000000-0000-0000-0000-000000000000"
#: Azure takes neither a token nor a signature from a client whose clock is further off.
_OFF = timedelta(minutes=5)


class Selftest(Struct, frozen=True, rename="camel"):
    """
    The result of a self-test; `met` only if every need is met, and one that was not checked is not.

    `by_hand` is what it cannot tell, and a person has to try.
    """

    met: bool
    needs: tuple[Need, ...]
    by_hand: tuple[str, ...] = BY_HAND


async def check(
    tools: Tools,
    credential: AsyncTokenCredential,
    attempt: Callable[[str], datetime],
    watch: Awaitable[Watching],
    *,
    reached: str,
) -> Selftest:
    """
    Check every need, all at the same time, with at most 20 seconds for each call.

    *tools* should have a Graph client that never retries; *attempt* tries a queue (`queue.queue_probe`), and
    *watch* tells how the watch stands (`watching.watching`); *reached* is the address that the caller used. What fails is a need that is not met; nothing is raised.
    """
    settings = tools.settings
    trials: list[Coroutine[None, None, list[Need]]] = [
        graph.check_graph(tools, credential),
        _store(tools.store, settings),
        _queues(tools, attempt),
        _sentinel(tools),
        _watch(watch),
    ]
    found = [need for needs in await asyncio.gather(*trials) for need in needs]
    needs = (*found, _hunts(tools), _sign_in(settings), _address(settings, reached))
    return Selftest(all(need.met for need in needs), needs)


async def _store(store: Store, settings: Settings) -> list[Need]:
    name, step = "object store", "written"
    try:
        async with asyncio.timeout(LIMIT):
            await store.put(_PROBE, b"{}")
            step = "created once alone"
            if await store.create(_PROBE, b"{}"):
                raise FileExistsError
            step = "read"
            if await store.get(_PROBE) is None:
                raise FileNotFoundError
            step = "listed"
            if _PROBE not in await store.keys("selftest/"):
                raise FileNotFoundError
    except Exception as error:
        log.warning("selftest: the store", exc_info=True)
        place = settings.state_url.split("?")[0]
        mend = (
            f"See that {place} is there and lets the app's network in, and give the app's identity Storage Blob Data "
            "Owner on the account"
        )
        return [Need(name, met=False, found=f"an object cannot be {step}: {type(error).__name__}", mend=mend)]
    return [Need(name, met=True, found="objects are written, created once alone, read and listed")]


async def _queues(tools: Tools, attempt: Callable[[str], datetime]) -> list[Need]:
    names = [*QUEUES, *(f"{queue}{POISON}" for queue in QUEUES)]

    async def one(name: str) -> datetime | str:
        try:
            async with asyncio.timeout(LIMIT):
                return await asyncio.to_thread(attempt, name)
        except AzureError as error:
            code = getattr(error, "error_code", None)
            return str(getattr(code, "value", code) or type(error).__name__)
        except TimeoutError:
            return "no answer"

    answers = dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    bad = [f"{name}: {answer}" for name, answer in answers.items() if isinstance(answer, str)]
    mend = (
        "Make the queues that are missing; for any other reason, give the app's identity Storage Queue Data "
        "Contributor on the storage account, and see that the account lets the app's network in"
    )
    good = f"messages are taken by {', '.join(QUEUES)}, whose poison queues are there"
    queues = Need("queues", not bad, "; ".join(bad) or good, mend if bad else "")
    off = [abs(tools.now() - answer) for answer in answers.values() if isinstance(answer, datetime)]
    if not off:
        return [queues, Need("clock", None, "not told: it is compared with that of the queues")]
    found = f"within {int(min(off).total_seconds())} seconds of the storage account's"
    right = min(off) < _OFF
    mend = "" if right else "Restart the app; if it stays, set the clock of the machine it runs on"
    return [queues, Need("clock", right, found, mend)]


async def _sentinel(tools: Tools) -> list[Need]:
    return list(await asyncio.gather(*(_workspace(tools, each) for each in tools.settings.workspaces)))


async def _workspace(tools: Tools, workspace: str) -> Need:
    """Check the role for comments: with it Azure finds no such incident (404); without, it does not look."""
    name = f"{SENTINEL_ROLE} on the workspace {workspace.rsplit('/', 1)[-1]}"
    incident = f"{workspace}/providers/Microsoft.SecurityInsights/incidents/{_NO_GUID}"
    match await error_of(tools.arm.put_comment(incident, _NO_GUID, graph.COMMENT)):
        case NotFound():
            return Need(
                name, met=True, found="a comment on an incident that there is not is answered with 404"
            )
        case PermissionDenied():
            mend = f"Assign {SENTINEL_ROLE} on the workspace to the app's identity. {CACHED}"
            return Need(name, met=False, found="a comment is answered with 403", mend=mend)
        case GraphError(status=status):
            mend = "See that SENTINEL_WORKSPACE names the workspace and AZURE_CLOUD its cloud, then try again"
            return Need(name, met=False, found=f"Azure answers {status or 'nothing'}", mend=mend)
        case _:
            return Need(name, None, "Azure took a comment on an incident that there cannot be")


async def _watch(watch: Awaitable[Watching]) -> list[Need]:
    return [need_of(await watch)]


def _hunts(tools: Tools) -> Need:
    hunts, broken = tools.catalog.hunts, tools.catalog.broken
    if broken:
        mend = "Mend these files, or take them out; the other hunts run"
        return Need("hunts", met=False, found="; ".join(map(str, broken)), mend=mend)
    if not hunts:
        return Need(
            "hunts",
            met=False,
            found="there is none",
            mend="Deploy the whole package: shared/hunts/ is missing",
        )
    if lines := unmatched(tools.catalog, tools.policy):
        mend = "Write names or tactics that GET /api/hunts lists, or put the files into HUNTS_DIR"
        return Need("hunts", met=False, found="; ".join(lines), mend=mend)
    return Need(
        "hunts", met=True, found=f"{len(hunts)} loaded, {sum(h.auto for h in hunts)} run by themselves"
    )


def _sign_in(settings: Settings) -> Need:
    name = "authentication"
    if settings.http_auth == "key":
        return Need(name, met=True, found=f"function keys (HTTP_AUTH=key): {WHO_MAY['key']}")
    if settings.platform_signs_in:
        return Need(name, met=True, found=f"App Service authentication (HTTP_AUTH=entra): {WHO_MAY['entra']}")
    return Need(
        name,
        met=False,
        found="HTTP_AUTH is entra, but App Service authentication is off: function keys are asked for",
        mend="Turn authentication on for the app (infra/modules/authentication.bicep), or set HTTP_AUTH=key",
    )


def _address(settings: Settings, reached: str) -> Need:
    found = f"links begin with {settings.root_url}"
    if settings.public_url or urlsplit(reached).netloc == urlsplit(settings.root_url).netloc:
        return Need("address", met=True, found=found)
    mend = "Set PUBLIC_URL to the address by which callers and analysts reach the app"
    return Need("address", met=False, found=f"{found}, but this call came by another", mend=mend)
