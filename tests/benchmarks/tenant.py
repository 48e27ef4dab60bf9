"""
A tenant in a process of its own that answers every call alike, at once or after a set time.

`python tenant.py SECONDS` prints its port on 127.0.0.1. Calls for tokens and counts are always answered at
once. Rows repeat the entities of the query they answer, and calls, tokens and connections are counted, so
that a benchmark can tell work that was done from work that was skipped.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROWS = 20
_LEGS = re.compile(
    r'_(?:Hunt|Rows)(\d+)(?:\(\))?\n\| extend _Row[^\n]*\n[^\n]*\n\| project _Hunt = "([^"/]+)", _N'
)
_BINDINGS = re.compile(r"let (_\w+) = dynamic\((\[[^\]]*\])\)")
_FUNCTIONS = re.compile(r"let _Hunt(\d+) = \(\) \{\n(.*?)\n\};", re.DOTALL)
_LISTS = re.compile(r"let _\w+ = dynamic\((\[[^\]]*\])\)")
_SCHEMA = {
    "Timestamp": "DateTime",
    "DeviceId": "String",
    "DeviceName": "String",
    "DeviceType": "String",
    "OSPlatform": "String",
    "LastSeen": "DateTime",
    "InitiatingProcessFileName": "String",
    "RemoteIP": "String",
    "RemotePort": "Int32",
    "Indicator": "String",
    "FileName": "String",
}


_COUNTS = {"Value": "String", "Devices": "Int64", "First": "DateTime"}


def device(incident: str) -> str:
    """Return the name of the device in an incident."""
    return f"srv-{incident}.contoso.com"


def incident(number: str) -> dict[str, Any]:
    """Return an incident with a device, an address and a file, which fits each of the five hunts."""
    kind, time = "#microsoft.graph.security.", "2026-11-24T02:14:05Z"
    evidence = [
        {"mdeDeviceId": f"{int(number):040x}", "deviceDnsName": device(number)},
        {"ipAddress": "203.0.113.9"},
        {"fileDetails": {"sha1": f"{int(number):040x}"}},
    ]
    for item, name in zip(evidence, ("device", "ip", "file"), strict=True):
        item |= {"@odata.type": f"{kind}{name}Evidence", "verdict": "suspicious"}
    alert = {"firstActivityDateTime": time, "lastActivityDateTime": time, "evidence": evidence}
    return {"id": number, "displayName": "Exfiltration", "alerts": [alert], "comments": []}


def answer(query: str) -> dict[str, Any]:
    """
    Return the answer to a hunting query: 20 rows per entity in the query, or one for the device card.

    Rows of many hunts are packed, as the query asks for them.
    """
    hunts = _LEGS.findall(query)
    if "let _Values = " in query:
        # What HUNT_BATCH=off counts over the fleet, in a call of its own.
        values = [value for found in _LISTS.findall(query) for value in json.loads(found)]
        return {"schema": _columns(_COUNTS), "results": [*_counts(values), {"Value": "", "Devices": 2000}]}
    if not hunts:
        entities = [entity for found in _LISTS.findall(query) for entity in json.loads(found)]
        return {"schema": _columns(_SCHEMA), "results": rows_of(entities, card="LoggedOnUsers" in query)}
    lists = {name: json.loads(found) for name, found in _BINDINGS.findall(query)}
    texts = dict(_FUNCTIONS.findall(query))
    types = [{"name": name, "type": f"System.{kind}"} for name, kind in _SCHEMA.items()]
    results = []
    for number, name in hunts:
        text = texts[number]
        entities = [entity for binding, found in lists.items() if binding in text for entity in found]
        rows = rows_of(entities, card="LoggedOnUsers" in text)
        results += _packed(f"{name}/schema", types) + _packed(name, rows)
        if f'"{name}/RemoteIP"' in query:
            results += _packed(f"{name}/RemoteIP", _counts(dict.fromkeys(row["RemoteIP"] for row in rows)))
    return {"schema": _columns({"_Hunt": "String", "_N": "Int64", "_Row": "String"}), "results": results}


def _counts(values: Iterable[str]) -> list[dict[str, Any]]:
    return [{"Value": value, "Devices": 3, "First": "2026-11-24T02:14:00.0000000Z"} for value in values]


def _columns(schema: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in schema.items()]


def _packed(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"_Hunt": name, "_N": n, "_Row": json.dumps(row, separators=(",", ":"))}
        for n, row in enumerate(rows, 1)
    ]


def rows_of(entities: list[str], *, card: bool) -> list[dict[str, Any]]:
    """Return 20 rows for each of *entities*, or one if they are the device *card*'s."""
    return [
        {
            "Timestamp": f"2026-11-24T02:14:{n:02d}Z",
            "DeviceId": entity if len(entity) == 40 else "0" * 40,
            "DeviceName": device(str(int(entity, 16))) if len(entity) == 40 else "srv-7.contoso.com",
            "DeviceType": "Server",
            "OSPlatform": "Linux",
            "LastSeen": "2026-11-24T03:00:00Z",
            "InitiatingProcessFileName": "curl",
            "RemoteIP": f"198.51.100.{n}",
            "RemotePort": 443,
            "Indicator": entity,
            "FileName": f"part-{n}.tar.gz",
        }
        for entity in entities
        for n in range(1 if card else ROWS)
    ]


class Connection(asyncio.Protocol):
    """
    One client's connection, for requests one after another, each with a Content-Length or without a body.

    *counts* is what it counts in; an answer is sent *delay* seconds after its request arrived.
    """

    def __init__(self, counts: Counter[str], delay: float) -> None:
        self._counts = counts
        self._delay = delay
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, and send its answers to *transport*."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        """Answer the request once all of it is there."""
        arrived = asyncio.get_running_loop().time()
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if found and len(body) >= int(length[1] if length else 0):
            self._read = b""
            path = head.split(b" ", 2)[1].decode()
            kind, delay, content = self._answer(path, body)
            self._counts[kind] += 1
            text = json.dumps(content).encode()
            status = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            # The time it takes to make up an answer is not added to the delay.
            whole = status % len(text) + text
            asyncio.get_running_loop().call_at(arrived + delay, self._transport.write, whole)

    def _answer(self, path: str, body: bytes) -> tuple[str, float, Any]:
        if path == "/counts":
            return "looks", 0, self._counts
        if path.startswith("/token"):
            token = {"access_token": "token", "expires_on": str(int(time.time()) + 86_400)}
            return "tokens", 0, token | {"resource": "https://graph.microsoft.com", "token_type": "Bearer"}
        if path.endswith("runHuntingQuery"):
            return "hunts", self._delay, answer(next(iter(json.loads(body).values())))
        if path.endswith("/comments"):
            return "comments", self._delay, {}
        return "incidents", self._delay, incident(path.rsplit("/", maxsplit=1)[-1].split("?", maxsplit=1)[0])


async def serve(delay: float) -> None:
    """Print a free port, and answer there with *delay* seconds per answer until the process is ended."""
    counts: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
