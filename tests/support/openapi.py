"""The Swagger file of the HTTP functions, and a check of answers against it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

FILE = Path(__file__).parents[2] / "functions" / "openapi.json"


@cache
def document() -> dict[str, Any]:
    """Return the decoded Swagger file, which is read once per process."""
    content: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return content


def operations() -> dict[str, dict[str, Any]]:
    """Return all operations, by method and path as in `POST /api/enrich`."""
    return {
        f"{method.upper()} {document()['basePath']}{path}": operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def problems(operation: str, status: int, body: bytes) -> list[str]:
    """
    Return what is wrong with an answer to *operation* (`POST /api/enrich`), one line per problem.

    A status that the file does not describe is a problem, and so is a field that it does not name.
    """
    response = operations()[operation]["responses"].get(str(status))
    if response is None:
        return [f"the answer {status} is not described"]
    errors = _validator(json.dumps(response["schema"])).iter_errors(json.loads(body))
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


@cache
def _validator(schema: str) -> jsonschema_rs.Draft4Validator:
    definitions = {name: _closed(each) for name, each in document()["definitions"].items()}
    return jsonschema_rs.Draft4Validator(
        {**json.loads(schema), "definitions": definitions}, validate_formats=True
    )


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _closed(part) for name, part in schema["properties"].items()}
        closed.setdefault("additionalProperties", False)
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if schema.get("x-nullable"):
        closed["type"] = [schema["type"], "null"]
    return closed
