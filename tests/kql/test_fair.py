"""A cut answer is shared fairly: whoever has rows is in it, however many another has."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.kusto.judge import Judge
from sandbox.telemetry.engine import Engine
from shared.catalog.load import load_hunts
from shared.catalog.query import hunt_query, is_fair
from shared.kql.write import device_query, indicator_query, is_fair_for_devices, is_fair_for_indicators
from shared.model.entity import Chosen, Device, Indicator

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOISY, QUIET, NAMED = "a" * 40, "b" * 40, "C" * 40
TWO = [Device(NOISY), Device(QUIET)]
PROCESSES = "DeviceProcessEvents | project Timestamp, DeviceId, FileName"
BY_TIME = f"{PROCESSES} | order by Timestamp desc"


def row(device: str, minutes: float, file: str, name: str = "pc") -> dict[str, Any]:
    """Return a process on a device, so many minutes before now."""
    return {
        "Timestamp": NOW - timedelta(minutes=minutes),
        "DeviceId": device,
        "DeviceName": name,
        "FileName": file,
    }


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine with 300 rows of one device, all of them newer than three of another, and a named one's."""
    engine = Engine()
    engine.load("DeviceProcessEvents", [row(NOISY, n // 3, f"n{n:03}") for n in range(300)])
    engine.load("DeviceProcessEvents", [row(QUIET, 900, "q0"), row(QUIET, 900, "q1"), row(QUIET, 901, "q2")])
    engine.load(
        "DeviceProcessEvents",
        [
            row(NAMED, 950, "s0", "srv.contoso.com"),
            row("d" * 40, 951, "s1", "SRV"),
            row("", 952, "s2", "srv"),
        ],
    )
    return engine


def answer(engine: Engine, query: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of *query* over the last day."""
    schema, rows = engine.hunt(query, start=NOW - timedelta(days=1), end=NOW, now=NOW)
    return [column["name"] for column in schema], rows


@pytest.mark.fault("A2", before="{NOISY: 100} == {NOISY: 97, QUIET: 3}: the quiet device was cut off")
@pytest.mark.parametrize("query", [PROCESSES, BY_TIME, "DeviceProcessEvents", f"{BY_TIME} | take 1000"])
def test_a_noisy_device_cuts_no_other_off(engine: Engine, query: str) -> None:
    """Of 303 rows, 100 are returned, and all of the quiet device's are among them."""
    _, rows = answer(engine, device_query(query, TWO, take=100, end=NOW))

    assert {NOISY: 97, QUIET: 3} == Counter(one["DeviceId"] for one in rows)


def test_the_latest_rows_of_each_device_stay(engine: Engine) -> None:
    """The columns are the hunt's, and those of each device are sorted as it sorts them; ties are cut anywhere."""
    columns, rows = answer(engine, device_query(BY_TIME, TWO, take=9, end=NOW))
    times = [[one["Timestamp"] for one in rows if one["DeviceId"] == device] for device in (NOISY, QUIET)]

    assert ["Timestamp", "DeviceId", "FileName"] == columns
    assert [sorted(each, reverse=True) for each in times] == times
    assert {"q0", "q1", "q2"} | {f"n{n:03}" for n in range(6)} == {one["FileName"] for one in rows}


def test_the_hunts_own_order_says_which_rows_stay(engine: Engine) -> None:
    """Where it sorts by something else, the first of each device in that order stay."""
    query = f"{PROCESSES} | sort by FileName asc"
    _, rows = answer(engine, device_query(query, TWO, take=4, end=NOW))

    assert ["n000", "q0", "n001", "q1"] == [one["FileName"] for one in rows]


def test_an_answer_that_is_not_cut_is_whole(engine: Engine) -> None:
    """It has the rows and the columns that it has without the limit."""
    fair, plain = (
        answer(engine, device_query(BY_TIME + more, TWO, take=1_000, end=NOW))
        for more in ("", " | extend _Rank = 1 | project-away _Rank")
    )

    assert 303 == len(fair[1])
    assert plain[0] == fair[0]
    assert Counter(map(str, plain[1])) == Counter(map(str, fair[1]))


def test_the_last_row_is_nobodys_only_one(engine: Engine) -> None:
    """The row that only shows that there are more can be dropped: its device has others."""
    _, rows = answer(engine, device_query(BY_TIME, TWO, take=3, end=NOW))

    assert {NOISY, QUIET} == {one["DeviceId"] for one in rows[:-1]}


def test_each_device_that_a_name_matches_has_its_rows(engine: Engine) -> None:
    """A name may be that of several devices, with a domain or without, in any case, or of one without an id."""
    _, rows = answer(engine, device_query(BY_TIME, [Device(name="srv"), Device(NOISY)], take=5, end=NOW))

    assert {NAMED, "d" * 40, "", NOISY} == {one["DeviceId"] for one in rows}


def test_ids_in_another_case_are_the_same_device() -> None:
    """A device whose id comes in two cases has one share."""
    engine = Engine()
    engine.load("DeviceProcessEvents", [row(case * 40, n, f"{case}{n}") for case in "Ee" for n in range(10)])
    engine.load("DeviceProcessEvents", [row("f" * 40, 99, f"f{n}") for n in range(10)])
    query = "DeviceProcessEvents | where DeviceName == 'pc' | order by Timestamp desc"
    _, rows = answer(engine, device_query(query, [Device(name="pc")], take=10, end=NOW))

    assert {"e": 5, "f": 5} == Counter(one["DeviceId"][0].lower() for one in rows)


@pytest.mark.fault("A2", before="{'192.0.2.1': 50} == {'192.0.2.1': 49, '192.0.2.2': 1}")
def test_a_noisy_indicator_cuts_no_other_off() -> None:
    """Each indicator with rows is in the answer, also where it is matched in an array."""
    engine = Engine()
    engine.load(
        "DeviceNetworkEvents",
        [{"Timestamp": NOW - timedelta(minutes=n), "RemoteIP": "192.0.2.1"} for n in range(60)]
        + [{"Timestamp": NOW - timedelta(minutes=90), "RemoteIP": "192.0.2.2"}],
    )
    query = (
        "DeviceNetworkEvents | extend Indicator = _IpAddresses | mv-expand Indicator to typeof(string)"
        " | where RemoteIP == Indicator | project Timestamp, RemoteIP, Indicator | order by Timestamp desc"
    )
    given = [Indicator("ip", "192.0.2.1"), Indicator("ip", "192.0.2.2")]
    _, rows = answer(engine, indicator_query(query, given, take=50, end=NOW))

    assert {"192.0.2.1": 49, "192.0.2.2": 1} == Counter(one["RemoteIP"] for one in rows)


def test_rows_are_shared_only_among_several() -> None:
    """One device with an id, or one indicator of the hunt's kinds, has all the rows; a name may be several's."""
    url = "T | extend Indicator = Url | where Url in (_Urls)"
    urls = [Indicator("url", "a.example"), Indicator("url", "b.example")]

    assert not is_fair_for_devices(PROCESSES, [Device(NOISY)])
    assert not is_fair_for_devices(PROCESSES, [Device(NOISY), Device(NOISY.upper(), "pc")])
    assert is_fair_for_devices(PROCESSES, TWO)
    assert is_fair_for_devices(PROCESSES, [Device(name="pc")])
    assert is_fair_for_indicators(url, urls)
    assert not is_fair_for_indicators(url, [urls[0], Indicator("ip", "192.0.2.1")])


@pytest.mark.parametrize(
    "query",
    [
        "DeviceProcessEvents | summarize count() by DeviceName",
        "DeviceProcessEvents | summarize arg_max(Timestamp, *) by FileName",
        "DeviceProcessEvents | extend _Rank = 1",
        "let f = () { DeviceProcessEvents }; f()",
    ],
)
def test_where_it_is_unclear_whose_rows_are_the_limit_is_plain(query: str) -> None:
    """Nothing is guessed, and the writer and whoever decides about the answer agree."""
    assert not is_fair_for_devices(query, TWO)
    assert device_query(query, TWO, take=7, end=NOW).endswith("\n| take 7")


@pytest.mark.parametrize("hunt", load_hunts().hunts, ids=lambda hunt: hunt.name)
def test_a_shipped_hunt_is_limited_as_is_fair_says(hunt: Any) -> None:
    """For several entities each of them is limited fairly, and for one none."""
    kind = hunt.kinds[0] if hunt.kinds else "ip"
    both = (Indicator(kind, "192.0.2.1"), Indicator(kind, "192.0.2.2"))
    for chosen, fair in ((Chosen(tuple(TWO), both), True), (Chosen((TWO[0],), both[:1]), False)):
        assert fair is is_fair(hunt, chosen)
        assert fair is ("row_number" in hunt_query(hunt, chosen, 7, NOW))


@pytest.mark.node
def test_microsofts_parser_accepts_every_fair_limit(judge: Judge) -> None:
    """Its binder keeps the columns of each accepted query whose rows carry DeviceId."""
    texts = Path(__file__).with_name("accepted.kql").read_text(encoding="utf-8").splitlines()
    fair = [query for query in texts if is_fair_for_devices(query, TWO)]
    for query in fair:
        verdict = judge(device_query(query, TWO, take=7, end=NOW))

        assert [] == verdict.diagnostics
        assert judge(device_query(query, TWO[:1], take=7, end=NOW)).columns == verdict.columns
    assert 15 <= len(fair)
