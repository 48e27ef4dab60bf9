"""Plans that meet what has changed since: a hunt that is gone, an incident too old, devices with one name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.catalog.load import Catalog
from shared.enrichment.ending import decide_all, run_status
from shared.enrichment.hunting import hunt_all
from shared.enrichment.planning import make_plan
from shared.incident.reading import Subject
from shared.model.entity import Chosen, Device, Dropped, Indicator
from shared.model.finding import Found
from shared.model.record import CommentResult, Plan, Work
from shared.work import work_on
from tests.support.endings import EXFILTRATION, FILE_ORIGIN, endings, outcome

if TYPE_CHECKING:
    from shared.tools import Tools
    from tests.support.tenant import Deployment

RUN = "0a" * 16
BOTH = Chosen((Device(name="web01"),), (Indicator("domain", "evil.example"),))
GONE = "the app no longer has this hunt"


def without(tools: Tools, *names: str) -> Tools:
    """Return the tools of an app that no longer has these hunts."""
    left = tuple(hunt for hunt in tools.catalog.hunts if hunt.name not in names)
    return msgspec.structs.replace(tools, catalog=Catalog(left))


async def test_a_hunt_that_is_gone_was_not_run(app: Deployment) -> None:
    """A new version of the app takes over a run whose plan has a hunt that it lacks; the rest is done."""
    app.tenant.faults.add(match="hunt", contains=FILE_ORIGIN, status=429, retry_after=900)
    run = await app.ask(incidentId=EXFILTRATION)
    await work_on(app.tools, run)
    app.ahead = timedelta(minutes=20)
    await work_on(without(app.tools, "file-origin"), run)
    done = await app.done(run)

    assert ("notRun", GONE) == (outcome(done, "file-origin").outcome, outcome(done, "file-origin").reason)
    assert "found" == endings(done)["archive-then-upload"]
    assert "completedWithFailures" == done.status
    assert f"\nNOT RUN: file-origin ({GONE})\n" in app.comments(EXFILTRATION)[0]


async def test_a_hunt_that_went_after_its_answer_was_not_run(app: Deployment) -> None:
    """Its rows cannot be judged without it; if Graph had refused it, that is the reason."""
    plan = make_plan(Work(RUN, app.now(), "", chosen=BOTH), None, app.tools.catalog, app.now())
    found = {hunt.name: Found(hunt.name) for hunt in plan.hunts}
    found["file-origin"] = Found("file-origin", failure="refused")
    gone = "file-origin", "archive-then-upload"
    decided = await decide_all(without(app.tools, *gone), RUN, plan, found)

    assert {"file-origin": "refused", "archive-then-upload": GONE} == {
        each.hunt: each.reason for each in decided.outcomes if each.hunt in gone
    }
    assert sorted(each.hunt for each in decided.outcomes) == [each.hunt for each in decided.outcomes]


async def test_a_named_hunt_that_is_gone_is_told(app: Deployment) -> None:
    """It is *not run* in the plan already; the other that was named is planned, and what it does not take is told."""
    work = Work(RUN, app.now(), "", chosen=BOTH, hunts=("gone", "file-origin"))
    plan = make_plan(work, None, app.tools.catalog, app.now())

    assert [("gone", "notRun", GONE)] == [(each.hunt, each.outcome, each.reason) for each in plan.skipped]
    assert ["file-origin"] == [hunt.name for hunt in plan.hunts]
    assert (Dropped("device", "web01", "no hunt that was named takes a device"),) == plan.chosen.dropped


async def test_an_incident_older_than_what_graph_keeps_is_not_hunted(app: Deployment) -> None:
    """Every hunt is *not run*, with the reason, and none is sent."""
    old = app.now() - timedelta(days=40)
    subject = Subject("defender", "1", chosen=BOTH, first=old, last=old)
    plan = make_plan(Work(RUN, app.now(), ""), subject, app.tools.catalog, app.now())

    assert () == plan.hunts
    assert {("notRun", "the incident is older than the 30 days that Graph keeps")} == {
        (each.outcome, each.reason) for each in plan.skipped
    }
    assert "archive-then-upload" in {each.hunt for each in plan.skipped}


async def test_a_named_hunt_without_its_entity_does_not_apply(app: Deployment) -> None:
    """It says which it needs; one that nobody named is left out without a word."""
    work = Work(
        RUN,
        app.now(),
        "",
        chosen=Chosen((), (Indicator("ip", "198.51.100.7"),)),
        hunts=("archive-then-upload",),
    )
    plan = make_plan(work, None, app.tools.catalog, app.now())

    assert [("archive-then-upload", "notApplicable", "there is no device")] == [
        (each.hunt, each.outcome, each.reason) for each in plan.skipped
    ]
    assert (
        () == make_plan(msgspec.structs.replace(work, hunts=()), None, app.tools.catalog, app.now()).skipped
    )


async def test_a_hunt_for_other_systems_is_told_although_nobody_named_it(app: Deployment) -> None:
    """Where all devices are known to be of another system; one unknown is enough to hunt."""
    windows = Device(name="wks", os_platform="Windows11")
    plans = [
        make_plan(Work(RUN, app.now(), "", chosen=Chosen(devices)), None, app.tools.catalog, app.now())
        for devices in ((windows,), (windows, Device(name="web01")))
    ]
    hunt = "linux-server-egress-baseline"

    assert [(hunt, "notApplicable", "it is a Windows11, the hunt is for Linux server")] == [
        (each.hunt, each.outcome, each.reason) for each in plans[0].skipped if each.hunt == hunt
    ]
    assert () == plans[1].skipped
    assert hunt in {each.name for each in plans[1].hunts}


async def test_a_plan_has_what_its_comment_needs_of_the_incident(app: Deployment) -> None:
    """Where it is commented, what people call it, when it was opened, and what is to be said of it."""
    subject = Subject(
        "sentinel",
        "/subscriptions/1",
        "A title",
        "https://portal.example/1",
        BOTH,
        opened=app.now(),
        notes=("a note",),
    )
    plan = make_plan(Work(RUN, app.now(), ""), subject, app.tools.catalog, app.now())

    assert ("sentinel", "/subscriptions/1", "A title", "https://portal.example/1", BOTH, app.now(), ("a note",)) == (
        plan.provider, plan.incident_id, plan.incident_title, plan.incident_url, plan.chosen, plan.opened, plan.notes
    )  # fmt: skip


async def test_devices_that_share_a_name_are_told(app: Deployment) -> None:
    """Only where the incident names none of them by its id: all were hunted."""
    device = app.tools.catalog.by_name["device-card"]
    raw = msgspec.json.encode(
        {
            "schema": [{"name": name, "type": "String"} for name in ("DeviceId", "DeviceName", "LastSeen")],
            "results": [
                {"DeviceId": f"{n:040x}", "DeviceName": name, "LastSeen": "2026"}
                for n, name in enumerate(("web01.a.example", "web01.b.example", "app01"))
            ],
        }
    )
    named, known = Device(name="web01"), Device(f"{1:040x}", "web01")
    await app.tools.runs.record(RUN, (Found(device.name, rows=2),), raw)
    found = {device.name: Found(device.name, rows=2)}
    notes = [
        (await decide_all(app.tools, RUN, Plan(chosen=Chosen((one,)), notes=("first",)), found)).notes
        for one in (named, known, Device(name="app01"))
    ]

    assert [("first", "2 devices are called web01; all of them were hunted"), ("first",), ("first",)] == notes


async def test_a_run_ends_as_its_hunts_and_its_comment_did(app: Deployment) -> None:
    """Failed where nothing could be run or planned, with failures where something failed."""
    names = ("archive-then-upload", "file-origin")
    work = Work(RUN, app.now(), "", chosen=BOTH, hunts=names)
    plan = make_plan(work, None, app.tools.catalog, app.now())

    async def status(*failed: str, comment: str = "written") -> str:
        """Return how a run ends some of whose hunts *failed*, and whose comment ended as *comment*."""
        found = {
            hunt.name: Found(hunt.name, rows=1, failure="x" * (hunt.name in failed)) for hunt in plan.hunts
        }
        decided = await decide_all(app.tools, RUN, plan, found)
        return run_status(plan, decided, (CommentResult("1", comment),))

    assert "failed" == await status(*names)
    assert "completedWithFailures" == await status(names[0])
    assert "completedWithFailures" == await status("device-card")
    assert "completedWithFailures" == await status(comment="failed")
    assert "completed" == await status(comment="off")
    assert "failed" == run_status(
        Plan(failure="unreadable"), await decide_all(app.tools, RUN, Plan(), {}), ()
    )
    assert "completed" == run_status(Plan(), await decide_all(app.tools, RUN, Plan(), {}), ())


async def test_a_gone_hunt_is_recorded_as_such(app: Deployment) -> None:
    """So that a run that is delivered again does not ask again."""
    work = Work(RUN, app.now(), "", chosen=BOTH, hunts=("file-origin",))
    plan = make_plan(work, None, app.tools.catalog, app.now())
    await app.tools.runs.start(work, chosen_key=False)
    found, _ = await hunt_all(without(app.tools, "file-origin"), work, plan, {})

    assert Found("file-origin", failure=GONE) == found["file-origin"]
    assert found == (await app.read(RUN)).found
