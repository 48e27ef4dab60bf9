"""Ask Microsoft's KQL parser and binder (`validate.js`) from Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from msgspec import Struct

HERE = Path(__file__).parent
SCHEMA = HERE.parent / "telemetry" / "defender-schemas.json"
#: Where PATH says.
NODE = "node"
LIBRARY = HERE / "node_modules" / "@kusto" / "language-service-next"


class Verdict(Struct, frozen=True):
    """
    What Microsoft's parser says about a query.

    `columns` has the result's columns as (name, type), None if the result is no table. `reads` has the
    references to known tables as (table, offset in the query). `tokens`, as (kind, text), and the values of
    `literals` are there only if they were asked for.
    """

    kind: str
    diagnostics: list[str]
    columns: list[tuple[str, str]] | None
    reads: list[tuple[str, int]]
    literals: list[Any]
    tokens: list[tuple[int, str]] = []


def missing() -> str:
    """Return what the parser lacks on this machine, as a sentence; '' if nothing."""
    if shutil.which(NODE) is None:
        return "Node.js is not installed"
    if not LIBRARY.is_dir():
        return "Microsoft's KQL parser is not installed: run `npm ci` in sandbox/kusto"
    return ""


class Judge:
    """The parser, in a Node process that takes about a second to start and milliseconds per query."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our script)
            [NODE, str(HERE / "validate.js"), str(SCHEMA)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii",
        )  # fmt: skip

    def __call__(
        self, query: str, *, tokens: bool = False, tables: dict[str, dict[str, str]] | None = None
    ) -> Verdict:
        """
        Return the parser's verdict on *query*, which may read the tables of Advanced Hunting and *tables*.

        *tables* maps each name to its columns, column -> type. With *tokens*, the verdict has tokens and
        literals.
        """
        return Verdict(**self._ask({"query": query, "tokens": tokens, "tables": tables}))

    def functions(self) -> set[str]:
        """Return the names of KQL's built-in functions and aggregates."""
        return set(self._ask({"functions": True}))

    def close(self) -> None:
        """End the Node process."""
        self._process.communicate()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None  # noqa: S101  (a pipe was asked for)
        assert self._process.stdout is not None  # noqa: S101  (as above)
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
