"""No run sees another run's data, however many share the process."""

from __future__ import annotations

import asyncio
import base64
import gzip
import random
import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from obstore.store import MemoryStore

from shared import settings
from shared.graph.client import Graph
from shared.model.record import Work
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.pages.summary import summary
from shared.sentinel.client import Arm
from shared.state.objects import Store
from shared.state.runs import Runs, run_id
from shared.tools import Tools
from shared.work import work_on
from tests.support.echo import Anyone, Echo, numbers
from tests.support.hunt_files import five_hunts
from tests.support.tenant import ENVIRONMENT

if TYPE_CHECKING:
    from shared.model.record import Done, Run

INCIDENTS, RUNS, AT_ONCE = range(100, 200), 500, 32


def queries(page: str) -> str:
    """Return the queries that a page links to, unpacked."""
    packed = re.findall(r"[?]query=([\w-]+)", page)
    return "\n".join(gzip.decompress(base64.urlsafe_b64decode(q + "===")).decode("utf-16-le") for q in packed)


async def responses(tools: Tools, run: Run) -> dict[str, str]:
    """Return every text in which the app shows a run, by the text's kind."""
    page = run_page(run, tools.catalog, tools.settings, refresh=False)
    body = summary(run, tools.runs.expires(run.work), "https://app.example/run")
    texts = {"run": msgspec.json.encode(body).decode(), "page": page, "portal": queries(page)}
    for hunt, found in run.found.items():
        raw = await tools.runs.findings(run.work.run_id, hunt) or b""
        texts[f"{hunt}.csv"] = csv_rows(raw, found.rows, mask=True, hunt=hunt).decode()
        texts[f"{hunt}.json"] = msgspec.json.encode(json_rows(raw, found.rows, mask=True, hunt=hunt)).decode()
    return texts


async def test_runs_at_the_same_time_never_mix_their_data() -> None:
    """In 500 runs over 100 incidents, 32 at a time, each text holds only its own incident's values."""
    tenant = Echo()
    chosen = settings.read_settings({**ENVIRONMENT, "HUNTS_PER_MINUTE": "100000", "HUNT_CONCURRENCY": "64"})
    graph, arm = Graph(chosen, Anyone(), transport=tenant), Arm(chosen, Anyone())
    store = Store(MemoryStore())
    tools = Tools(chosen, graph, arm, store, Runs(store, lambda *_: None), five_hunts())
    # In order, the five runs of an incident would go in step; shuffled, they overlap in every way.
    asked = [INCIDENTS[n % len(INCIDENTS)] for n in range(RUNS)]
    random.Random(2).shuffle(asked)
    slots = asyncio.Semaphore(AT_ONCE)

    async def done(number: int) -> tuple[int, Done, dict[str, str]]:
        """Do one run as soon as a slot is free, and return how it ended and what is shown of it."""
        async with slots:
            work = Work(run_id(""), datetime.now(UTC), "", incident_id=str(7_000 + number))
            await tools.runs.start(work, chosen_key=False)
            await work_on(tools, work.run_id)
            run = await tools.runs.read(work.run_id)
            assert run.done
            return number, run.done, await responses(tools, run)

    results = await asyncio.gather(*map(done, asked))
    await graph.close()
    mixed = [
        (number, what, seen)
        for number, _, texts in results
        for what, text in texts.items()
        if (seen := numbers(text)) != {number}
    ]

    assert [] == mixed
    assert {n: [{n}] for n in INCIDENTS} == {n: [numbers(t) for t in ts] for n, ts in tenant.comments.items()}
    assert Counter({"completed": RUNS}) == Counter(done.status for _, done, _ in results)
    assert Counter({"written": 100, "alreadyThere": 400}) == Counter(
        done.comments[0].status for _, done, _ in results
    )
