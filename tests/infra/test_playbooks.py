"""The playbooks' workflow definitions: how they call the app, and what they send and read."""

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
    """Yield every definition as Bicep deploys it: those for entities with their path and body."""
    for name in ("incident", "callout"):
        yield pytest.param(definition(name), id=name)
    for kind, entity in definition("entities").items():
        workflow = definition("entity")
        workflow["triggers"]["Microsoft_Sentinel_entity"]["inputs"]["path"] = entity["path"]
        workflow["actions"]["Hunt"]["inputs"]["body"] = entity["body"]
        yield pytest.param(workflow, id=kind)


every_definition = pytest.mark.parametrize("workflow", list(definitions()))


def actions(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield every action, at any depth: its name, the action, and the actions of the same block."""
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
def test_every_call_goes_to_a_route_of_the_app(workflow: dict[str, Any]) -> None:
    """A playbook makes one call, to the address that the app was deployed at."""
    called = [(call["inputs"]["method"], call["inputs"]["uri"]) for call in calls(workflow)]

    assert len(called) == 1
    assert [] == [
        (method, uri)
        for method, uri in called
        if (method, uri.removeprefix("@{parameters('appUrl')}")) not in routes()
    ]


@every_definition
def test_a_playbook_calls_as_its_managed_identity(workflow: dict[str, Any]) -> None:
    """Its token is for the app's own registration and for nothing else."""
    expected = {"type": "ManagedServiceIdentity", "audience": "@parameters('audience')"}

    assert [expected] == [call["inputs"]["authentication"] for call in calls(workflow)]


@every_definition
def test_a_call_waits_longer_than_any_run(workflow: dict[str, Any]) -> None:
    """It follows 202 and Location for 25 hours, and a waiting run gives up after a day."""
    (call,) = calls(workflow)

    assert "operationOptions" not in call
    assert "PT25H" == call["limit"]["timeout"]


@every_definition
def test_a_call_is_retried_within_the_limits_of_logic_apps(workflow: dict[str, Any]) -> None:
    """It is tried at most 90 times, at intervals of 5 seconds to 5 minutes."""
    (call,) = calls(workflow)
    policy = call["inputs"]["retryPolicy"]

    assert "exponential" == policy["type"]
    assert 4 <= policy["count"] <= 90
    assert ("PT5S", "PT5M") == (policy["minimumInterval"], policy["maximumInterval"])


@every_definition
def test_every_expression_names_something_that_exists(workflow: dict[str, Any]) -> None:
    """Parameters are declared, actions exist, and an action runs only after others of its own block."""
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
def test_expressions_close_every_bracket_and_quote(workflow: dict[str, Any]) -> None:
    """An expression has as many closing parentheses as opening ones, and an even number of quotes."""
    expressions = re.findall(r"@\{[^}]*\}|\"@[^\"]*\"", json.dumps(workflow))

    assert expressions
    assert [] == [text for text in expressions if text.count("(") != text.count(")") or text.count("'") % 2]


def test_the_app_gets_the_incident_as_sentinel_sent_it() -> None:
    """The playbook passes on the trigger's body unchanged."""
    assert "@triggerBody()" == definition("incident")["actions"]["Hunt"]["inputs"]["body"]


@pytest.mark.parametrize("kind", ENTITIES)
def test_the_app_hunts_for_the_one_entity_of_a_body(kind: str) -> None:
    """The app accepts the body for each type of entity, and reads one entity of that type from it."""
    body = json.dumps(definition("entities")[kind]["body"])
    for field in re.findall(r"@\{triggerBody\(\)\?\['Entity'\]\?\['properties'\]\?\['(\w+)'\]\}", body):
        body = body.replace(
            f"@{{triggerBody()?['Entity']?['properties']?['{field}']}}", ENTITIES[kind].get(field, "")
        )
    chosen = parse_enrich(body.encode(), Limits())["chosen"]
    kinds = [indicator.kind for indicator in chosen.indicators] or ["device"]

    assert [{"file-hash": "fileHash"}.get(kind, kind)] == kinds


def test_every_type_of_entity_has_a_playbook() -> None:
    """They are the types that the app hunts for, by the names in Sentinel's connector."""
    types = [re.findall(r"'(\w+)'", entity["path"]) for entity in definition("entities").values()]

    assert [["Host"], ["DNS"], ["FileHash"], ["IP"], ["UrlEntity"]] == types


def test_a_verdict_cannot_put_markup_into_a_comment() -> None:
    """A verdict holds names that an attacker chose, so it is escaped, & before < and >."""
    message = definition("entity")["actions"]["If_run_from_an_incident"]["actions"]["Say_so_on_the_incident"][
        "inputs"
    ]["body"]["message"]
    escaped = re.findall(
        r"replace\(replace\(replace\(string\((.+?)\), '&', '&amp;'\), '<', '&lt;'\), '>'", message
    )

    assert ["body('Hunt')?['verdict']"] == escaped
    assert 1 == message.count("verdict")


def test_the_report_link_goes_through_the_sign_in() -> None:
    """The app's own links do so, too: a browser that is not signed in would get a 401."""
    link = "/.auth/login/aad?post_login_redirect_uri="
    target = "@{encodeURIComponent(concat('/api/runs/', body('Hunt')?['runId'], '/report'))}"

    assert f"@{{parameters('appUrl')}}{link}{target}" in json.dumps(definition("entity"))
    assert link in (ROOT / "functions" / "app.py").read_text("utf-8")


def test_the_example_sends_only_fields_the_app_reads() -> None:
    """The fields that the callout example takes are fields of the app's request body."""
    taken = definition("callout")["triggers"]["Entities"]["inputs"]["schema"]["properties"]
    known = {field.encode_name for field in msgspec.structs.fields(EnrichBody)}

    assert set(taken) <= known


def test_the_example_reads_what_the_app_answers() -> None:
    """The fields it requires are in the answer, it lists every outcome, and its statuses are the app's."""
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
