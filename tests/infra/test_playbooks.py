"""The playbooks: workflow definitions that fit the app's contract, and Bicep that gives them no right too many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from shared.entities.choosing import Limits
from shared.entities.request import EnrichBody, parse_enrich
from shared.model.outcome import Ending, Outcome
from shared.model.record import Done, Run, Status, Work
from shared.pages.summary import summary

ROOT = Path(__file__).parents[2]
PLAYBOOKS = ROOT / "infra" / "playbooks"
TEMPLATES = sorted(PLAYBOOKS.glob("*.bicep"))

# Azure built-in roles (Microsoft Learn): the ids are the same in every tenant.
ROLES = {"microsoftSentinelAutomationContributor": "f4c81013-99ee-4d62-a7ee-b3f1f648599a"}

# An entity trigger's body, as Microsoft's own playbooks read it (Azure-Sentinel on GitHub).
ENTITIES = {
    "device": {"HostName": "srv-7"},
    "domain": {"DomainName": "drop.evil.example"},
    "file-hash": {"Algorithm": "SHA1", "Value": "3395856ce81f2b7382dee72602f798b642f14140"},
    "ip": {"Address": "203.0.113.9"},
    "url": {"Url": "https://drop.evil.example/a?b=1"},
}


def definition(name: str) -> dict[str, Any]:
    """Return a workflow definition as it is written."""
    content: dict[str, Any] = json.loads((PLAYBOOKS / f"{name}.json").read_text("utf-8"))
    return content


def definitions() -> Iterator[Any]:
    """Yield every definition as Bicep deploys it: an entity's with its path and body."""
    for name in ("incident", "callout"):
        yield pytest.param(definition(name), id=name)
    for kind, entity in definition("entities").items():
        workflow = definition("entity")
        workflow["triggers"]["Microsoft_Sentinel_entity"]["inputs"]["path"] = entity["path"]
        workflow["actions"]["Hunt"]["inputs"]["body"] = entity["body"]
        yield pytest.param(workflow, id=kind)


every_definition = pytest.mark.parametrize("workflow", list(definitions()))


