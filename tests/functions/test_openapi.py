"""The Swagger file, for Logic Apps' custom connectors, describes what the app accepts and answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, get_args

import msgspec
import pytest
import schemathesis

from shared import settings
from shared.entities.request import EnrichBody, SweepBody
from shared.model.entity import INDICATOR_KINDS
from shared.model.hunt import Hunt
from shared.model.outcome import Ending
from shared.model.record import CommentResult, Status
from shared.selftest.watching import Watching
from tests.support.deployed import ROOT
from tests.support.openapi import document, operations

# A process of its own: Microsoft's library loads one app per process.
LIST = """
import asyncio, json, sys
from pathlib import Path
from sandbox.host.worker_process import load
functions = asyncio.run(load(Path(sys.argv[1])))
print(json.dumps([[f.name, f.trigger.route, f.trigger.methods] for f in functions if f.trigger.type == "httpTrigger"]))
"""


def definition(name: str) -> dict[str, Any]:
    """Return a definition of the file, by its name."""
    content: dict[str, Any] = document()["definitions"][name]
    return content


def test_the_file_is_valid_swagger_2() -> None:
    """Every definition is used, and no keyword of a later version appears."""
    schema = schemathesis.openapi.from_dict(document())
    schema.validate()
    text = json.dumps(document())
    named = {name.rsplit("/", 1)[-1] for name in re.findall(r'"\$ref": "(#/definitions/\w+)"', text)}

    assert set(document()["definitions"]) == named
    assert "2.0" == document()["swagger"]
    assert [] == [
        word for word in ("oneOf", "anyOf", "nullable", "requestBody", "const") if f'"{word}"' in text
    ]


def test_every_http_function_is_described() -> None:
    """Each is described under its function's name, and nothing else is described."""
    environment = {
        "STATE_URL": "memory://",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "WEBSITE_HOSTNAME": "127.0.0.1",
    }
    listed = subprocess.run(
        [sys.executable, "-c", LIST, str(ROOT)], cwd=ROOT, env=environment, capture_output=True, check=True, text=True
    ).stdout  # fmt: skip
    registered = {
        f"{method} /api/{route}": name for name, route, methods in json.loads(listed) for method in methods
    }

    assert registered == {where: operation["operationId"] for where, operation in operations().items()}


@pytest.mark.parametrize(("body", "name"), [(EnrichBody, "EnrichRequest"), (SweepBody, "SweepRequest")])
def test_request_bodies_match_the_code(body: type, name: str) -> None:
    """They have the fields that the code reads, with a type it accepts, and the same limits and defaults."""
    schemas, parts = msgspec.json.schema_components([body], ref_template="{name}")
    contract = parts[schemas[0]["$ref"]]
    described = definition(name)

    assert set(contract["properties"]) == set(described["properties"])
    assert contract["required"] == described.get("required", [])
    assert contract["additionalProperties"] is described["additionalProperties"] is False
    assert [] == [
        field
        for field, schema in described["properties"].items()
        if not fits(schema, contract["properties"][field])
    ]


def fits(described: dict[str, Any], contract: dict[str, Any]) -> bool:
    """
    Return whether a field's description matches the code, or one of the types that the code allows there.
    """
    options = contract.get("anyOf", [contract])
    alike = [each for each in options if each.get("type") == described["type"]]
    return bool(alike) and all(
        described.get(limit) == alike[0].get(limit) for limit in ("maxLength", "format", "enum", "minimum")
    ) and described.get("default", contract.get("default")) == contract.get("default") and (
        "items" not in described or fits(described["items"], alike[0]["items"])
    )  # fmt: skip


def literal(struct: type[msgspec.Struct], field: str) -> list[str]:
    """Return the words that a field may hold."""
    types = {each.encode_name: each.type for each in msgspec.structs.fields(struct)}
    return list(get_args(types[field]))


def test_every_enum_lists_the_words_of_the_code() -> None:
    """Statuses, outcomes, kinds and settings have the same words in the file and in the code."""
    fields = {
        name: definition(name)["properties"] for name in ("Run", "RunHunt", "Comment", "Hunt", "Health")
    }
    kinds = list(INDICATOR_KINDS)
    devices, indicators = fields["RunHunt"]["devices"], definition("Entities")["properties"]["indicators"]

    assert list(get_args(Status)) == fields["Run"]["status"]["enum"]
    assert list(get_args(Ending)) == fields["Run"]["outcomes"]["required"]
    assert list(get_args(Ending)) == fields["RunHunt"]["outcome"]["enum"]
    assert list(get_args(Ending)) == devices["items"]["properties"]["outcome"]["enum"]
    assert literal(CommentResult, "status") == fields["Comment"]["status"]["enum"]
    assert literal(Hunt, "entity") == fields["Hunt"]["entity"]["enum"]
    assert literal(Hunt, "role") == fields["Hunt"]["role"]["enum"]
    assert literal(Hunt, "severity") == fields["Hunt"]["severity"]["enum"]
    assert kinds == fields["Hunt"]["kinds"]["items"]["enum"]
    assert kinds == indicators["items"]["properties"]["kind"]["enum"]
    assert literal(settings.Settings, "COMMENTS") == fields["Health"]["comments"]["enum"]
    assert literal(Watching, "status") == fields["Health"]["watch"]["properties"]["status"]["enum"]


def test_the_designer_shows_titles_and_offers_hunts() -> None:
    """
    Operations and parameters have titles, and the choice of hunts comes from an operation that lists them.
    """
    for where, operation in operations().items():
        for parameter in operation["parameters"]:
            assert parameter["in"] == "body" or parameter["x-ms-summary"], where
        assert operation["summary"], where
        assert operation["description"], where

    listed = {operation["operationId"]: operation for operation in operations().values()}
    for name in ("EnrichRequest", "SweepRequest"):
        choices = definition(name)["properties"]["hunts"]["items"]["x-ms-dynamic-values"]
        schema = listed[choices["operationId"]]["responses"]["200"]["schema"]["$ref"].rsplit("/", 1)[-1]
        items = definition(schema)["properties"][choices["value-collection"]]["items"]["$ref"].rsplit("/", 1)[
            -1
        ]

        assert {choices["value-path"], choices["value-title"]} <= set(definition(items)["properties"])


def test_a_call_needs_a_function_key_or_a_token() -> None:
    """The key goes into the header x-functions-key, and the token comes from signing in with OAuth 2."""
    schemes = document()["securityDefinitions"]

    assert [{"functionKey": []}, {"entra": []}] == document()["security"]
    assert ("apiKey", "header", "x-functions-key") == tuple(
        schemes["functionKey"][name] for name in ("type", "in", "name")
    )
    assert "oauth2" == schemes["entra"]["type"]
