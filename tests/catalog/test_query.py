"""Hunts are divided into few calls, each of which returns what Graph can, over a time that holds all windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.catalog.query import KEPT, MOST_CHARACTERS, MOST_HUNTS, Asked, batch_call, calls_for, one_call
from shared.model.entity import Chosen, Device, Indicator
from shared.model.hunt import Hunt
from shared.model.outcome import Window
from shared.model.times import write_time

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
CHOSEN = Chosen((Device("a" * 40),), (Indicator("ip", "203.0.113.9"),))
PROCESSES = "DeviceProcessEvents | where FileName == 'x'"
MAIL = "EmailEvents | where SenderIPv4 in (_IpAddresses)"
UNKNOWN = "Custom_CL | where Ip in (_IpAddresses)"
NO_TIME = "DeviceTvmSoftwareInventory | where SoftwareName in (_IpAddresses)"


def window(days: int, before: int = 0) -> Window:
    """Return a window of so many days, which ends so many days *before* the last."""
    return Window(END - timedelta(days=days + before), END - timedelta(days=before))


def asked(name: str, query: str = PROCESSES, within: Window | None = None, prevalence: str = "") -> Asked:
    """Return a hunt with this *query*, for devices or, if it names them, for addresses."""
    if "_IpAddresses" in query:
        hunt = Hunt(name=name, title=name, id=name, version="1", query=query, entity="indicator", kinds=("ip",))  # fmt: skip
    else:
        hunt = Hunt(name=name, title=name, id=name, version="1", query=query, prevalence=prevalence)
    return Asked(hunt, CHOSEN, within or window(7))


def names(calls: list[list[Asked]]) -> list[str]:
    """Return the names of the hunts in each call."""
    return ["".join(each.hunt.name for each in call) for call in calls]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([("a", PROCESSES, 7), ("b", MAIL, 1), ("c", NO_TIME, 3)], ["abc"]),
        ([("a", PROCESSES, 7), ("b", UNKNOWN, 7), ("c", MAIL, 7)], ["ac", "b"]),
        ([("a", UNKNOWN, 7), ("b", UNKNOWN, 7), ("c", UNKNOWN, 1), ("d", UNKNOWN, 7)], ["abd", "c"]),
        ([("a", UNKNOWN, 1), ("b", PROCESSES, 1), ("c", UNKNOWN, 7), ("d", PROCESSES, 2)], ["a", "bd", "c"]),
        ([], []),
    ],
)
def test_hunts_share_a_call_unless_their_windows_cannot_be_told_apart(
    wanted: list[tuple[str, str, int]], expected: list[str]
) -> None:
    """What reads an unknown table is held by the timespan alone, and so shares a call with the same window only."""
    assert expected == names(
        calls_for([asked(name, query, window(days)) for name, query, days in wanted], 11)
    )


@pytest.mark.parametrize(
    ("count", "expected"), [(MOST_HUNTS, [60]), (MOST_HUNTS + 1, [60, 1]), (250, [60, 60, 60, 60, 10])]
)
def test_a_call_has_a_hundred_hunts_at_most(count: int, expected: list[int]) -> None:
    """In their order; those beyond have a call of their own."""
    calls = calls_for([asked(f"{n} ") for n in range(count)], 11)

    assert expected == [len(call) for call in calls]
    assert [f"{n} " for n in range(count)] == [each.hunt.name for call in calls for each in call]


def test_a_call_has_as_many_characters_as_graph_may_take() -> None:
    """Two long hunts are sent apart, and a short one with the first; one that is longer than that goes alone."""
    long = f"DeviceProcessEvents | where FileName != '{'x' * (MOST_CHARACTERS // 2)}'"
    endless = f"DeviceProcessEvents | where FileName != '{'x' * MOST_CHARACTERS}'"
    calls = calls_for([asked("a", long), asked("b", long), asked("c", endless), asked("d")], 11)

    assert ["ad", "b", "c"] == names(calls)
    assert max(len(batch_call(call, 11).query) for call in calls[:2]) <= MOST_CHARACTERS


@pytest.mark.parametrize(("count", "take", "expected"), [(1, 10_001, 10_001), (8, 10_001, 10_001), (9, 10_001, 10_000), (40, 10_001, 2_250), (100, 10_001, 900), (40, 5, 5)])  # fmt: skip
def test_all_rows_of_a_call_fit_into_graphs_answer(count: int, take: int, expected: int) -> None:
    """90,000, since columns and counts take some of Graph's 100,000: of more hunts each has fewer."""
    call = batch_call([asked(f"hunt-{n}") for n in range(count)], take)

    assert expected == call.take
    assert count == call.query.count(f"\n| take {expected}\n")


def test_the_timespan_holds_all_windows_and_each_shorter_one_is_held_by_its_query() -> None:
    """A hunt whose window is the whole time needs no condition; with a longer time, every hunt does."""
    wanted = [asked("a", within=window(7)), asked("b", within=window(1, 3)), asked("c", MAIL, window(2))]
    plain, wide = batch_call(wanted, 11), batch_call(wanted, 11, window(30))
    conditions = [
        f"between (datetime({write_time(each.window.start)}) .. datetime({write_time(each.window.end)}))"
        for each in wanted
    ]

    assert window(7).timespan == plain.timespan
    assert [False, True, True] == [text in plain.query for text in conditions]
    assert window(30).timespan == wide.timespan
    assert [True, True, True] == [text in wide.query for text in conditions]


def test_hunts_that_cannot_be_held_keep_their_window_whatever_the_time_of_others() -> None:
    """A longer timespan would show them rows from outside of it; nothing is counted over the fleet beside them."""
    wanted = [asked("a", UNKNOWN, window(2)), asked("b", UNKNOWN, window(2))]
    call = batch_call(wanted, 11, window(30), counting=True)

    assert window(2).timespan == call.timespan
    assert " between (" not in call.query


def test_values_are_counted_only_if_asked_for() -> None:
    """Those of a hunt that has a column for it, over its own window; and the fleet once, over the whole time."""
    wanted = [asked("a", within=window(2), prevalence="SHA1"), asked("b")]
    counting = batch_call(wanted, 11, window(30), counting=True).query

    assert '"a/SHA1"' in counting
    assert 1 == counting.count('"/fleet"')
    assert '"b/' not in counting.replace('"b/schema"', "")
    assert "/fleet" not in batch_call(wanted, 11, window(30)).query


def test_a_hunt_alone_is_sent_as_it_stands() -> None:
    """Over its window as the timespan, without the columns that tell hunts apart."""
    call = one_call(asked("a", within=window(2)), 11)

    assert (window(2).timespan, 11) == (call.timespan, call.take)
    assert "_Hunt" not in call.query
    assert " between (" not in call.query


def test_how_things_stand_is_read_whatever_the_window() -> None:
    """A setting may have been found out before the window or after it, so the timespan is no bound, and each query is."""
    settings = asked("b", f"{PROCESSES} | join (DeviceTvmSecureConfigurationAssessment) on DeviceId")
    alone, beside = one_call(settings, 11), batch_call([asked("a"), settings], 11, window(7))

    for call, bounds in ((alone, 1), (beside, 2)):
        assert call.timespan == KEPT
        assert bounds == call.query.count(" | where Timestamp between (")
        assert (
            "let DeviceTvmSecureConfigurationAssessment = DeviceTvmSecureConfigurationAssessment | where DeviceId"
            in call.query
        )
