"""What published hunts use: forms that are sent as others, and those that a scope holds as they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.telemetry.engine import Engine
from shared.kql.batch import batch_query
from shared.kql.rarity import counts_of_devices
from shared.kql.read import read_query
from shared.kql.tables import EVENTS, LOOKUPS
from shared.kql.write import device_leg, device_query
from shared.model.entity import Device

if TYPE_CHECKING:
    from tests.support.kql_judge import Judge

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEVICE = Device("a" * 40)
UNION = "union "
ADDRESS = "externaldata (Name: string) [@'https://contoso.com/names.csv'] with (format='csv')"
SENT = {
    "search in (DeviceInfo, DeviceFileEvents) 'x' | take 5": f"{UNION} DeviceInfo, DeviceFileEvents | search  'x' | take 5",
    "search kind=case_sensitive in (DeviceInfo) DeviceName has 'x'": f"{UNION} DeviceInfo | search kind = case_sensitive  DeviceName has 'x'",
    "DeviceInfo | join (search in (DeviceFileEvents) 'x') on DeviceId": f"DeviceInfo | join ({UNION} DeviceFileEvents | search  'x') on DeviceId",
    "search in (DeviceInfo) 'x' | summarize count() by $table": "union withsource=['$table']  DeviceInfo | search  'x' | summarize count() by $table",
    "find in (DeviceInfo, DeviceEvents) where DeviceName has 'x'": "union withsource=source_  DeviceInfo, DeviceEvents |  where DeviceName has 'x'",
    "find withsource=Of in (DeviceInfo) where DeviceName has 'x' project DeviceId, Of": "union withsource=Of  DeviceInfo |  where DeviceName has 'x' | project  DeviceId, Of",
    "find in (DeviceInfo) where true project DeviceId": "union withsource=source_  DeviceInfo |  where true | project source_,  DeviceId",
    "find in (Device*Info) where DeviceId != ''": "union withsource=source_  DeviceFileCertificateInfo, DeviceInfo, DeviceNetworkInfo |  where DeviceId != ''",
    "union withsource=Of Device* | take 5": f"union withsource=Of {', '.join(sorted(EVENTS))} | take 5",
    "DeviceInfo | union Device*Info": "DeviceInfo | union DeviceFileCertificateInfo, DeviceInfo, DeviceNetworkInfo",
    "DeviceInfo | summarize count() by DeviceId // why\n| render timechart with (title='x') ;": "DeviceInfo | summarize count() by DeviceId",
}  # fmt: skip
AS_THEY_STAND = [
    "DeviceInfo | search 'x' or DeviceName : 'y'",
    "DeviceInfo | partition by DeviceId (top 3 by Timestamp desc | take 2)",
    "DeviceInfo | partition hint.strategy=native by DeviceId (summarize count())",
    "DeviceInfo | extend B = todynamic(AdditionalFields) | evaluate bag_unpack(B) : (*, Name: string)",
    "DeviceInfo | extend B = todynamic(AdditionalFields) | evaluate bag_unpack(B, 'p') : (Name: string, ['p b']: long)",
    "DeviceInfo | invoke SeenBy() | project DeviceId, SeenBy",
    f"let Names = {ADDRESS}; DeviceInfo | where DeviceName in (Names | project Name)",
    f"DeviceInfo | join kind=leftouter ({ADDRESS}) on $left.DeviceName == $right.Name",
    "let T = materialize(DeviceFileEvents | project DeviceId, FileName); T | take 5",
    "let N = toscalar(DeviceFileEvents | project DeviceId, FileName | summarize dcount(FileName)); DeviceInfo | extend N",
    "DeviceInfo | where DeviceId in (DeviceFileEvents | summarize count() by DeviceId, FileName | project DeviceId)",
    "DeviceInfo | where DeviceId in (DeviceInfo | join (DeviceFileEvents) on DeviceId, DeviceName | project DeviceId)",
    "DeviceInfo | where DeviceId in (DeviceInfo | mv-expand a = todynamic('[1]'), b = todynamic('[2]') | project DeviceId)",
]
REFUSED = {
    "search 'x'": "write search in (…) with the names of tables",
    "search in (EmailEvents) 'x'": "rows of EmailEvents alone, which are about no device",
    "search in (DeviceInfo, (EmailEvents)) 'x'": "name each table",
    "search in (*) 'x'": "name each table",
    "DeviceInfo | search in (DeviceEvents) 'x'": "the operator search is not possible",
    "find where DeviceName has 'x'": "write find in (…) where …",
    "find in (DeviceInfo) where true project DeviceId: string": "write this find as union",
    "find in (DeviceInfo) where true project pack_": "write this find as union",
    "find in (IdentityInfo) where AccountName has 'x'": "rows of IdentityInfo alone, which are about no device",
    "union *": "name each table, or write Device*",
    "union Device *, DeviceInfo": "name each table, or write Device*",
    "let DeviceMine = view () { DeviceInfo }; union Device*": "name each table, or write Device*",
    "union Email*": "name each table, or write Device*",
    "DeviceInfo | partition by DeviceId { DeviceFileEvents }": "write partition by a column",
    "DeviceInfo | partition by DeviceId (union EmailEvents)": "rows of EmailEvents alone",
    "DeviceInfo | partition by DeviceId (union IdentityInfo)": "rows of IdentityInfo alone",
    "DeviceInfo | evaluate bag_unpack(x) : (a: string = toscalar(Foo))": "evaluate may read other tables",
    "DeviceInfo | invoke DeviceFromIP()": "invoke may read other tables; possible here: FileProfile, SeenBy",
    ADDRESS: "rows of externaldata alone, which are about no device",
    f"union DeviceInfo, ({ADDRESS})": "rows of externaldata alone, which are about no device",
    "DeviceInfo | join (externaldata (a: string) ['http://contoso.com']) on a": "with literal https:// addresses",
    "DeviceInfo | join (externaldata (a: string) ['https://contoso.com;managed_identity=system']) on a": "without credentials",
    "DeviceInfo | join (externaldata (a: string) [strcat('https://', 'contoso.com')]) on a": "with literal https:// addresses",
    "DeviceInfo | union (DeviceFileEvents | render timechart)": "remove render: a hunt returns rows",
}  # fmt: skip


@pytest.mark.parametrize(("query", "sent"), SENT.items())
def test_what_leaves_its_tables_open_is_sent_as_a_union_of_names(query: str, sent: str) -> None:
    """The author is told of what is not what it says; a table that it stands for is held as any other."""
    reading = read_query(query, scoped=True)

    assert () == reading.problems
    assert sent == reading.text
    assert ("*" in query or "render" in query) == bool(reading.told)
    assert read_query(sent, scoped=True).tables == reading.tables


@pytest.mark.node
def test_all_of_it_is_held_to_the_devices(judge: Judge) -> None:
    """Microsoft's parser has no error in the bound forms, in one call, and sees no table read past the scope."""
    queries = [*SENT, *AS_THEY_STAND]
    legs = {f"hunt-{n}": device_leg(query, [DEVICE], take=5, end=END) for n, query in enumerate(queries)}
    batch = batch_query(legs)
    verdict = judge(batch)

    assert [] == verdict.diagnostics
    assert [] == [
        (table, batch[offset : offset + 60])
        for table, offset in verdict.reads
        if table not in LOOKUPS and not batch[offset:].startswith(f"{table} | where DeviceId in (_DeviceIds)")
    ]


