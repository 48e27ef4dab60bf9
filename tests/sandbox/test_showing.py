"""What the demo says of a hunt that it was to show: it is never a success unless the case's row can be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.hunts.stages import stages
from sandbox.hunts.staging import Staged
from sandbox.showing import comment_on, what_was_done, why_not_shown
from shared.model.hunt import Hunt

STAGE = stages(datetime(2026, 3, 11, 12, tzinfo=UTC))[1]
ROW = {
    "DeviceName": "pc-006.contoso.com",
    "AccountName": "ada",
    "RemoteIP": "203.0.113.9",
    "Times": "2",
    "Timestamp": "2026-03-11T11:00:00.0000000Z",
}
FOUND = {"hunt": "mine", "outcome": "found", "rows": 1}
COMMENT = "FOUND (medium): mine: 1 row on pc-006\n• 02:48:04 · AccountName: ada · RemoteIP: 203.0.113[.]9\nOutrider run digest"


def staged(count: int = 2, others: int = 0, **facts: Any) -> Staged:
    """Return a hunt that is ready to be shown, with this many rows on pc-006."""
    facts = {"columns": ("Timestamp", "DeviceName", "AccountName", "RemoteIP")} | facts
    hunt = Hunt(name="mine", title="Mine", id="1", version="1", query="T", **facts)
    return Staged(hunt, STAGE, Path(), count, others, [ROW], ("Timestamp",), (), {})


@pytest.mark.parametrize(
    ("count", "others", "expected"),
    [
        (1, 0, "mine: 1 row of its first case was put onto pc-006; see it in incident 4108's comment below"),
        (
            2,
            0,
            "mine: 2 rows of its first case were put onto pc-006; see them in incident 4108's comment below",
        ),
        (
            1,
            3,
            "mine: 1 row of its first case was put onto pc-006, and 3 more into the fleet's telemetry; see them in incident 4108's comment below",
        ),
        (
            0,
            3,
            "mine: 3 rows of its first case were put into the fleet's telemetry, about no device of it; see them in incident 4108's comment below",
        ),
    ],
)
def test_one_line_says_what_was_put_where(count: int, others: int, expected: str) -> None:
    """With the number of rows, the device and the incident."""
    assert expected == what_was_done(staged(count, others))


def test_a_row_that_was_found_and_stands_in_the_comment_is_shown() -> None:
    """Values are compared as the app gives them out, and as the comment writes them; other rows beside it do not matter."""
    rows = [ROW | {"AccountName": "bob"}, ROW | {"Times": 2, "Category": "x"}]

    assert "" == why_not_shown(staged(), FOUND, rows, COMMENT)


@pytest.mark.parametrize(
    ("ended", "rows", "comment", "facts", "expected"),
    [
        ({}, [], COMMENT, {}, "nothing was found of them: it ended as not among the hunts of the run"),
        (
            FOUND | {"outcome": "notRun", "reason": "a column is missing"},
            [],
            COMMENT,
            {},
            "nothing was found of them: it ended as notRun: a column is missing",
        ),
        (
            FOUND,
            [ROW | {"AccountName": "bob"}],
            COMMENT,
            {},
            "among the 1 found is no row like [DeviceName: pc-006.contoso.com, AccountName: ada, ",
        ),
        (FOUND, [ROW | {"Timestamp": "2026-03-11T10:00:00.0000000Z"}], COMMENT, {}, "is no row like"),
        (FOUND, [ROW], "", {}, "no comment shows [DeviceName: "),
        (FOUND, [ROW], COMMENT.replace("ada", "bob"), {}, "no comment shows [DeviceName: "),
        (FOUND, [ROW], COMMENT.replace(" mine:", " other:"), {}, "no comment shows [DeviceName: "),
        (FOUND, [ROW], "", {"role": "context"}, "Of a hunt with role: context, a comment shows four rows"),
    ],
)
def test_a_row_that_cannot_be_read_fails_with_what_was_found(
    ended: dict[str, Any], rows: list[dict[str, Any]], comment: str, facts: dict[str, Any], expected: str
) -> None:
    """It names the hunt and where its rows were put, and then what is there instead."""
    problem = why_not_shown(staged(**facts), ended, rows, comment)

    assert problem.startswith("mine: 2 rows of its first case were put onto pc-006, but ")
    assert expected in problem


def test_the_comment_is_that_of_the_run_or_the_last_that_tells_of_the_hunt() -> None:
    """A run whose findings an earlier comment tells of writes none of its own."""
    later = "Context, no finding: other: 2 rows on pc-006\nOutrider later digest"

    assert COMMENT == comment_on("mine", [COMMENT, later], "run")
    assert COMMENT == comment_on("mine", [COMMENT, later], "third")
    assert "" == comment_on("mine", [later], "third")
