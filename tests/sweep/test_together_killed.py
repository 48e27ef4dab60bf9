"""Workers that die, or are two, while hunts of a sweep share a call."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import httpx

from tests.support.mortal import Killed, Life
from tests.support.sweeping import ARCHIVES, DESKTOPS, SERVERS, Sweeping
from tests.support.tenant import Fleet

EVERY = (ARCHIVES, DESKTOPS, SERVERS)


class Line:
    """What goes to Graph over the line, by all workers; `together` counts the calls for several hunts, by their bodies."""

    def __init__(self) -> None:
        self.together: Counter[bytes] = Counter()

    def __call__(self, request: httpx.Request | None) -> None:
        """Count *request*."""
        if request and b"_Hunt0" in request.content:
            self.together[request.content] += 1


async def test_a_call_that_may_have_killed_its_worker_is_not_sent_again(fleet: Fleet) -> None:
    """Killed after each possible number of calls, a sweep ends with the same summaries, and sends no shared call twice."""
    wanted, endings = None, set()
    for calls in range(1_000):
        app, line = Sweeping(fleet), Line()
        run = await app.start()
        life = Life(calls, line)
        with suppress(Killed):
            await app.deliver(run, app.worker(life))
        app.tools = app.worker(Life(meanwhile=line))
        await app.finish(run)
        summaries = [await app.summary(run, hunt) for hunt in EVERY]
        rows = [len(await app.rows(run, hunt)) for hunt in EVERY]
        answered = app.answered()
        await app.close()
        wanted = wanted or summaries
        endings.add(answered[200])

        assert wanted == summaries, calls
        assert rows == [summary.rows for summary in summaries], calls
        assert {1} == set(line.together.values()), calls
        if not life.over:
            break

    assert calls > 10
    # Died at the first call: three hunts, after the devices; at the second: three hunts, after the counts.
    assert {2, 4} <= endings <= {2, 3, 4, 5}


async def test_two_workers_on_shared_calls_count_each_row_once(fleet: Fleet) -> None:
    """Of two that begin at the same time one sends each shared call, and every row is there once."""
    app, line = Sweeping(fleet), Line()
    run = await app.start()
    workers = [app.worker(Life(meanwhile=line)) for _ in range(2)]
    await asyncio.gather(*(app.deliver(run, worker) for worker in workers))
    await app.finish(run)
    summaries = [await app.summary(run, hunt) for hunt in EVERY]
    rows = [await app.rows(run, hunt) for hunt in EVERY]
    await app.close()

    assert {1} == set(line.together.values())
    assert [len(each) for each in rows] == [summary.rows for summary in summaries]
    assert all(len(each) == len({str(row) for row in each}) for each in rows)
