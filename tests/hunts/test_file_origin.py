"""Which domains `file-origin` takes for the indicator's: the host of an origin, not any text in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.telemetry.engine import Engine
from shared.catalog.load import load_hunts
from shared.kql.write import indicator_query
from shared.model.entity import Indicator

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUERY = load_hunts().by_name["file-origin"].query


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine without telemetry."""
    return Engine()


@pytest.mark.fault("A19", before="assert [] == ['t.co'], for https://microsoft.com/x")
@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://t.co/a", True),
        ("https://T.CO", True),
        ("https://cdn.t.co/a", True),
        ("http://t.co:8080/a?b#c", True),
        ("t.co/a", True),
        ("https://user:word@t.co/a", True),
        ("https://microsoft.com@t.co/a", True),
        ("https://a@b@t.co", True),
        ("https://t.co?a=b", True),
        ("https://microsoft.com/x", False),
        ("https://t.co.example/x", False),
        ("https://not.example/?from=t.co", False),
        ("https://not.example/t.co/a", False),
        ("https://not.example#t.co", False),
        ("https://t.co@not.example/", False),
        ("https://not.example/?u=https://t.co/a", False),
        ("not-t.co/a", False),
        ("about:internet", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("column", ["FileOriginUrl", "FileOriginReferrerUrl"])
def test_a_domain_is_that_of_a_host_or_above_it(engine: Engine, column: str, url: str, found: bool) -> None:
    """The host equals it or ends with a dot and it, in any case; a user, port, path or query is no host."""
    engine.connection.execute('DELETE FROM "DeviceFileEvents"')
    engine.load("DeviceFileEvents", [{"Timestamp": NOW - timedelta(hours=1), "FileName": "f", column: url}])
    query = indicator_query(QUERY, [Indicator("domain", "t.co")], take=9, end=NOW)
    _, rows = engine.hunt(query, start=NOW - timedelta(days=1), end=NOW, now=NOW)

    assert (["t.co"] if found else []) == [row["Indicator"] for row in rows]


def test_a_url_is_still_found_wherever_an_origin_contains_it(engine: Engine) -> None:
    """A URL indicator is a part of what stands there: with a scheme before it, and a path behind."""
    engine.connection.execute('DELETE FROM "DeviceFileEvents"')
    row = {"Timestamp": NOW - timedelta(hours=1), "FileOriginUrl": "https://EVIL.example/a/b?c"}
    engine.load("DeviceFileEvents", [row])
    query = indicator_query(QUERY, [Indicator("url", "evil.example/a")], take=9, end=NOW)
    _, rows = engine.hunt(query, start=NOW - timedelta(days=1), end=NOW, now=NOW)

    assert ["evil.example/a"] == [row["Indicator"] for row in rows]
