"""Links to next pages: followed at the service's own host, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.tenant import incidents
from shared.errors import GraphError
from shared.links import followed
from shared.model.watching import STATE
from shared.watch import look
from tests.support.line import Line
from tests.support.odd import only_empty, through
from tests.support.tenant import Fleet

SINCE = datetime(2026, 11, 24, tzinfo=UTC)
#: By what is wrong with it, a link that a program might take for one to graph.microsoft.com.
FOREIGN = {
    "host": "https://graph.example/v1.0/x",
    "scheme": "http://graph.microsoft.com/v1.0/x",
    "port": "https://graph.microsoft.com:8443/v1.0/x",
    "below": "https://graph.microsoft.com.example/v1.0/x",
    "user": "https://graph.microsoft.com@graph.example/v1.0/x",
    "our user": "https://someone:x@graph.microsoft.com/v1.0/x",
    "backslash": "https://graph.microsoft.com\\@graph.example/v1.0/x",
    "backslash behind": "https://graph.microsoft.com/\\graph.example",
    "tab": "https://graph.micro\tsoft.com/v1.0/x",
    "line": "https://graph.microsoft.com/v1.0/x\n",
    "blank": " https://graph.microsoft.com/v1.0/x",
    "dot": "https://graph.microsoft.com./v1.0/x",
    "alike": "https://graph.microsoft\u3002com/v1.0/x",
    "no host": "/v1.0/x",
    "no scheme": "//graph.microsoft.com/v1.0/x",
    "no port": "https://graph.microsoft.com:/v1.0/x",
    "odd port": "https://graph.microsoft.com:x/v1.0/x",
    "bracket": "https://[/",
    "file": "file:///etc/passwd",
}


def page(link: str, *found: dict[str, Any]) -> httpx.Response:
    """Return a page of incidents that names the next one."""
    return httpx.Response(200, json={"value": list(found), "@odata.nextLink": link})


@pytest.mark.fault("B12", before="DID NOT RAISE: graph.example was asked, without the token")
@pytest.mark.parametrize("link", FOREIGN.values(), ids=FOREIGN)
async def test_a_next_page_of_incidents_at_another_host_is_not_asked(link: str) -> None:
    """It is an error that says so, without the link, which somebody else wrote."""
    line = Line(page(link), httpx.Response(200, json={"value": []}))
    with pytest.raises(
        GraphError, match=r"^the next page of incidents is on another host, which is not asked$"
    ):
        await line.graph().list_incidents(SINCE)

    assert ["graph.microsoft.com"] == [request.url.host for request in line.requests]


@pytest.mark.parametrize("link", FOREIGN.values(), ids=FOREIGN)
def test_a_link_elsewhere_is_refused_for_every_service(link: str) -> None:
    """The error names the service whose answer it stood in."""
    with pytest.raises(GraphError) as raised:
        followed(link, "https://graph.microsoft.com", "comments", "Azure")

    assert "Azure" == raised.value.service


@pytest.mark.parametrize(
    ("root", "link"),
    [
        ("https://graph.microsoft.com", "https://graph.microsoft.com/v1.0/x?$skip=1&$filter=a%20b#c"),
        ("https://graph.microsoft.com", "HTTPS://Graph.Microsoft.com:443?x"),
        ("https://graph.microsoft.us:443/", "https://graph.microsoft.us"),
        ("https://dod-graph.microsoft.us", "https://dod-graph.microsoft.us/v1.0/[x]"),
        ("http://127.0.0.1:7072", "http://127.0.0.1:7072/v1.0/x"),
        ("http://[::1]:7072", "http://[::1]:7072/v1.0/x"),
    ],
)
def test_a_link_to_the_services_own_host_is_followed(root: str, link: str) -> None:
    """As it is written, whatever the case of the host, and with or without the default port."""
    assert link == followed(link, root, "incidents", "Microsoft Graph")


@pytest.mark.parametrize(
    ("cloud", "host"), [("usgov", "graph.microsoft.us"), ("usgovdod", "dod-graph.microsoft.us")]
)
async def test_each_cloud_has_its_own_next_pages(cloud: str, host: str) -> None:
    """The global cloud's host is another host there."""
    line = Line(page(f"https://{host}/v1.0/x"), page("https://graph.microsoft.com/v1.0/x"))
    with pytest.raises(GraphError, match="another host"):
        await line.graph(AZURE_CLOUD=cloud).list_incidents(SINCE)

    assert [host, host] == [request.url.host for request in line.requests]


@pytest.mark.fault(
    "B12", before="Unavailable: Graph refuses the token; each look was told as Graph not answering now"
)
async def test_the_watch_says_that_it_could_not_look(fleet: Fleet) -> None:
    """The look fails, which the host logs, and counts as none; the next one starts all that was listed since."""
    app = await only_empty(fleet)
    stored = await app.tools.store.get(STATE)
    opened = {incidents.generate(app.tenant, severity="low")["id"] for _ in range(60)}
    whole = app.app
    through(app, b'"@odata.nextLink": "http://127.0.0.1', b'"@odata.nextLink": "http://127.0.0.2')
    with pytest.raises(GraphError, match="another host"):
        await look(app.tools)
    after, app.app = await app.tools.store.get(STATE), whole
    app.tools, app.ahead = app.worker(), timedelta(minutes=1)
    await look(app.tools)
    runs = {(await app.read(run)).work.incident_id for _, run, _ in app.messages}
    await app.close()

    assert stored == after
    assert opened == runs
