"""Fields of Sentinel's JSON, whatever their casing and type."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.entities.fields import folded, objects_in, text_of, time_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_only_an_object_has_fields(value: Any) -> None:
    """Their names are in lower case, their values unchanged."""
    assert {} == folded(value)
    assert {"hostname": "WKS", "b": {"C": 1}} == folded({"HostName": "WKS", "b": {"C": 1}})


@pytest.mark.parametrize(
    ("value", "objects"),
    [
        ([{"a": 1}, "text", None, {"b": 2}], [{"a": 1}, {"b": 2}]),
        ('[{"a": 1}, 7]', [{"a": 1}]),
        ('{"a": 1}', []),
        ({"a": 1}, []),
        ("no JSON", []),
        ("", []),
        ("\ud800", []),
        ("[" * 100_000, []),
        (None, []),
    ],
)
def test_objects_are_read_from_a_list_or_its_text(value: Any, objects: list[dict[str, Any]]) -> None:
    """Anything else has none, and is no error."""
    assert objects == objects_in(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(" a ", "a"), (7, "7"), (0, "0"), ("", ""), (None, ""), (True, ""), (False, ""), (1.5, ""), (["a"], "")],
)
def test_texts_and_whole_numbers_are_text(value: Any, text: str) -> None:
    """Ids come as both; true and false are neither."""
    assert text == text_of(value)


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("2026-11-24T12:00:00Z", NOON),
        ("2026-11-24T12:00:00", NOON),
        ("2026-11-24T13:00:00+01:00", NOON),
        (" 2026-11-24T12:00:00.0000000Z ", NOON),
        ("0001-01-01T00:00:00Z", None),
        ("0002-01-01T00:00:00Z", datetime(1000, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        (None, None),
        (7, None),
    ],
)
def test_a_time_is_read_in_utc(value: Any, when: datetime | None) -> None:
    """Without a zone it is UTC, whatever the machine's; the year 1, which .NET writes for none, is none."""
    assert when == time_of(value)
