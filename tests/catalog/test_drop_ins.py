"""Published hunt files as they are dropped in: with nothing of ours, or with one line of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.catalog.load import Catalog, load_hunts
from shared.catalog.query import Asked, batch_call
from shared.catalog.select import asked_of, entities_of
from shared.kql.write import fleet_query
from shared.model.entity import Chosen, Device, Indicator
from shared.model.outcome import Window
from tests.support.hunt_files import SENTINEL, write
from tests.support.hunt_trials import NOW

if TYPE_CHECKING:
    from pathlib import Path

OLD = SENTINEL[SENTINEL.index("  DeviceProcessEvents\n  |") : SENTINEL.index("entityMappings")]
BY_IP = 'let RemoteIP_ = "198.51.100.1";\nDeviceNetworkEvents | where RemoteIP == RemoteIP_'
SHA1, SHA256 = "a" * 40, "b" * 64
CHOSEN = Chosen(
    (Device("c" * 40),),
    (*(Indicator("ip", f"203.0.113.{n}") for n in range(12)), Indicator("fileHash", SHA1), Indicator("fileHash", SHA256)),
)  # fmt: skip


def loaded(folder: Path, query: str, block: str = "") -> Catalog:
    """Load a file with this *query*, and with these lines in its enrichment block, if any."""
    indented = "".join(f"  {line}\n" for line in query.splitlines())
    added = f"enrichment:\n  {block}\n" if block else ""
    write(folder, "published.yaml", SENTINEL.replace(OLD, indented) + added)
    return load_hunts(folder)


def told(catalog: Catalog) -> str:
    """Return what is wrong with a file, or what its author should know."""
    problems = [problem for error in catalog.broken for problem in error.problems]
    return "\n".join([*problems, *map(str, catalog.notices)])


@pytest.mark.parametrize(
    ("query", "place", "text"),
    [
        ("DeviceInfo\n| summarize count() by DeviceId\n| render timechart", "18:5: ", "render is left out: a hunt returns rows"),
        ("union Device*\n| take 5", "16:3: ", "Device* stands for DeviceEvents, "),
        ("DeviceFileEvents\n| summarize dcount(DeviceId) by SHA1, DeviceName", "17:15: ", "counts the incident's devices, not the fleet's"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_published_is_told(tmp_path: Path, query: str, place: str, text: str) -> None:
    """The hunt runs; its author reads where, and what becomes of it."""
    catalog = loaded(tmp_path, query)

    assert () == catalog.broken
    assert f"published.yaml:{place}query: " in told(catalog)
    assert text in told(catalog)


@pytest.mark.parametrize(
    "query",
    [
        "IdentityLogonEvents\n| where ActionType == 'LogonFailed'\n| summarize count() by DeviceName, bin(Timestamp, 1h)",
        "let Mails = EmailEvents | project Sent = Timestamp, AccountUpn = RecipientEmailAddress;\nMails | join (DeviceProcessEvents) on AccountUpn",
        "AlertInfo | join AlertEvidence on AlertId | where EntityType == 'Url' | join UrlClickEvents on $left.RemoteUrl == $right.Url",
        "let Nets = datatable(Net: string) ['10.0.0.0/8'];\nDeviceNetworkEvents | evaluate ipv4_lookup(Nets, RemoteIP, Net)",
    ],
)
def test_what_published_hunts_read_is_read(tmp_path: Path, query: str) -> None:
    """With nothing of ours in the file, and nothing to tell its author."""
    catalog = loaded(tmp_path, query)

    assert "" == told(catalog)
    assert 1 == len(catalog.hunts)
    assert "device" == catalog.hunts[0].entity


def test_a_second_query_in_a_file_is_told_where_it_begins(tmp_path: Path) -> None:
    """It would be refused by the service, and nobody told why."""
    catalog = loaded(tmp_path, "DeviceInfo\n| project DeviceId, OSPlatform\n\nDeviceEvents\n| take 5")

    assert () == catalog.hunts
    assert "published.yaml:19:3: query: a second query begins here: write each in a file of its own" in told(
        catalog
    )


def test_what_is_outside_is_read_only_where_the_file_allows_it(tmp_path: Path) -> None:
    """The problem says where, and how to allow it; a hunt that is allowed to runs as it stands."""
    query = "let Bad = externaldata (Name: string) ['https://contoso.com/bad.csv'];\nDeviceInfo | where DeviceName in (Bad)"
    refused = told(loaded(tmp_path, query))
    allowed = loaded(tmp_path, query, "allow: [externaldata]")

    assert "published.yaml:16:13: query: externaldata reads what is outside of the tenant: " in refused
    assert "enrichment.allow: [externaldata]" in refused
    assert "" == told(allowed)
    call = batch_call([Asked(allowed.hunts[0], CHOSEN, Window(NOW, NOW))], 5)
    assert "externaldata (Name: string)" in call.query


@pytest.mark.parametrize(
    ("block", "values"),
    [
        ("binds: {RemoteIP_: ip}", [f"203.0.113.{n}" for n in range(12)]),
        ("binds: {RemoteIP_: fileHash}", [SHA1, SHA256]),
        ("binds: {RemoteIP_: sha1}", [SHA1]),
        ("binds: {RemoteIP_: sha256}", [SHA256]),
        ("binds: {RemoteIP_: md5}", []),
    ],
)
def test_one_line_makes_a_query_for_one_value_a_hunt_for_indicators(
    tmp_path: Path, block: str, values: list[str]
) -> None:
    """It asks for each of the first ten values of its kind, and needs no column Indicator."""
    catalog = loaded(tmp_path, BY_IP, block)
    (hunt,) = catalog.hunts
    asked = asked_of(hunt, CHOSEN)

    assert "" == told(catalog)
    assert hunt.entity == "indicator"
    assert hunt.auto
    assert values == [each.value for each in entities_of(hunt, CHOSEN) if isinstance(each, Indicator)]
    assert values[:10] == [each.value for each in asked if isinstance(each, Indicator)]
    if asked:
        query = batch_call([Asked(hunt, CHOSEN, Window(NOW, NOW))], 5).query
        assert values[:10] == [value for value in values if f'let RemoteIP_ = "{value}";' in query]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (
            "binds: {Other: ip}",
            "25:11: enrichment.binds.Other: the query must declare it once, as let Other = ",
        ),
        ("binds: {RemoteIP_: ip, Other: ip}", "enrichment.binds: name one parameter"),
        ("binds: {RemoteIP_: ip}\n  entity: device", "enrichment.binds: says entity and kinds, too"),
        ("binds: {RemoteIP_: ip}\n  kinds: [url]", "enrichment.binds: says entity and kinds, too"),
        ("binds: {RemoteIP_: host}", "write one of ip, url, domain, fileHash, md5, sha1, sha256"),
        ("allow: [network]", "enrichment.allow[0]: Invalid enum value 'network'; write one of externaldata"),
    ],
)
def test_what_a_block_says_wrongly_is_told(tmp_path: Path, block: str, problem: str) -> None:
    """With its place, and with what to write."""
    assert problem in told(loaded(tmp_path, BY_IP, block))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("| render timechart", "not possible here: render is left out"),
        ("| union Device*", "not possible here: Device* stands for DeviceEvents"),
        ("| join kind=leftouter (externaldata (a: string) ['https://contoso.com/a.csv']) on $left.DeviceId == $right.a",
         "externaldata reads what is outside of the tenant: say enrichment.allow"),
    ],
)  # fmt: skip
def test_what_follows_a_query_in_a_sweep_is_sent_as_it_stands(
    tmp_path: Path, line: str, problem: str
) -> None:
    """So it may hold nothing that a query is rid of, nor read what the file does not allow."""
    block = f'sweep: {{new: Timestamp, summarize: "{line}"}}'

    assert f"enrichment.sweep.summarize: {problem}" in told(loaded(tmp_path, "DeviceInfo", block))


def test_what_a_sweep_joins_is_held_as_its_query_is() -> None:
    """A table that only `summarize` names is restricted, too."""
    query = fleet_query(
        "DeviceInfo", end=NOW, summarize="| join kind=inner (DeviceEvents) on DeviceId", prefixes=["a"]
    )

    assert 'let DeviceEvents = DeviceEvents | where DeviceId startswith "a";' in query
