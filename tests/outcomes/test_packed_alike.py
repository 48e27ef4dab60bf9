"""Whatever hunts find, they find it alone and in one query with others: random answers, and those of the sandbox."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared.decoding import TOO_DEEP
from shared.kql.batch import batch_query
from shared.kql.prevalence import Counted
from shared.kql.write import device_leg, indicator_leg
from shared.model.entity import Device, Indicator
from shared.model.hunt import Hunt
from shared.outcomes.summarizing import summarize
from shared.outcomes.unpacking import unpack
from shared.pages.rows import csv_rows, json_rows
from tests.support.packed import alone, pack, schema_of

if TYPE_CHECKING:
    from shared.model.finding import Found
    from tests.support.tenant import Fleet

IOCS = (Indicator("domain", "evil.example"), Indicator("ip", "203.0.113.9"), Indicator("domain", "ä.example"))
DEVICE, BY_INDICATOR = (
    Hunt(name=f"a-{entity}", title="A", id="1", version="1", query="A", entity=entity, columns=columns)  # type: ignore[arg-type]
    for entity, columns in (("device", ()), ("indicator", ("Indicator", "Text", "Things")))
)
_WORDS = st.sampled_from(
    ["evil.example", "203.0.113.9", "ä.example", "EVIL.example/a", "curl", "", "[1", "{}", "\\u0041", '"']
)
_TEXTS = _WORDS | st.text(st.characters(codec="utf-8"), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_TEXTS, inside, max_size=3),
    max_leaves=6,
)  # fmt: skip
_NESTED = _JSON.filter(lambda value: isinstance(value, dict | list))
_SPANS = st.sampled_from(["00:00:01", "1.02:03:04.5000000", "-10.00:00:00.0000001"])
_TIMES = st.datetimes().flatmap(
    lambda at: st.sampled_from([f"{at.isoformat(timespec='seconds')}{more}Z" for more in ("", ".5", ".768", ".7688641", ".7688640")])
)  # fmt: skip
#: By the types of columns, the values that a cell of Graph's answers may have.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "String": _TEXTS | st.none(),
    "DateTime": _TIMES | st.none(),
    "SByte": st.sampled_from([0, 1, None]),
    "Int64": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "Double": st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["NaN", "Infinity", 0, 3, None]),
    "Guid": st.uuids().map(str) | st.none(),
    "TimeSpan": _SPANS | st.none(),
    "Object": _JSON | _NESTED.map(json.dumps),
}  # fmt: skip
_FIXED = {
    "DeviceId": st.sampled_from(["", "a" * 40, "B" * 40]),
    "DeviceName": st.sampled_from(["", "srv-7", "srv-8"]),
    "Indicator": st.sampled_from([each.value for each in IOCS]),
    "Text": _TEXTS,
    "Things": VALUES["Object"],
}
_KINDS = {"Things": "Object"}


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Return a schema and rows, some of which are the same but for one cell."""
    fixed = draw(st.lists(st.sampled_from(sorted(_FIXED)), unique=True, min_size=1))
    names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).filter(lambda n: "@odata" not in n)
    more = draw(st.dictionaries(names, st.sampled_from(sorted(VALUES)), max_size=4))
    folded = {name.lower() for name in fixed}
    more = {
        name: kind
        for name, kind in more.items()
        if name.lower() not in folded and not folded.add(name.lower())
    }  # type: ignore[func-returns-value]
    values = {name: _FIXED[name] for name in fixed} | {name: VALUES[kind] for name, kind in more.items()}
    rows = draw(st.lists(st.fixed_dictionaries(values), max_size=5)) if values else []
    again = draw(st.lists(st.sampled_from(rows), max_size=2)) if rows else []
    kinds = {name: _KINDS.get(name, "String") for name in fixed} | more
    return draw(st.permutations(schema_of(**kinds))), [*rows, *again]


