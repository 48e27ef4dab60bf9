"""In generated batches no hunt sees another's devices, values or time: by its rows, and by Microsoft's parser."""

from __future__ import annotations

import os
import random
import re
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sandbox.telemetry.engine import Engine
from shared.kql.batch import batch_query
from shared.model.entity import Device, Indicator
from shared.model.hunt import AppliesTo
from shared.model.times import write_time
from tests.support.batches import Trial, answer, apart, legs
from tests.support.hunt_trials import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kusto.judge import Judge

#: `BATCHES=200` tries as many, in a minute. The parser, which is slower, reads each third.
MANY = int(os.environ.get("BATCHES", "40"))
THIRD = 3
TABLES = ("DeviceInfo", "DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceLogonEvents")
IDS = [f"{n:040x}" for n in range(8)]
HASHES = [f"{n:064x}" for n in range(4)]
PLATFORMS = ("Linux", "Windows11", "")
FEW = "| project Timestamp, DeviceId"
HUNTS = [
    *(Trial(table, f"{table} {FEW}") for table in TABLES[1:]),
    Trial("linux", f"DeviceProcessEvents {FEW}", (), AppliesTo(os_platform=("Linux",))),
    Trial("linux-too", f"DeviceInfo {FEW}", (), AppliesTo(os_platform=("Linux",))),
    Trial("join", f"DeviceFileEvents | join kind=leftsemi (DeviceInfo) on DeviceId {FEW}"),
    Trial("own", f"let Seen = () {{ DeviceInfo {FEW} }}; union (Seen()), (DeviceProcessEvents {FEW}) | where now() > Timestamp"),
    Trial("hash", f"DeviceFileEvents | where SHA256 in (_FileHashes) {FEW}, Indicator = SHA256", ("fileHash",)),
]  # fmt: skip


class Asked(NamedTuple):
    """A hunt, and what it is asked for: numbers of devices by id and by name, and hashes."""

    trial: Trial
    ids: list[int]
    names: list[int]
    hashes: list[str]

    @property
    def devices(self) -> list[Device]:
        """Its devices."""
        return [*(Device(IDS[n]) for n in self.ids), *(Device(name=f"pc-{n}") for n in self.names)]

    @property
    def held(self) -> str:
        """The operators to which each table must be held that it reads."""
        start, end = map(write_time, self.trial.window)
        window = f" | where Timestamp between (datetime({start}) .. datetime({end}))"
        if self.trial.kinds:
            return f"{window};"
        devices = ["DeviceId in (_DeviceIds)"] if self.ids else []
        for n in sorted(self.names):
            devices += [f'DeviceName =~ "pc-{n}"', f'DeviceName startswith "pc-{n}."']
        return f"{window} | where {' or '.join(devices)}"


def batches() -> Iterator[tuple[list[Asked], str]]:
    """Yield batches of 2 to 4 hunts as (hunts, query): few combinations of hunts, with other times, devices and values."""
    chance = random.Random(16)
    casts = [chance.sample(HUNTS, size) for size in (2, 3, 4, 2, 3)]
    # Some share devices and window, as those of an incident do: then what they declare stands in front.
    shared = chance.sample(range(8), 2)
    for number in range(MANY):
        asked = []
        for place, trial in enumerate(casts[number % len(casts)]):
            hours = (chance.randint(24, 200), chance.randint(0, 23)) if chance.random() < 0.7 else (168, 0)
            some = shared if chance.random() < 0.3 else chance.sample(range(8), 2)
            # By id, by name, or both; each place in a cast keeps its form, whose translation is kept.
            by_id = (2, 1, 0)[(place + number % len(casts)) % 3]
            hashes = sorted(chance.sample(HASHES, 2))
            asked.append(
                Asked(trial._replace(name=f"hunt-{place}", hours=hours), some[:by_id], some[by_id:], hashes)
            )
        yield (
            asked,
            batch_query(
                {
                    name: leg
                    for each in asked
                    for name, leg in legs(
                        [each.trial], each.devices, [Indicator("fileHash", value) for value in each.hashes]
                    ).items()
                }
            ),
        )


