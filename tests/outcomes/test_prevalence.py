"""Rows are given the number of devices that their values are on, and come in that order."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shared.errors import GraphError
from shared.model.entity import Indicator
from shared.model.finding import Found, Group, Prevalence
from shared.model.hunt import Hunt
from shared.outcomes.prevalence import read_counts
from shared.outcomes.summarizing import summarize

FIRST = "2026-11-23T02:14:00Z"
HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1", query="A", columns=("Process", "RemoteIP"), prevalence="RemoteIP")  # fmt: skip
COMMON, RARE, UNKNOWN, HIT = "198.51.100.1", "198.51.100.2", "198.51.100.3", "203.0.113.9"
COUNTS = Prevalence("RemoteIP", 2_000, values={COMMON: (1_500, FIRST), RARE: (1, FIRST), HIT: (1_900, FIRST)})


def answer(*rows: tuple[str, str], columns: tuple[str, ...] = ("Process", "RemoteIP")) -> bytes:
    """Return Graph's answer with these rows of texts."""
    schema = [{"name": name, "type": "String"} for name in columns]
    return json.dumps(
        {"schema": schema, "results": [dict(zip(columns, row, strict=True)) for row in rows]}
    ).encode()


def read(raw: bytes, prevalence: Prevalence | None = COUNTS, hunt: Hunt = HUNT) -> Found:
    """Return the summary of an answer, where one address is the incident's."""
    return summarize(
        hunt, raw, max_rows=100, seconds=1, indicators=(Indicator("ip", HIT),), prevalence=prevalence
    )


def addresses(found: Found) -> list[str]:
    """Return the addresses of the groups, in order."""
    return [group.values[-1] for group in found.groups]


def test_the_fewest_devices_come_first_but_for_hits() -> None:
    """Whatever is rare in the answer; what was not counted comes after what was."""
    rows = [("curl", UNKNOWN), ("curl", COMMON), *[("curl", RARE)] * 9, *[("wget", HIT)] * 3]
    found = read(answer(*rows))

    assert [HIT, RARE, COMMON, UNKNOWN] == addresses(found)
    assert [(1_900, FIRST), (1, FIRST), (1_500, FIRST), (0, "")] == [
        (group.devices, group.since) for group in found.groups
    ]
    assert RARE == addresses(read(answer(*rows), None))[-1]


def test_among_what_is_as_rare_no_process_fills_the_first_rows() -> None:
    """Of fifty addresses on one device each, the second process's stands among the first four, before the common ones."""
    noise = [("firefox", f"203.0.113.{n}") for n in range(50, 100)]
    counts = {address: (1, FIRST) for _, address in noise} | {
        RARE: (1, FIRST),
        COMMON: (2, FIRST),
    }
    found = read(answer(*noise, ("curl", RARE), ("wget", COMMON)), Prevalence("RemoteIP", 9, values=counts))

    assert RARE in addresses(found)[:4]
    assert COMMON == addresses(found)[-1]


def test_the_count_changes_nothing_but_the_order() -> None:
    """The digests, the rows and the number of groups are those without it, or a run with trouble would be news."""
    raw = answer(("curl", COMMON), ("curl", RARE))
    counted, plain = read(raw), read(raw, None)
    groups = tuple(replace(group, devices=0, since="") for group in counted.groups)

    assert set(plain.groups) == set(groups)
    assert plain == replace(counted, groups=plain.groups, prevalence=None)
    assert Prevalence("RemoteIP", 2_000) == counted.prevalence


def test_why_nothing_was_counted_is_kept() -> None:
    """And the order is that of the answer."""
    found = read(answer(("curl", COMMON), ("curl", RARE)), Prevalence("RemoteIP", uncounted="it timed out"))

    assert found.prevalence
    assert "it timed out" == found.prevalence.uncounted
    assert {0} == {group.devices for group in found.groups}


@pytest.mark.parametrize("devices", [0, -1])
def test_no_device_is_no_count(devices: int) -> None:
    """A row is on a device, so that zero says that the count missed it."""
    counts = Prevalence("RemoteIP", 9, values={COMMON: (devices, FIRST)})

    assert (Group(("curl", COMMON), 1, "", ""),) == read(answer(("curl", COMMON)), counts).groups


def test_a_hunt_that_names_no_columns_shows_what_is_counted() -> None:
    """Also as the seventh: its rows are told apart by it."""
    names = (*"ABCDEF", "RemoteIP")
    found = read(answer((*"abcdef", RARE), columns=names), hunt=replace(HUNT, columns=()))  # type: ignore[arg-type]

    assert names == found.shown
    assert 1 == found.groups[0].devices


def test_an_answer_without_the_column_is_told_without_counts() -> None:
    """As one whose query has changed since."""
    found = read(answer(("curl", "x"), columns=("Process", "Other")))

    assert {0} == {group.devices for group in found.groups}


def test_what_was_stored_before_is_read_without_counts() -> None:
    """A group of five values, and a summary that says nothing of prevalence."""
    stored = b'{"hunt": "x", "rows": 1, "groups": [[["a"], 1, "", "", []]]}'

    assert Found("x", 1, groups=(Group(("a",), 1, "", ""),)) == msgspec.json.decode(stored, type=Found)


def counts(*rows: Any) -> bytes:
    """Return Graph's answer to a count."""
    schema = [{"name": name, "type": "x"} for name in ("Value", "Devices", "First")]
    return json.dumps({"schema": schema, "results": rows}).encode()


def test_counts_are_read_with_the_fleet() -> None:
    """The row without a value is the fleet; where it is missing, or empty, its size is not known."""
    row = {"Value": "", "Devices": 4, "First": None}
    one = {"Value": RARE, "Devices": 1, "First": FIRST}

    assert Prevalence("RemoteIP", 4, values={RARE: (1, FIRST)}) == read_counts(counts(one, row), "RemoteIP")
    assert 0 == read_counts(counts(one), "RemoteIP").fleet


@pytest.mark.parametrize(
    "row",
    [
        "x",
        {"Value": RARE},
        {"Devices": 1},
        {"Value": RARE, "Devices": "many"},
        {"Value": RARE, "Devices": True},
        {"Value": [1], "Devices": 1},
        {"Value": RARE, "Devices": 1.5},
    ],
)
def test_counts_that_are_not_understood_are_no_counts(row: Any) -> None:
    """Nor is the rest of such an answer: what is missing in it would read as not counted."""
    with pytest.raises(GraphError):
        read_counts(counts({"Value": COMMON, "Devices": 1, "First": FIRST}, row), "RemoteIP")
