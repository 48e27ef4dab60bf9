"""
Measure a sweep of ROWS aggregated rows, in a process of its own: `python -m tests.benchmarks.sweep ROWS`.

Prints `{"seconds", "peak", "calls"}`: the processor time from the first query to the stored summary, without
the time it takes to make the answers up; the highest resident memory of the process in bytes, with that of
making them up; and the number of hunting calls. There are a hundred rows per device, and three rows in ten
name an address that no other row names.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

import httpx

from shared.model.record import Work
from shared.state.runs import run_id
from shared.sweep.record import SweepRecord
from shared.work import work_on
from tests.benchmarks.large import Identity, resident
from tests.benchmarks.scripted import Outrider

HUNT = "linux-server-egress-baseline"
GROUPS, PER_DEVICE, COMMON = 256, 100, 2_000
ROWS = {
    **dict.fromkeys(("DeviceId", "DeviceName", "Process", "RemoteIP", "Protocol"), "String"),
    **dict.fromkeys(("RemotePort", "Connections", "Days"), "Int64"),
    **dict.fromkeys(("FirstSeen", "LastSeen"), "DateTime"),
}
COUNTED = {"Ids": "String", "Rows": "Int64"}
KINDS = {"OSPlatform": "String", "DeviceType": "String", "Devices": "Int64"}


class Tenant(httpx.AsyncBaseTransport):
    """
    A tenant whose fleet has *rows* rows, rounded down to a multiple of 256, in the week before *end*.

    They are spread evenly over 256 groups of devices. As in Graph, a query for 100,000 rows or more is
    refused. `calls` counts the calls, and `seconds` is the processor time that it took to make their answers
    up.
    """

    def __init__(self, rows: int, end: datetime) -> None:
        self._group = rows // GROUPS
        self._days = [f"{end - timedelta(days=n, hours=1):%Y-%m-%dT%H:%M:%S}.0000000Z" for n in range(7)]
        self.calls, self.seconds = 0, 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a hunting query: devices by kind, rows per group, or the rows themselves."""
        started = time.process_time()
        self.calls += 1
        query = json.loads(request.content)["query"]
        prefixes = re.findall(r'DeviceId startswith "([0-9a-f]+)"', query.split("\n")[0])
        groups = [n for n in range(GROUPS) if f"{n:02x}".startswith(tuple(prefixes) or "")]
        if "by OSPlatform, DeviceType" in query:
            body = answer(KINDS, '{"OSPlatform":"Linux","DeviceType":"Server","Devices":1}')
        elif "by Ids" in query:
            body = answer(COUNTED, ",".join(f'{{"Ids":"{n:02x}","Rows":{self._group}}}' for n in groups))
        elif self._group * len(groups) >= 100_000:
            error = {"code": "BadRequest", "message": "Query execution has exceeded the allowed result size."}
            self.seconds += time.process_time() - started
            return httpx.Response(400, json={"error": error})
        else:
            body = answer(ROWS, ",".join(self._row(n, row) for n in groups for row in range(self._group)))
        self.seconds += time.process_time() - started
        return httpx.Response(200, content=body)

    def _row(self, group: int, row: int) -> str:
        device, at = row // PER_DEVICE, (group * self._group + row) * 2_654_435_761 % 2**32
        rare = at % 10 < 3
        address = f"2001:db8:{group:x}:{row:x}::1" if rare else f"2001:db8:ffff::{at % COMMON:x}"
        first = at // 10 % 7
        return (
            f'{{"DeviceId":"{group:02x}{device:038x}","DeviceName":"srv-{group}-{device}.contoso.com",'
            f'"Process":"process-{at % 40}","RemoteIP":"{address}","RemotePort":443,"Protocol":"Tcp",'
            f'"Connections":{at % 90},"FirstSeen":"{self._days[first]}","LastSeen":"{self._days[first // 2]}",'
            f'"Days":{1 + first // 2}}}'
        )


def answer(columns: dict[str, str], rows: str) -> bytes:
    """Return Graph's answer; *columns* maps name -> type, and *rows* are JSON objects separated by commas."""
    schema = json.dumps([{"name": name, "type": kind} for name, kind in columns.items()])
    return f'{{"schema":{schema},"results":[{rows}]}}'.encode()


async def sweep(rows: int, folder: str) -> dict[str, float]:
    """
    Sweep a tenant of *rows* rows with state in *folder*, and return `seconds`, `peak` and `calls`.

    Raises AssertionError unless the sweep is completed with every row.
    """
    end = datetime.now(UTC)
    tenant = Tenant(rows, end)
    outrider = Outrider("http://127.0.0.1", Identity(), tenant, state_url=f"file://{folder}")
    work = Work(run_id(""), end, "", hunts=(HUNT,), queue="sweeps", kind="sweep")
    await outrider.tools.runs.start(work, chosen_key=False)
    started = time.process_time()
    await work_on(outrider.tools, work.run_id)
    took = time.process_time() - started - tenant.seconds
    done = await outrider.tools.runs.done(work.run_id)
    summary = await SweepRecord(outrider.tools.store, work.run_id).summary(HUNT)

    assert done
    assert summary
    assert ("completed", rows // GROUPS * GROUPS, 1.0) == (done.status, summary.rows, summary.coverage)
    return {"seconds": took, "peak": resident("VmHWM"), "calls": tenant.calls}


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        print(json.dumps(asyncio.run(sweep(int(sys.argv[1]), place))))
