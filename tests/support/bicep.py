"""
Microsoft's Bicep compiler: what the templates compile to, and what Azure would be asked for.

`python -m tests.support.bicep` prints what is missing on this machine, if anything, and then exits with 1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

#: The first version that these tests were run with; older ones format, warn and predict differently.
LEAST = (0, 49)

#: How long the compiler may take to fetch the registry's modules, which a machine without a network never gets.
LIMIT = 60.0

#: Where the templates are deployed to, as far as a prediction needs it.
TENANT = "00000000-0000-0000-0000-00000000000a"
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000b"
GROUP = "rg-outrider"
LOCATION = "westeurope"

MAIN = Path(__file__).parents[2] / "infra" / "main.bicep"


class BicepFailed(Exception):
    """The compiler refused; the message is its own."""


class Answer(NamedTuple):
    """What the compiler made of a file: the JSON, and its warnings and errors as `file:line: code: message`."""

    content: dict[str, Any]
    diagnostics: list[str]


class Bicep:
    """
    The compiler as a process that answers many calls, by the protocol of `bicep jsonrpc` (Microsoft Learn).

    It takes seconds to start, and then about half a second per call. Its *environment* is what
    `readEnvironmentVariable` reads, besides PATH and what the compiler itself needs.
    """

    def __init__(self, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not re.match("AZURE_|OUTRIDER_", name)}
        self._process = subprocess.Popen(
            ["bicep", "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept | environment,
        )  # fmt: skip
        self._calls = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.communicate()

    def compile(self, file: Path) -> Answer:
        """Return the ARM template of a `.bicep` file; its content is empty if it has errors."""
        answer = self._ask("compile", path=str(file))
        return Answer(json.loads(answer["contents"] or "{}"), _diagnostics(answer))

    def parameters(self, file: Path) -> Answer:
        """Return the values that a `.bicepparam` file gives, by parameter; none if it has errors."""
        answer = self._ask("compileParams", path=str(file), parameterOverrides={})
        given = json.loads(answer["parameters"] or '{"parameters": {}}')["parameters"]
        return Answer({name: each["value"] for name, each in given.items()}, _diagnostics(answer))

    def format(self, file: Path) -> str:
        """Return the text of a file as the compiler formats it."""
        text: str = self._ask("format", path=str(file))["contents"]
        return text

    def predict(self, file: Path, group: str = GROUP) -> dict[str, Any]:
        """Return what a `.bicepparam` file would deploy, as `bicep snapshot` says it. Raises BicepFailed."""
        metadata = {
            "tenantId": TENANT, "subscriptionId": SUBSCRIPTION, "resourceGroup": group, "location": LOCATION,
            "deploymentName": "main",
        }  # fmt: skip
        answer = self._ask("getSnapshot", path=str(file), metadata=metadata, externalInputs=[])
        snapshot: dict[str, Any] = json.loads(answer["snapshot"])
        return snapshot

    def _ask(self, method: str, **parameters: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._calls += 1
        call = {"jsonrpc": "2.0", "id": self._calls, "method": f"bicep/{method}", "params": parameters}
        body = json.dumps(call).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = json.loads(self._process.stdout.read(length) or b'{"error": {"message": "it ended"}}')
        if "error" in answer:
            error = answer["error"]
            raise BicepFailed((error.get("data") or {}).get("message") or error["message"])
        return answer["result"]


def _diagnostics(answer: dict[str, Any]) -> list[str]:
    return [
        f"{Path(each['source']).name}:{each['range']['start']['line'] + 1}: {each['code']}: {each['message']}"
        for each in answer["diagnostics"]
    ]


def missing(limit: float = LIMIT) -> str:
    """
    Return what keeps the compiler from compiling the templates here, as a sentence; '' if nothing.

    It has *limit* seconds to have the registry's modules.
    """
    if shutil.which("bicep") is None:
        return "bicep is not installed"
    try:
        said = subprocess.run(
            ["bicep", "--version"], capture_output=True, text=True, timeout=limit, check=True
        ).stdout
        version = re.search(r"(\d+)\.(\d+)\.\d+", said)
        if version is None or (int(version[1]), int(version[2])) < LEAST:
            return f"bicep is too old: {said.strip()}"
        # It fails for what cannot be fetched alone: a template with an error in it is for the tests to tell.
        subprocess.run(
            ["bicep", "restore", str(MAIN)], capture_output=True, text=True, timeout=limit, check=True
        )
    except subprocess.TimeoutExpired:
        return f"bicep does not have the registry's modules within {limit:g} seconds"
    except (OSError, subprocess.CalledProcessError) as error:
        return f"bicep cannot fetch the registry's modules: {getattr(error, 'stderr', None) or error}"
    return ""


if __name__ == "__main__":
    reason = missing()
    if reason:
        print(reason, file=sys.stderr)
    sys.exit(bool(reason))
