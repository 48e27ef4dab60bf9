"""The JSON body of a run: it follows its schema, and is small whatever was found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.entity import INDICATOR_KINDS, Chosen, Device, Dropped, Indicator
from shared.model.finding import Found
from shared.model.outcome import DeviceEnding, Ending, Outcome, Window
from shared.model.record import CommentResult, Done, Plan, Run, Status, Wait, Work
from shared.pages.summary import LARGEST, summary
from tests.support.openapi import problems
from tests.support.repeats import least_seconds

NOW = datetime(2026, 11, 24, 2, 14, tzinfo=UTC)
URL = "https://outrider.example.com/api/runs/0"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
#: Sometimes as long as a command line can be, in ASCII or in characters that JSON writes as several bytes.
lengthy = texts | st.builds(
    str.__mul__, st.sampled_from(["-enc SQBFAFgA ", "\x00", "é", '"\\', "𝄞"]), st.integers(1, 4_000)
)
names = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,4}", fullmatch=True)
endings = st.sampled_from(get_args(Ending))
cells = lengthy | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.booleans() | st.none()


def many(items: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for a few items, or for up to *most* copies of one item."""
    few = st.lists(items, max_size=3).map(tuple)
    return few | st.tuples(items, st.integers(0, most)).map(lambda drawn: (drawn[0],) * drawn[1])


def rows(columns: tuple[str, ...]) -> st.SearchStrategy[Found]:
    """Return a strategy for what a hunt with these columns found."""
    row = st.fixed_dictionaries(dict.fromkeys(columns, cells | st.lists(texts, max_size=2)))
    return st.builds(
        Found,
        names,
        st.integers(0, 99_999),
        st.booleans(),
        columns=st.just(columns),
        first_rows=many(row, 10),
    )


found = many(texts, 80).flatmap(rows)
window = st.builds(Window, st.just(NOW), st.just(NOW), texts)
ended = st.builds(DeviceEnding, lengthy, endings, lengthy)
outcome = st.builds(Outcome, names, lengthy, endings, lengthy, st.none() | window, many(ended, 60), found)
chosen = st.builds(
    Chosen,
    many(st.builds(Device, lengthy, lengthy, texts), 500),
    many(st.builds(Indicator, st.sampled_from(INDICATOR_KINDS), lengthy), 4_000),
    many(st.builds(Dropped, texts, lengthy, texts), 5_000),
)
plan = st.builds(Plan, texts, lengthy, lengthy, chosen)
comment = st.builds(
    CommentResult, texts, st.sampled_from(["written", "alreadyThere", "off", "failed"]), lengthy
)
done = st.builds(
    Done,
    st.sampled_from(get_args(Status)[-3:]),
    lengthy,
    st.just(NOW),
    many(outcome, 300),
    many(comment, 200),
    notes=many(lengthy, 100),
    reason=lengthy,
)
runs = st.builds(
    Run,
    st.builds(Work, st.just("0" * 32), st.just(NOW), st.just(""), st.sampled_from(["", "4101"])),
    st.none() | plan,
    st.dictionaries(names, st.builds(Found, names, failure=lengthy), max_size=5),
    st.none() | st.builds(Wait, lengthy, st.just(NOW)),
    st.none() | done,
)


@given(run=runs)
@settings(max_examples=60)
def test_any_run_follows_its_schema_in_64000_bytes(run: Run) -> None:
    """Done or not, the body of any run has fewer bytes than that, and is as the OpenAPI file describes it."""
    body = msgspec.json.encode(summary(run, NOW, URL))

    assert LARGEST == 64_000
    assert len(body) < LARGEST
    assert [] == problems("GET /api/runs/{runId}", 200 if run.done else 202, body)


def largest() -> Run:
    """Return a run with as much of everything as can be, in characters that JSON writes as six bytes."""
    text = "\x01" * 32_000
    columns = tuple(f"{number:03}{text}" for number in range(500))
    hit = Found("h", 99_999, more=True, columns=columns, first_rows=(dict.fromkeys(columns, text),) * 10)
    ended = (DeviceEnding(text, "noTelemetry", text),) * 500
    hunt = "h" * 250
    every = (Outcome(hunt, text, "notApplicable", text, Window(NOW, NOW, text), ended, hit),) * 1_000
    chosen = Chosen(
        (Device(text, text, text),) * 500,
        (Indicator("fileHash", text),) * 4_000,
        (Dropped("device", text, text),) * 5_000,
    )
    done = Done(
        "completedWithFailures", text, NOW, every, (CommentResult("4101", "alreadyThere", text),) * 500,
        notes=(text,) * 100, reason=text,
    )  # fmt: skip
    return Run(Work("0" * 32, NOW, "", "4101"), Plan("4101", text, text, chosen), done=done)


