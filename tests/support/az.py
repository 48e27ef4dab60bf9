"""
A stand-in for `az`, run in its place: it answers out of a file as Microsoft Graph would, and logs what it was asked.

`tests/support/granting.py` copies it beside that file, so it imports nothing of the project. What `--query` picks is
written out below: Azure CLI 2.91.0 printed the same for these answers.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path(sys.argv[0]).parent

#: What `--output tsv` prints, a line for each, by `--query`.
QUERIES: dict[str, Callable[[Any], list[str]]] = {
    "endpoints.microsoftGraphResourceId": lambda answer: [answer] if answer else [],
    "id": lambda answer: [answer["id"]],
    '"@odata.type"': lambda answer: [answer["@odata.type"]],
    "value[0].[id, appRoles[?value].join(' ', [value, id])][]": lambda answer: [
        line
        for found in answer["value"][:1]
        for line in (
            found["id"],
            *(f"{role['value']} {role['id']}" for role in found["appRoles"] if role["value"]),
        )
    ],
    "value[].join(' ', [principalId, resourceId, appRoleId])": lambda answer: [
        f"{one['principalId']} {one['resourceId']} {one['appRoleId']}" for one in answer["value"]
    ],
}


def main() -> None:
    """Log the call, fail if it is the one that must, and print the answer."""
    state = json.loads((HOME / "state.json").read_text())
    log = HOME / "log"
    calls = log.read_text().splitlines() if log.exists() else []
    said = parsed(sys.argv[1:])
    log.write_text("\n".join([*calls, json.dumps(vars(said))]) + "\n")
    if len(calls) + 1 == state["fails"]:
        sys.exit("ERROR: az's own words")
    print("WARNING: az warns of something", file=sys.stderr)
    show(
        state["graph"] + "/" * bool(state["graph"]) if said.command == "cloud" else answer(state, said), said
    )


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the arguments by their names, and the body as what is in it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    cloud, rest = commands.add_parser("cloud"), commands.add_parser("rest")
    cloud.add_argument("show", choices=["show"])
    for name in ("--query", "--output"):
        cloud.add_argument(name)
        rest.add_argument(name)
    for name in ("--method", "--url", "--resource"):
        rest.add_argument(name, required=True)
    rest.add_argument("--url-parameters", nargs="+", default=[])
    rest.add_argument("--headers")
    rest.add_argument("--body")
    said = parser.parse_args(arguments)
    body = getattr(said, "body", None)
    if body and body.startswith("@"):
        file = Path(body[1:])
        said.file, said.mode, said.body = str(file), oct(file.stat().st_mode & 0o777), file.read_text()
    return said


def show(answer: Any, said: argparse.Namespace) -> None:
    """Print as `--output` says."""
    if said.output == "tsv":
        print("".join(f"{line}\n" for line in QUERIES[said.query](answer)), end="")
    else:
        print(json.dumps(answer, indent=2))


def answer(state: dict[str, Any], said: argparse.Namespace) -> dict[str, Any]:
    """Return what Graph answers; end with what az says where Graph refuses."""
    path = said.url.removeprefix(state["graph"] + "/v1.0/")
    if path == said.url or said.resource != state["graph"]:
        sys.exit(f"ERROR: a call to {said.url}, with a token for {said.resource}")
    if said.method == "post":
        return posted(state, said, path)
    kind, _, rest = path.partition("/")
    thing, _, list_of = rest.partition("/")
    thing = thing.lower()  # Graph takes an id in any letters, and answers in small ones.
    chosen = dict(parameter.split("=", 1) for parameter in said.url_parameters)
    filtered = re.fullmatch(r"(\w+) eq '?([\w-]+)'?", chosen.get("$filter", "")) or [""] * 3
    if path == "servicePrincipals":
        return {"value": [one for one in state["applications"] if one["appId"] == filtered[2].lower()]}
    type_of = state["objects"].get(thing)
    if type_of is None or kind not in {"directoryObjects", f"{type_of}s"}:
        sys.exit(f'ERROR: Not Found({{"error":{{"code":"Request_ResourceNotFound","message":"{thing}"}}}})')
    if not list_of:
        return {"@odata.type": f"#microsoft.graph.{type_of}", "id": thing}
    # A user's list has the roles of the user's groups, too. What comes after the first page is not asked for.
    holders = {thing, *state["groups"].get(thing, [])}
    held = [one for one in state["assigned"] if one["principalId"] in holders]
    return {"value": [one for one in held if one["resourceId"] == filtered[2]][:100]}


def posted(state: dict[str, Any], said: argparse.Namespace, path: str) -> dict[str, Any]:
    """Assign a role as Graph does: once, and if whoever signed in may."""
    body: dict[str, str] = {name: value.lower() for name, value in json.loads(said.body).items()}
    roles = [
        role["id"]
        for one in state["applications"]
        if one["id"] == body["resourceId"]
        for role in one["appRoles"]
    ]
    if (
        path != f"servicePrincipals/{body['resourceId']}/appRoleAssignedTo"
        or body["principalId"] not in state["objects"]
        or body["appRoleId"] not in roles
        or said.headers != "Content-Type=application/json"
    ):
        sys.exit(f"ERROR: Bad Request({body})")
    if body["appRoleId"] in state["refuses"]:
        sys.exit('ERROR: Forbidden({"error":{"code":"Authorization_RequestDenied"}})')
    if body in [{name: one[name] for name in body} for one in state["assigned"]]:
        sys.exit("ERROR: Bad Request(Permission being assigned already exists on the object)")
    made = {"id": f"assignment-{len(state['assigned'])}", **body}
    (HOME / "state.json").write_text(json.dumps(state | {"assigned": [*state["assigned"], made]}))
    return made


if __name__ == "__main__":
    main()
