"""An incident without a device or an indicator is not passed over in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sandbox.tenant import incidents
from sandbox.tenant.evidence import Incident
from shared.watch import look
from shared.work import work_on
from tests.support.odd import only_empty
from tests.support.tenant import Deployment, Fleet

ACCOUNT = {"@odata.type": "#microsoft.graph.security.userEvidence", "verdict": "suspicious",
           "userAccount": {"userPrincipalName": "anna@contoso.com"}}  # fmt: skip
MAIL = {"@odata.type": "#microsoft.graph.security.mailboxEvidence", "primaryAddress": "bob@contoso.com"}
APP = {"@odata.type": "#microsoft.graph.security.oauthApplicationEvidence", "displayName": "Invoice helper"}


async def opened(app: Deployment, *evidence: dict[str, Any]) -> Incident:
    """Open an incident with just this evidence."""
    incident = incidents.generate(app.tenant)
    incident["alerts"][0]["evidence"] = list(evidence)
    return incident


async def run_all(app: Deployment) -> list[str]:
    """Let the watch look, and work on what it starts; return what became of each run's comment."""
    app.messages.clear()
    await look(app.tools)
    runs = [run for _, run, _ in app.messages]
    for run in runs:
        await work_on(app.tools, run)
    return [comment.status for run in runs for comment in (await app.done(run)).comments]


@pytest.mark.fault(
    "A7",
    before="['off'] == ['written']: there is no device or indicator to hunt for, so there is nothing to say",
)
@pytest.mark.parametrize(
    ("evidence", "named"),
    [
        ([ACCOUNT], 'account "anna[@]contoso[.]com"'),
        ([MAIL], 'mailbox "bob[@]contoso[.]com"'),
        ([APP], 'OAuth app "Invoice helper"'),
        ([], ""),
    ],
)  # fmt: skip
async def test_an_incident_with_nothing_to_hunt_is_told_so(
    fleet: Fleet, evidence: list[dict[str, Any]], named: str
) -> None:
    """In two lines: that nothing is hunted, and what was not looked at, by name."""
    app = await only_empty(fleet)
    incident = await opened(app, *evidence)
    first = await run_all(app)
    (comment,) = [each["comment"] for each in incident["comments"]]
    lines = [line for line in comment.splitlines() if line]
    await app.close()

    assert ["written"] == first
    assert lines[0].startswith("Outrider: nothing to hunt for")
    assert named in comment
    assert len(lines) <= 3


async def test_it_is_told_once(fleet: Fleet) -> None:
    """Another account is no news."""
    app = await only_empty(fleet)
    incident = await opened(app, ACCOUNT)
    first = await run_all(app)
    app.clock += timedelta(minutes=2)
    incidents.grow(app.tenant, incident, MAIL)
    second = await run_all(app)
    await app.close()

    assert (["written"], ["alreadyThere"], 1) == (first, second, len(incident["comments"]))


async def test_a_setting_keeps_silence(fleet: Fleet) -> None:
    """COMMENT_NOTHING_TO_HUNT=off; the run says why."""
    app = await only_empty(fleet)
    app.tools = replace(app.tools, settings=replace(app.tools.settings, comment_nothing_to_hunt="off"))
    await opened(app, ACCOUNT)

    assert ["off"] == await run_all(app)
    await app.close()