def test_the_largest_run_is_shortened_but_fully_counted() -> None:
    """Its hunts, outcomes and entities are counted in full, and what does not fit is left out."""
    body = summary(largest(), NOW, URL)
    encoded = msgspec.json.encode(body)

    assert len(encoded) < LARGEST
    assert [] == problems("GET /api/runs/{runId}", 200, encoded)
    assert 1_000 == body["huntCount"] == body["outcomes"]["notApplicable"]
    assert (500, 4_000, 5_000) == tuple(
        body["entities"][f"{kind}Count"] for kind in ("device", "indicator", "dropped")
    )


def hit(hunt: str, *rows: dict[str, Any]) -> Outcome:
    """Return the outcome of a hunt that found these rows."""
    return Outcome(hunt, hunt, "found", found=Found(hunt, len(rows), columns=tuple(rows[0]), first_rows=rows))


def ended(*outcomes: Outcome) -> dict[str, Any]:
    """Return the body of a run whose hunts ended like this."""
    done = Done("completed", "1 of 2 hunts found something", NOW, outcomes)
    return summary(Run(Work("0" * 32, NOW, ""), done=done), NOW, URL)


def test_a_small_run_leaves_out_only_secrets() -> None:
    """Its columns, its rows and the link to its findings are complete, but for the password in them."""
    row = {
        "Timestamp": "2026-11-24T02:14:05Z",
        "Cmd": "mysql --password=hunter2",
        "Port": 443,
        "Args": ["-p", "x"],
    }
    body = ended(hit("b-hunt", row))
    (hunt,) = body["hunts"]

    assert ["Timestamp", "Cmd", "Port", "Args"] == hunt["columns"]
    assert [{**row, "Cmd": "mysql --password=***", "Args": '["-p", "x"]'}] == hunt["firstRows"]
    assert f"{URL}/findings?hunt=b-hunt" == hunt["findings"]


def test_findings_come_first_and_nothing_found_last() -> None:
    """What was not run stands right behind what was found."""
    outcomes = [Outcome(ending, ending, ending) for ending in reversed(get_args(Ending))]
    order = [hunt["outcome"] for hunt in ended(*outcomes)["hunts"]]

    assert ["found", "notRun"] == order[:2]
    assert "nothingFound" == order[-1]


def test_a_secret_is_masked_before_its_text_is_cut() -> None:
    """Otherwise, half of a password at the end of the text might not be recognised as one."""
    url = "https://" + "a" * 960 + ":Winter2024@drop.example/"
    (hunt,) = ended(hit("a-hunt", {"Url": url}))["hunts"]

    assert "Winter" not in str(hunt)


@pytest.mark.parametrize("text", ["SQBFAFgAIAAoAE4A", "a-", " -u=", "mysql ", "token ", "http://a:"])
def test_long_rows_take_no_longer_however_they_are_written(text: str) -> None:
    """Rows of 32 KB command lines, made to keep the search for secrets busy, take a few times the ordinary ones' time."""

    def seconds(unit: str) -> float:
        long = (unit * 20_000)[:32_000]
        rows = [{f"Cmd{column}": f"{row} {column} {long}" for column in range(3)} for row in range(10)]
        return least_seconds(lambda _: ended(*(hit(f"hunt-{number}", *rows) for number in range(4))), "", 3)

    assert seconds(text) < 10 * seconds("some words of a text ")


@pytest.mark.parametrize("masked", [True, False])
def test_masking_covers_rows_and_indicators(*, masked: bool) -> None:
    """What looks like a secret is shown in neither, unless MASK_SECRETS is off."""
    chosen = Chosen(indicators=(Indicator("url", "example.com/?token=hunter2"),))
    found = Found("hunt", rows=1, columns=("Cmd",), first_rows=({"Cmd": "mysql --password=hunter2"},))
    done = Done("completed", "", NOW, (Outcome("hunt", "A title", "found", found=found),))
    run = Run(Work("0" * 32, NOW, ""), Plan(chosen=chosen), done=done)
    body = msgspec.json.encode(summary(run, NOW, URL, mask=masked)).decode()

    assert (0 if masked else 2) == body.count("hunter2")