@pytest.mark.parametrize("hunt", [DEVICE, BY_INDICATOR], ids=lambda hunt: hunt.entity)
@settings(max_examples=40, phases=[Phase.generate])
@given(answer=answers(), other=answers(), most=st.integers(1, 8), seed=st.integers(0, 99))
def test_a_hunt_finds_the_same_alone_and_beside_another(
    hunt: Hunt, answer: Any, other: Any, most: int, seed: int
) -> None:
    """The whole summary is the same, hits included, and so are both kinds of findings."""
    raw, beside = alone(*answer), pack({hunt.name: answer, "other": other}, seed=seed, fleet=7)
    one, two = (summarize(hunt, each, max_rows=most, seconds=0, indicators=IOCS) for each in (raw, beside))

    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert 0 == two.unreadable
    assert json_rows(raw, most, mask=False) == json_rows(beside, most, mask=False, hunt=hunt.name)
    assert csv_rows(raw, most, mask=True) == csv_rows(beside, most, mask=True, hunt=hunt.name)
    assert one == summarize(
        hunt,
        unpack(beside, (hunt.name, "other")).answer_of(hunt.name),
        max_rows=most,
        seconds=0,
        indicators=IOCS,
    )


@pytest.mark.parametrize("depth", [90, 97, 98, 101, 500, 10_000])
@pytest.mark.parametrize("kind", ["Object", "String"])
def test_a_deep_cell_is_cut_alike_both_ways(depth: int, kind: str) -> None:
    """As a value in a bag, and as a value or its text in a cell; what stands beside it is whole."""
    deep, schema = "[" * depth + "]" * depth, schema_of(Text="String", Cell=kind)
    front = b'{"schema": ' + json.dumps(schema).encode() + b', "results": [{"Text": "a", "Cell": '
    cells = [deep, json.dumps(deep)] if kind == "Object" else [deep]
    bag = pack({DEVICE.name: (schema, [{"Text": "a", "Cell": "CELL"}])}).replace(b'\\"CELL\\"', deep.encode())
    found = [summarize(DEVICE, front + cell.encode() + b"}]}", max_rows=9, seconds=0) for cell in cells]

    assert [summarize(DEVICE, bag, max_rows=9, seconds=0)] * len(cells) == found
    assert (depth > 97) == (TOO_DEEP in str(found[0].first_rows))


def _unordered(found: Found) -> Found:
    """Return what a hunt found without the rows that come first, of which Kusto does not promise which they are."""
    return msgspec.structs.replace(found, first_rows=())


def test_the_sandboxs_hunts_find_the_same_in_one_query(fleet: Fleet) -> None:
    """All five, with counts over the fleet beside them, each as its own query finds it."""
    end, hunts = fleet.end, fleet.catalog.by_name
    start = end - timedelta(days=2)

    def rows(query: str) -> tuple[Any, Any]:
        """Return the schema and the rows that the sandbox answers a query with."""
        return fleet.engine.hunt(query, start=start, end=end, now=end)  # type: ignore[no-any-return]

    devices = [Device(row["DeviceId"]) for row in rows("DeviceNetworkEvents | distinct DeviceId | take 9")[1]]
    of = "| where isnotempty({0}) | distinct {0} | sort by {0} asc | take 5"
    addresses = rows(f"DeviceNetworkEvents {of.format('RemoteIP')}")[1]
    hashes = rows(f"DeviceFileEvents {of.format('SHA1')}")[1]
    iocs = (
        *(Indicator("ip", row["RemoteIP"]) for row in addresses),
        *(Indicator("fileHash", row["SHA1"]) for row in hashes),
    )
    legs = {
        name: device_leg(hunt.query, devices, take=10_000, start=start, end=end, applies_to=hunt.applies_to)
        if hunt.entity == "device"
        else indicator_leg(hunt.query, iocs, take=10_000, start=start, end=end)
        for name, hunt in hunts.items()
    }
    counted = {"linux-server-egress-baseline": Counted("RemoteIP", "DeviceNetworkEvents", start, end)}
    raw = alone(*rows(batch_query(legs, counted)))
    batch = unpack(raw, legs)
    found = {}
    for name, leg in legs.items():
        own = alone(*rows(leg.query))
        one, two = (
            summarize(hunts[name], each, max_rows=10_000, seconds=0, indicators=iocs) for each in (own, raw)
        )
        found[name] = one.rows

        assert _unordered(one) == _unordered(two), name
    assert len([name for name, count in found.items() if count]) >= 3, found
    assert batch.fleet
    assert batch.counted["linux-server-egress-baseline"]["RemoteIP"]