@pytest.mark.parametrize(("query", "problem"), REFUSED.items())
def test_what_cannot_be_held_is_refused_with_what_to_write(query: str, problem: str) -> None:
    """A wildcard that may stand for other tables, a table in braces, an address with credentials."""
    assert problem in "; ".join(map(str, read_query(query, scoped=True).problems))


def test_a_wildcard_is_found_where_a_device_was(engine: Engine) -> None:
    """The rows of `union Device*`, `search` and `find` are those of the device alone."""
    for query in ("union Device*", "find in (DeviceInfo, DeviceEvents) where DeviceName has 'srv'"):
        rows = engine.hunt(device_query(query, [DEVICE], take=50, end=END), start=END, end=END, now=END)[1]

        assert {DEVICE.id} == {row["DeviceId"] for row in rows}
        assert len(rows) == len({"DeviceInfo", "DeviceEvents"})


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine in which two devices have a row each in two tables."""
    engine = Engine()
    for table in ("DeviceInfo", "DeviceEvents"):
        engine.load(table, [{"Timestamp": END, "DeviceId": n * 40, "DeviceName": f"srv-{n}"} for n in "ab"])
    return engine


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("DeviceFileEvents | summarize Devices = dcount(DeviceId) by SHA1 | where Devices < 3", [40]),
        ("DeviceInfo | summarize dcountif(DeviceName, true), count_distinct( DeviceId)", [24, 52]),
        ("DeviceInfo | summarize dcount(OSPlatform), make_set(DeviceId)", []),
    ],
)
def test_what_counts_the_fleets_devices_is_told(query: str, columns: list[int]) -> None:
    """Under a scope it counts the incident's, and calls everything rare; `prevalence` counts the fleet's."""
    found = counts_of_devices(query)

    assert columns == [one.column for one in found]
    assert all("enrichment.prevalence" in one.text for one in found)
