"""Reading one hunt file; a wrong file is refused with everything that is wrong in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from shared.catalog.load import load_hunts
from shared.model.hunt import Hunt
from tests.support.hunt_files import INDICATOR, SENTINEL, write


def problems(folder: Path, content: str) -> list[str]:
    """Return what is wrong with a hunt file of this content."""
    write(folder, "wrong.yaml", content)
    loaded = load_hunts(folder)

    assert () == loaded.hunts
    return list(loaded.broken[0].problems)


def enrichment(block: str) -> str:
    """Return a hunt file whose enrichment block is *block*."""
    return SENTINEL + "enrichment:\n" + "".join(f"  {line}\n" for line in dedent(block).strip().splitlines())


def test_an_unmodified_sentinel_file_loads_as_a_device_hunt(tmp_path: Path) -> None:
    """It has the defaults of a device hunt, and looks back as far as its query says: `ago(7d)`."""
    write(tmp_path, "Renamed archiver (1).yaml", SENTINEL)
    (hunt,) = load_hunts(tmp_path).hunts

    assert (
        Hunt(
            name="renamed-archiver-1",
            title="Renamed archiver",
            id="6c8c9e1a-6b7d-4c59-9a5e-0c6a5d0e4b11",
            version="1.0.0",
            query=hunt.query,
            entity="device",
            lookback=timedelta(days=1),
            lookahead=timedelta(days=1),
            max_window=timedelta(days=7),
            tactics=("Collection",),
            techniques=("T1560",),
            tables=("DeviceProcessEvents",),
            reach=timedelta(days=7),
            carries=frozenset({"DeviceId", "DeviceName", "Timestamp"}),
            shipped=False,
        )
        == hunt
    )


def test_an_indicator_hunt_loads_with_a_table_without_devices(tmp_path: Path) -> None:
    """Its name comes from its file, and its kinds of indicators from its block."""
    write(tmp_path / "indicator", "mail-url.yaml", INDICATOR)
    (hunt,) = load_hunts(tmp_path).hunts

    assert ("mail-url", "indicator", ("url",)) == (hunt.name, hunt.entity, hunt.kinds)


def test_durations_are_written_in_iso_8601(tmp_path: Path) -> None:
    """`PT36H`, `P0D` and `P30D` are 36 hours, no time at all and 30 days."""
    write(tmp_path, "a.yaml", enrichment("lookback: PT36H\nlookahead: P0D\nmaxWindow: P30D"))
    (hunt,) = load_hunts(tmp_path).hunts

    assert timedelta(hours=36) == hunt.lookback
    assert timedelta(0) == hunt.lookahead
    assert timedelta(days=30) == hunt.max_window


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("lookBack: P1D", "enrichment.lookBack: unknown; there are"),
        ("entity: account", "entity: Invalid enum value 'account'; write one of device, indicator"),
        ("lookback: 1 day", "enrichment.lookback: Invalid ISO8601 duration; write one such as P1D or PT6H"),
        ("lookback: P0D", "enrichment.lookback: must be more than nothing"),
        ("maxWindow: P31D", "enrichment.maxWindow: must be more than nothing and at most P30D"),
        ("lookahead: -P1D", "enrichment.lookahead: must be at most P30D, and not negative"),
        ("lookback: P14D", "enrichment.maxWindow: must be as long as lookback, P14D"),
        ("kinds: [ip]", "enrichment.kinds: is for indicator hunts"),
        ("kinds: [hostname]", "wrong.yaml:26:11: enrichment.kinds[0]: Invalid enum value 'hostname'"),
        ("appliesTo: {os: [Linux]}", "enrichment.appliesTo.os: unknown; there are osPlatform, deviceType"),
        ("columns: FileName", "enrichment.columns: write a list, as in [a, b]"),
        ("sweep: {new: Seen}", "enrichment.sweep.new: must be a column of the sweep's rows"),
        ("sweep: {news: Seen}", "enrichment.sweep.news: unknown"),
        ("sweep: {summarize: '| union Foo', new: Timestamp}", "Foo is neither declared"),
    ],
)
def test_every_mistake_in_our_block_names_its_key(tmp_path: Path, block: str, problem: str) -> None:
    """An unknown key, a wrong value and an impossible time are each reported with the key."""
    assert problem in "\n".join(problems(tmp_path, enrichment(block)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kinds: [url]", "kinds: []", "an indicator hunt needs one or more of ip, url"),
        ("kinds: [url]", "kinds: [url, ip]", "has ip if, and only if, the query uses _IpAddresses"),
        ("kinds: [url]", "kinds: [ip]", "has url if, and only if, the query uses _Urls"),
        (
            "kinds: [url]",
            "kinds: [url]\n  appliesTo: {osPlatform: [Linux]}",
            "appliesTo: is for device hunts",
        ),
        ("Indicator", "Match", "return a column Indicator"),
        ("  EmailUrlInfo", "  let _Urls = 1;\n  EmailUrlInfo", "_Urls is declared in front of the query"),
    ],
)
def test_an_indicator_hunt_must_use_the_kinds_it_names(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """It must name at least one kind, and return what matched in a column Indicator."""
    assert problem in "\n".join(problems(tmp_path, INDICATOR.replace(old, new)))


def test_all_problems_of_a_file_are_reported_with_their_place(tmp_path: Path) -> None:
    """Each of them begins with file, line and column, as editors and CI know how to open them."""
    write(
        tmp_path,
        "many.yaml",
        "id: 7\nquery: |\n  DeviceInfo\n  | union Foo\nenrichment: {lookback: x, a: 1}\n",
    )
    (error,) = load_hunts(tmp_path).broken

    wanted = [
        "many.yaml:1:1: name: is missing",
        "many.yaml:5:27: enrichment.a: unknown",
        "many.yaml:5:24: enrichment.lookback: Invalid ISO8601 duration",
        "many.yaml:1:5: id: write a GUID",
        "many.yaml:4:11: query: Foo is neither declared by the query",
    ]

    assert wanted == [found[: len(start)] for start, found in zip(wanted, error.problems, strict=True)]
    assert str(error) == "; ".join(error.problems)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("|\n\n    DeviceInfo\n\n      | union Foo\n", "5:15"),
        ("|4\n     DeviceInfo\n    | union Foo\n", "3:13"),
        (">\n  DeviceInfo\n  | union Foo\n", "1:8"),
        ("DeviceInfo | union Foo\n", "1:8"),
        ('"DeviceInfo | union Foo"\n', "1:8"),
    ],
)
def test_a_problem_of_the_query_has_its_line_in_the_file(tmp_path: Path, query: str, place: str) -> None:
    """The place is exact in a literal block, whose lines are kept; else it is where the query begins."""
    write(tmp_path, "a.yaml", f"query: {query}")
    found = load_hunts(tmp_path).broken[0].problems

    assert [f"a.yaml:{place}: query: Foo is neither"] == [
        problem[: len(f"a.yaml:{place}: query: Foo is neither")]
        for problem in found
        if "is missing" not in problem
    ]


@pytest.mark.fault("A26", before="assert () == loaded.hunts: the file was loaded")
def test_the_column_of_a_sweep_must_be_one_that_it_returns(tmp_path: Path) -> None:
    """A column that the query has, but the sweep's summarize does not return, is refused; with its real columns."""
    block = "sweep:\n  new: Timestamp\n  summarize: '| summarize FirstSeen = min(Timestamp) by DeviceId'"
    (problem,) = problems(tmp_path, enrichment(block))

    assert problem.endswith("sweep.new: must be a column of the sweep's rows, which are DeviceId, FirstSeen")


