"""Answers made up at random, with columns of every type, for each hunt alone and for all of an incident in one call."""

from __future__ import annotations

import json
import random
import re
import uuid
from typing import TYPE_CHECKING, Any

from sandbox.tenant import evidence
from shared.catalog.load import SHIPPED, Catalog, load_hunts

from .hunt_files import write
from .packed import hunts_in, pack, schema_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sandbox.tenant.state import Tenant

MARKS = ("made0.exe", "made1.exe", "made2.exe")
MEGABYTE = 1_000_000
_ID = re.compile(r"\b(0{20}[0-9a-f]{18})0[01]\b|\bsite-(\d+)\.example")
_VALUES = re.compile(r"let _Values = dynamic\((\[.*\])\);")
_WORDS = ("", "curl", "evil.example", "203.0.113.9", "ä", "[1", "{}", '"', "\\u0041", "\ud83d", "a\nb", "=1+1", "x" * 300)  # fmt: skip
_TIMES = (
    "2026-11-28T10:00:00Z",
    "2026-11-28T10:00:00.5Z",
    "2026-11-28T10:00:00.768Z",
    "2026-11-27T23:59:59.7688641Z",
)
_SPANS = ("00:00:01", "1.02:03:04.5000000", "-10.00:00:00.0000001")
_OBJECTS = (
    {},
    [],
    {"a": [1, 2.5, None], "b": {"c": "evil.example"}},
    ["203.0.113.9"],
    '{"a": 1}',
    "text",
    7,
    True,
)
#: By type, the values that a cell may have beside none.
_CELLS: dict[str, tuple[Any, ...]] = {
    "String": _WORDS,
    "DateTime": _TIMES,
    "SByte": (0, 1),
    "Int32": (0, -1, 443),
    "Int64": (2**63 - 1, -(2**63), 2**53 + 1),
    "Double": (0, 3, 0.1, 1e300, "NaN", "Infinity"),
    "Guid": tuple(str(uuid.UUID(int=n)) for n in (0, 2**127)),
    "TimeSpan": _SPANS,
    "Object": _OBJECTS,
}
_CARD = {"DeviceId": "String", "DeviceName": "String", "LastSeen": "DateTime", "OSPlatform": "String", "DeviceType": "String"}  # fmt: skip


def hunts(folder: Path) -> Catalog:
    """Write three hunts to *folder*, one of which is counted over the fleet; return them with the device card."""
    ours = ("", "columns: [DeviceName, RemoteIP, RemoteUrl]\n  prevalence: RemoteIP", "")
    for number, block in enumerate(ours):
        by_indicator = (
            "| extend Indicator = RemoteUrl\n  | where RemoteUrl has_any (_Urls)" if number == 2 else ""
        )
        entity = "entity: indicator\n  kinds: [url]" if number == 2 else "entity: device"
        content = (
            f"id: {number:08x}-0000-4000-a000-000000000000\nname: Made up {number}\nversion: 1.0.0\n"
            f"query: |\n  DeviceNetworkEvents\n  | where InitiatingProcessFileName =~ '{MARKS[number]}'\n  {by_indicator}\n"
            f"enrichment:\n  {entity}\n  {block}\n"
        )
        write(folder, f"made-up-{number}.yaml", content)
    known = load_hunts(SHIPPED, folder)
    assert not known.broken, known.broken
    return Catalog(
        tuple(known.by_name[name] for name in ("device-card", "made-up-0", "made-up-1", "made-up-2"))
    )


def incidents(tenant: Tenant, count: int, at: datetime) -> None:
    """Open *count* incidents, each about two devices and an address of a site."""
    for _ in range(count):
        number = tenant.next_id()
        found = [
            evidence.device(f"srv-{number}-{n}.contoso.com") | {"mdeDeviceId": _device(number, n)}
            for n in range(2)
        ]
        site = evidence.url(f"https://site-{number}.example/", "malicious")
        opened = evidence.incident(number, "Made up", "medium", "Execution", at, at, *found, site, opened=at)
        tenant.incidents[str(number)] = opened


