"""Times from outside are read as UTC, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from time import tzset

import pytest

from shared.model.times import read_time

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST, LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@pytest.mark.fault("A13", before="OverflowError: date value out of range; without a zone, the machine's own")
@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-24T12:00:00Z", NOW),
        ("2026-11-24T14:00:00+02:00", NOW),
        ("2026-11-24T12:00:00", NOW),
        ("2026-11-24T12:00:00.0000000Z", NOW),
        ("9999-12-31T23:59:59Z", LAST),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-12-31T23:59:59-14:00", FIRST),
        ("0002-01-01T00:00:00+14:00", None),
        ("2026-02-30", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_as_utc_or_as_none(
    text: str | None, time: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without a zone is in UTC, wherever the machine is; nothing raises."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    tzset()
    try:
        assert time == read_time(text)
    finally:
        monkeypatch.undo()
        tzset()