def test_a_sweep_whose_columns_cannot_be_told_is_loaded(tmp_path: Path) -> None:
    """Where KQL makes a column's name up, the file is given the benefit of the doubt."""
    block = "sweep:\n  new: Timestamp\n  summarize: '| summarize arg_min(Timestamp, FileName) by DeviceId'"
    write(tmp_path, "doubt.yaml", enrichment(block))

    assert 1 == len(load_hunts(tmp_path).hunts)


def test_a_problem_of_a_sweep_has_its_line_in_the_block(tmp_path: Path) -> None:
    """Its `summarize` is checked at the end of the hunt's query, but has a place of its own."""
    block = "sweep:\n  new: FileName\n  summarize: |\n    | where 1 == 1\n    | union Foo"
    (problem,) = problems(tmp_path, enrichment(block))

    assert problem.startswith("wrong.yaml:30:15: enrichment.sweep.summarize: Foo is neither declared")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("id: [1\nname: x", "wrong.yaml:2:5: "),
        ("- a list", "wrong.yaml:1:1: is not a mapping"),
        ("", "is not a mapping"),
        ("enrichment: 5", "enrichment: write keys and values, as in a: b"),
        ("a: \x00", "is not YAML"),
    ],
)
def test_a_file_that_is_no_hunt_is_refused_as_such(tmp_path: Path, content: str, problem: str) -> None:
    """The refusal gives the line of the mistake, where the YAML parser knows it."""
    assert problem in "\n".join(problems(tmp_path, content))