class MadeUp:
    """
    An engine whose answers depend on the incident and the hunt alone, however it is asked.

    `cells` has the types of which a cell was in an answer, `largest` the largest answer in characters, and `alone` and
    `together` count the answers.
    """

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.alone = self.together = 0

    def hunt(self, query: str, **_options: Any) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
        """Return the answer to a hunt, to the count of its values, or to many hunts that share a call."""
        if values := _VALUES.search(query):
            counted = _counts(json.loads(values[1]))
            rows = [{"Value": v, "Devices": n, "First": first} for v, (n, first) in counted.items()]
            schema = schema_of(Value="String", Devices="Int64", First="DateTime")
            return schema, [*rows, {"Value": "", "Devices": 2_000, "First": None}]
        found = _ID.search(query)
        assert found
        number = int(found[1], 16) if found[1] else int(found[2])
        if not (names := hunts_in(query)):
            self.alone += 1
            mark = next((n for n, mark in enumerate(MARKS) if mark in query), None)
            return self._answer(number, "device-card" if mark is None else f"made-up-{mark}")
        self.together += 1
        answers = {name: self._answer(number, name) for name in names}
        values = {row["RemoteIP"] for row in answers.get("made-up-1", ((), ()))[1]} - {"", None}
        counts = {"made-up-1": {"RemoteIP": _counts(sorted(values))}} if "RemoteIP" in query else {}
        whole = json.loads(pack(answers, counted=counts, fleet=2_000, seed=number))
        return whole["schema"], whole["results"]

    def _answer(self, number: int, name: str) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
        chance = random.Random(f"{number} {name}")
        devices = [(_device(number, n), f"srv-{number}-{n}.contoso.com") for n in range(2)]
        if name == "device-card":
            seen = chance.sample(devices, chance.randrange(3))
            kinds = ("Linux", "Server"), ("Windows11", "Workstation")
            cards = [
                dict(zip(_CARD, (*each, _TIMES[3], *chance.choice(kinds)), strict=True)) for each in seen
            ]
            return schema_of(**_CARD), cards
        more = {f"C{n}": chance.choice(sorted(_CELLS)) for n in range(chance.randrange(7))}
        types = {
            "DeviceId": "String",
            "DeviceName": "String",
            "RemoteIP": "String",
            "RemoteUrl": "String",
        } | more
        types |= {"Indicator": "String"} if name == "made-up-2" else {}
        columns = chance.sample(sorted(types), len(types))
        rows = [
            self._row(chance, number, chance.choice(devices), more)
            for _ in range(chance.choice((0, 1, 3, 12)))
        ]
        rows += chance.sample(rows, min(len(rows), 2))
        for row in rows[:1] if number % 100 == 0 else ():
            row["RemoteUrl"] = chance.choice("ä=.") * MEGABYTE
        self.types |= set(more.values()) if rows else set()
        return schema_of(**{n: types[n] for n in columns}), [{n: row[n] for n in columns} for row in rows]

    @staticmethod
    def _row(
        chance: random.Random, number: int, device: tuple[str, str], more: dict[str, str]
    ) -> dict[str, Any]:
        cells = {name: chance.choice((None, *_CELLS[kind])) for name, kind in more.items()}
        return cells | {
            "DeviceId": chance.choice((device[0], device[0], "")),
            "DeviceName": device[1],
            "RemoteIP": chance.choice(("", "203.0.113.9", f"198.51.100.{chance.randrange(4)}")),
            "RemoteUrl": chance.choice((f"https://site-{number}.example/", *_WORDS)),
            "Indicator": f"https://site-{number}.example/",
        }


def _device(number: int, ordinal: int) -> str:
    return f"{number:038x}0{ordinal}"


def _counts(values: list[str]) -> dict[str, tuple[int, str]]:
    """Return on how many devices each value is, and when it was first; some are on none."""
    sizes = {value: random.Random(value).randrange(60) for value in values}
    return {value: (size, _TIMES[3]) for value, size in sizes.items() if size > 10}
