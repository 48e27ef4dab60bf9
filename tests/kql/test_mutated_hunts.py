"""No hunt file reads beyond its scope, however it is changed, as Microsoft's own parser confirms."""

from __future__ import annotations

import os
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from shared.catalog.file import read_hunt
from shared.errors import HuntError
from shared.kql.clock import anchored
from shared.kql.read import read_query
from shared.kql.write import device_query
from shared.model.entity import Device
from tests.support.hunt_files import six_files, six_hunts

if TYPE_CHECKING:
    from sandbox.kusto.judge import Judge
    from shared.model.hunt import Hunt

#: `MUTANTS=10000` tries as many, in some minutes.
MANY = int(os.environ.get("MUTANTS", "400"))
END = datetime(2026, 11, 24, 12, tzinfo=UTC)
COLUMNS = {"DeviceId": "string", "DeviceName": "string", "Timestamp": "datetime", "x": "string"}
CUSTOM = {"Foo": COLUMNS, "OnlyId": {"DeviceId": "string"}}
HERE = Path(__file__).parent
FILES = [text for text in six_files() if "entity: device" in text]
GOOD = [hunt.query for hunt in six_hunts().hunts if hunt.entity == "device"] + (
    HERE / "accepted.kql"
).read_text(encoding="utf-8").splitlines()
BAD = (HERE / "escapes.kql").read_text(encoding="utf-8").splitlines()
PIECES = [
    "Foo", "OnlyId", "(Foo)", "['Foo']", "| union Foo", "| union (Foo) //", "| union (Foo) | where x == ", ", Foo", ", OnlyId",
    "(OnlyId)", "in (OnlyId)", "toscalar(OnlyId)", "materialize(Foo)", 'table("Foo")', 'database("db").Foo', "union *", "Foo*",
    "bool(", "datetime(", "time(", "dynamic(", "typeof(", "bool(')", 'guid(")', "int(//", "h'", '@"', "'", '"', "```", "~~~", "\\",
    "//", "\n", "|", ";", ",", "(", ")", "[", "]", "{", "}", "=", "..", "let T = Foo; ", "let f = (T:(*)) { T }; ", "f(Foo)",
    "| take 1", "| project DeviceId, x", "| distinct *", "| summarize by DeviceId, x", "| join (Foo) on DeviceId", "| as T",
    "| mv-expand x", "| invoke f()", "| lookup Foo on DeviceId", "| where DeviceId in (", "| extend a = ", "| sort by x,",
    "search", "find", "print", "range", "externaldata", "view", "DeviceInfo", "DeviceFileEvents", "on", "by", "with", "*", " ",
]  # fmt: skip
FRAME = """id: 6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11
name: A hunt
query: |
{}
"""


def mutated(chance: random.Random, text: str, other: str) -> str:
    """Return *text* with one to three parts removed, doubled, or replaced by a piece or a part of *other*."""
    for _ in range(chance.randint(1, 3)):
        # Between words, so that what comes of it is often still KQL.
        cuts = [0, *(match.start() for match in re.finditer(r"\b|(?=[\"'()|,;])", text)), len(text)]
        at = chance.randrange(len(cuts))
        start, end = cuts[at], cuts[min(len(cuts) - 1, at + chance.randint(0, 3))]
        words = re.findall(r"\S+\s*", other)
        several = chance.randrange(len(words) or 1)
        new = chance.choice(
            [
                "",
                text[start:end] * 2,
                chance.choice(PIECES),
                "".join(words[several : several + chance.randint(1, 6)]),
            ]
        )
        text = text[:start] + new + text[end:]
    return text


def mutant(chance: random.Random) -> str:
    """Return a changed hunt file: mostly its query, and of one in eight anything, so that its YAML may be broken."""
    if chance.random() < 1 / 8:
        return mutated(chance, chance.choice(FILES), chance.choice(BAD))
    query = chance.choice(GOOD if chance.random() < 3 / 4 else BAD)
    return FRAME.format(indent(mutated(chance, query, chance.choice(BAD)), "  "))


def leaks(hunt: Hunt, judge: Judge) -> list[str]:
    """Return the tables that a hunt reads beyond its scope, by Microsoft's parser."""
    bound = device_query(hunt.query, [Device("a" * 40)], take=5, end=END)
    verdict = judge(bound, tables=CUSTOM)
    scoped = bound.rindex(anchored(read_query(hunt.query, scoped=True).text, END))
    return [] if verdict.diagnostics else [table for table, at in verdict.reads if at >= scoped]


@pytest.mark.node
def test_no_mutated_hunt_file_reads_beyond_its_scope(tmp_path: Path, judge: Judge) -> None:
    """It is refused with its problems, each with its place, or reads the tables of its scope alone."""
    chance = random.Random(13)
    escaped, loaded = {}, 0
    file = tmp_path / "mutant.yaml"
    for _ in range(MANY):
        file.write_text(mutant(chance), encoding="utf-8")
        try:
            hunt, _ = read_hunt(file)
        except HuntError as error:
            assert error.problems
            assert [] == [text for text in error.problems if not re.match(r"mutant\.yaml:\d+:\d+: ", text)]
            continue
        if hunt.entity == "device":
            loaded += 1
            if found := leaks(hunt, judge):
                escaped[hunt.query] = found

    assert {} == escaped
    assert loaded > MANY / 10