@pytest.fixture(scope="module")
def marked() -> Iterator[Engine]:
    """Return an engine in which each of eight devices has a row every nine hours in each table, over nine days."""
    engine = Engine()
    for table in TABLES:
        rows = [
            {"Timestamp": NOW - timedelta(hours=hour, minutes=1), "DeviceId": each, "DeviceName": f"pc-{n}.contoso.com"}
            | ({"OSPlatform": PLATFORMS[n % 3]} if table == "DeviceInfo" else {})
            | ({"SHA256": HASHES[n % 4]} if table == "DeviceFileEvents" else {})
            for n, each in enumerate(IDS)
            for hour in range(0, 216, 9)
        ]  # fmt: skip
        engine.load(table, rows)
    yield engine
    engine.close()


def test_no_hunt_has_a_row_of_another_device_value_or_time(marked: Engine) -> None:
    """Whatever stands beside it; nor one of a device of another kind than it is for. Most have rows at all."""
    found = []
    for asked, query in batches():
        rows = apart(answer(marked, query)[1])
        for each in asked:
            start, end = (f"{moment:%Y-%m-%dT%H:%M}" for moment in each.trial.window)
            wanted = {*each.ids, *each.names}
            if each.trial.applies_to.os_platform:
                wanted = {n for n in wanted if PLATFORMS[n % 3] != "Windows11"}
            for row in rows.get(each.trial.name, []):
                assert start <= row["Timestamp"] <= end
                if each.trial.kinds:
                    assert row["Indicator"] in each.hashes
                else:
                    assert int(row["DeviceId"], 16) in wanted
            found.append(each.trial.name in rows)

    assert sum(found) > len(found) * 0.8


@pytest.mark.node
def test_each_table_is_read_as_its_hunt_is_held(judge: Judge) -> None:
    """By the parser's own list of reads: behind each stand the window and devices of all hunts that see it."""
    for asked, query in islice(batches(), 0, None, THIRD):
        verdict = judge(query)
        front, *functions = re.split(r"(?m)^(?=let _Hunt\d+ = )", query.partition("\nunion\n")[0])

        assert [] == verdict.diagnostics
        assert len(asked) == len(functions)
        for table, offset in verdict.reads:
            before, line = query[:offset].rpartition("\n")[2], query[offset:].partition("\n")[0]
            number = query[:offset].count("let _Hunt") - 1
            readers = [number] if number >= 0 else _readers_of_kinds(functions)

            assert before in {f"let {table} = ", "let _DeviceKinds = materialize("}
            assert readers
            assert [] == [n for n in readers if not line.startswith(table + asked[n].held)]
        for each, function in zip(asked, functions, strict=True):
            assert _named(each) == re.findall(
                r"let (?:_DeviceIds|_FileHashes) = dynamic\((.*)\);",
                "\n".join(line for line in (front + function).splitlines() if _seen(line, function)),
            )


def _readers_of_kinds(functions: list[str]) -> list[int]:
    """Return the hunts that read the kinds of devices which are declared in front of all."""
    return [n for n, each in enumerate(functions) if "!in (_NotApplicable)" in each and "let _DeviceKinds" not in each]  # fmt: skip


def _seen(line: str, function: str) -> bool:
    """Tell whether a *line* declares what *function* uses."""
    name = line.removeprefix("let ").partition(" = ")[0]
    return f"({name})" in function


def _named(asked: Asked) -> list[str]:
    """Return the lists that a hunt must find under its names."""
    if asked.trial.kinds:
        return [str(asked.hashes).replace("'", '"')]
    return [str(sorted(IDS[n] for n in asked.ids)).replace("'", '"')] if asked.ids else []
