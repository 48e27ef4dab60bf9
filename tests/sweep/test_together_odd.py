"""An answer to several hunts of a sweep in which something is odd: what cannot be used of it is asked for again."""

from __future__ import annotations

import msgspec
import pytest

from shared.sweep.together import take_apart
from tests.support.odd import through
from tests.support.sweeping import ARCHIVES, Sweeping
from tests.support.tenant import Fleet


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"archive-then-upload/schema"', b'"archive-then-upload/shape"'),
        (
            rb'"archive-then-upload", "_N": 1, "_Row": "{\"D',
            rb'"archive-then-upload", "_N": 1, "_Row": "<\"D',
        ),
        (rb'"_Row": "{\"name\":\"ArchiveProc\"', rb'"_Row": "<\"name\":\"ArchiveProc\"'),
        (rb'"_Row": "{\"Rows\":1}"', rb'"_Row": "{\"Rows\":\"one\"}"'),
    ],
    ids=["no columns", "an odd row", "an odd column", "an odd count"],
)
async def test_a_hunt_whose_part_of_an_answer_is_odd_is_asked_alone(
    fleet: Fleet, old: bytes, new: bytes
) -> None:
    """Nothing of it is lost, and the others share their call all the same."""
    app = Sweeping(fleet)
    patched = through(app, old, new)
    run = await app.swept()
    done, summary = await app.done(run), await app.summary(run, ARCHIVES)
    await app.close()

    assert patched.hits
    assert ("completed", 3) == (done.status, [outcome.outcome for outcome in done.outcomes].count("found"))
    assert (1, 0) == (summary.rows, summary.unreadable)
    assert {200: 3} == app.answered()


def test_an_answer_that_may_be_cut_is_no_answer() -> None:
    """Of as many rows as Graph returns at most, nobody knows whose are missing; nor of one that is of other hunts."""
    columns = [{"name": name, "type": "String"} for name in ("_Hunt", "_N", "_Row")]
    rows = [{"_Hunt": "a/schema", "_N": 1, "_Row": '{"name": "X", "type": "System.String"}'}]
    rows += [{"_Hunt": "a", "_N": n + 1, "_Row": '{"X": "1"}'} for n in range(8)]
    raw = msgspec.json.encode({"schema": columns, "results": rows})

    assert 8 == len(take_apart(raw, ["a"], 10)["a"].results)
    assert {} == take_apart(raw, ["a"], 9)
    assert {} == take_apart(raw, ["b"], 10)