def actions(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield every action, however deep: its name, itself, and those beside it."""
    beside = block.get("actions", {})
    for name, action in beside.items():
        yield name, action, beside
        yield from actions(action)
        yield from actions(action.get("else", {}))


def calls(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the actions that call the app."""
    return [action for _, action, _ in actions(workflow) if action["type"] == "Http"]


def routes() -> set[tuple[str, str]]:
    """Return the method and path of every HTTP function."""
    found = set()
    for file in (ROOT / "functions").glob("*.py"):
        for path, methods in re.findall(r'\.route\("(.+?)", methods=\[(.+?)\]', file.read_text("utf-8")):
            found |= {(method, f"/api/{path}") for method in re.findall(r"\w+", methods)}
    return found


@every_definition
def test_route(workflow: dict[str, Any]) -> None:
    """Every call goes to a function that the app has, below the address that it was deployed at."""
    called = [(call["inputs"]["method"], call["inputs"]["uri"]) for call in calls(workflow)]

    assert len(called) == 1
    assert [] == [
        (method, uri)
        for method, uri in called
        if (method, uri.removeprefix("@{parameters('appUrl')}")) not in routes()
    ]


@every_definition
def test_identity(workflow: dict[str, Any]) -> None:
    """A playbook calls as a managed identity, with a token for the app's own registration and no other."""
    expected = {"type": "ManagedServiceIdentity", "audience": "@parameters('audience')"}

    assert [expected] == [call["inputs"]["authentication"] for call in calls(workflow)]


@every_definition
def test_follows(workflow: dict[str, Any]) -> None:
    """A call follows 202 and Location, for longer than a run waits before it gives up, which is a day."""
    (call,) = calls(workflow)

    assert "operationOptions" not in call
    assert "PT25H" == call["limit"]["timeout"]


@every_definition
def test_retries(workflow: dict[str, Any]) -> None:
    """A call is tried again within the limits of Logic Apps: at most 90 times, 5 seconds apart or more."""
    (call,) = calls(workflow)
    policy = call["inputs"]["retryPolicy"]

    assert "exponential" == policy["type"]
    assert 4 <= policy["count"] <= 90
    assert ("PT5S", "PT5M") == (policy["minimumInterval"], policy["maximumInterval"])


@every_definition
def test_references(workflow: dict[str, Any]) -> None:
    """Every expression names a parameter that is declared, or an action that has run before it."""
    text = json.dumps(workflow)
    names = {name for name, _, _ in actions(workflow)}
    parameters = set(re.findall(r"parameters\('(.+?)'\)", text))
    broken = [
        (name, before)
        for name, action, beside in actions(workflow)
        for before in action["runAfter"]
        if before not in beside
    ]

    assert parameters == set(workflow["parameters"])
    assert set(re.findall(r"(?:body|outputs|actions)\('(.+?)'\)", text)) <= names
    assert [] == broken


@every_definition
def test_expressions_close(workflow: dict[str, Any]) -> None:
    """Every expression closes what it opens."""
    expressions = re.findall(r"@\{[^}]*\}|\"@[^\"]*\"", json.dumps(workflow))

    assert expressions
    assert [] == [text for text in expressions if text.count("(") != text.count(")") or text.count("'") % 2]


def test_incident_body() -> None:
    """The app gets an incident as Sentinel gave it."""
    assert "@triggerBody()" == definition("incident")["actions"]["Hunt"]["inputs"]["body"]


@pytest.mark.parametrize("kind", ENTITIES)
def test_entity_body(kind: str) -> None:
    """The app takes the body for each type of entity, and hunts for that entity alone."""
    body = json.dumps(definition("entities")[kind]["body"])
    for field in re.findall(r"@\{triggerBody\(\)\?\['Entity'\]\?\['properties'\]\?\['(\w+)'\]\}", body):
        body = body.replace(
            f"@{{triggerBody()?['Entity']?['properties']?['{field}']}}", ENTITIES[kind].get(field, "")
        )
    chosen = parse_enrich(body.encode(), Limits())["chosen"]
    kinds = [indicator.kind for indicator in chosen.indicators] or ["device"]

    assert [{"file-hash": "fileHash"}.get(kind, kind)] == kinds


def test_entity_types() -> None:
    """Each type of entity has a playbook: those that the app hunts for, by the names of Sentinel's connector."""
    types = [re.findall(r"'(\w+)'", entity["path"]) for entity in definition("entities").values()]

    assert [["Host"], ["DNS"], ["FileHash"], ["IP"], ["UrlEntity"]] == types


def test_comment_is_inert() -> None:
    """No markup comes out of a verdict, which holds names that an attacker chose; & is replaced before the rest."""
    message = definition("entity")["actions"]["If_run_from_an_incident"]["actions"]["Say_so_on_the_incident"][
        "inputs"
    ]["body"]["message"]
    escaped = re.findall(
        r"replace\(replace\(replace\(string\((.+?)\), '&', '&amp;'\), '<', '&lt;'\), '>'", message
    )

    assert ["body('Hunt')?['verdict']"] == escaped
    assert 1 == message.count("verdict")


def test_report_link() -> None:
    """The link to the report goes through the sign-in, as the app's own does: a browser without one gets 401."""
    link = "/.auth/login/aad?post_login_redirect_uri="
    target = "@{encodeURIComponent(concat('/api/runs/', body('Hunt')?['runId'], '/report'))}"

    assert f"@{{parameters('appUrl')}}{link}{target}" in json.dumps(definition("entity"))
    assert link in (ROOT / "functions" / "app.py").read_text("utf-8")


def test_callout_asks() -> None:
    """What the example takes, the app takes too."""
    taken = definition("callout")["triggers"]["Entities"]["inputs"]["schema"]["properties"]
    known = {field.encode_name for field in msgspec.structs.fields(EnrichBody)}

    assert set(taken) <= known


def test_callout_reads() -> None:
    """The example reads what the app answers: its fields are there, and it knows every outcome and ending."""
    schema = definition("callout")["actions"]["Run"]["inputs"]["schema"]
    now = datetime.now(UTC)
    done = Done(
        "completed", "1 hunt found nothing", now, outcomes=(Outcome("a-hunt", "A hunt", "nothingFound"),)
    )
    body = msgspec.to_builtins(
        summary(Run(Work("1", now, ""), done=done), now, "https://outrider.example.com/api/runs/1")
    )
    hunt = schema["properties"]["hunts"]["items"]

    assert set(schema["required"]) <= set(body)
    assert set(hunt["required"]) <= set(body["hunts"][0])
    assert set(schema["properties"]["links"]["required"]) <= set(body["links"])
    assert list(get_args(Ending)) == hunt["properties"]["outcome"]["enum"]
    assert set(schema["properties"]["status"]["enum"]) <= set(get_args(Status))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_parameters_described(template: Path) -> None:
    """Every parameter says whether it is needed, and is so; none is a secret, nor is an output."""
    text = template.read_text("utf-8")
    described = re.findall(r"@description\('(Required|Optional)\. .+'\)\nparam (\w+) \w+( = )?", text)

    assert len(re.findall(r"^param ", text, re.MULTILINE)) == len(described)
    assert [] == [name for need, name, default in described if (need == "Optional") != bool(default)]
    assert not re.search(r"@secure|listKeys|listCallbackUrl|\.list\w+\(", text)


def test_roles() -> None:
    """Every role that is assigned is the documented one, and there is none that this test does not know."""
    text = "".join(template.read_text("utf-8") for template in TEMPLATES)
    ids = dict(re.findall(r"^var (\w+) = '([0-9a-f]{8}-[0-9a-f-]{27})'$", text, re.MULTILINE))

    assert ROLES == ids
    assert len(ids) == text.count("Microsoft.Authorization/roleAssignments@")


def test_merged() -> None:
    """Bicep fills in the identity, path and body where the definitions have them, and closes the example."""
    text = (PLAYBOOKS / "playbooks.bicep").read_text("utf-8")

    assert "actions: { Hunt: { inputs: { authentication: { identity: identity.id } } } }" in text
    assert "triggers: { Microsoft_Sentinel_entity: { inputs: { path: entity.value.path } } }" in text
    assert "actions: { Hunt: { inputs: { body: entity.value.body } } }" in text
    assert "triggers: { allowedCallerIpAddresses: [] }" in text


def test_rule_for_updates() -> None:
    """An updated incident is sent again only for new alerts: Outrider's own comment is an update as well."""
    text = (PLAYBOOKS / "automation-rules.bicep").read_text("utf-8")
    _, _, updated = text.partition("Updated: [")

    assert "arrayType: 'Alerts'" in updated.partition("\n  ]")[0]
    assert "changeType: 'Added'" in updated.partition("\n  ]")[0]
    assert "Created: []" in text
