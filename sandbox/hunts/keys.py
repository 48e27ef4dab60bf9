"""What is unusual about a hunt file besides its query: its name, its keys, what an analyst misses in it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.catalog.file import name_of
from shared.catalog.load import SHIPPED
from shared.catalog.nearest import meant
from shared.catalog.slips import VERSION_OF_WINDOWS
from shared.catalog.source import place
from shared.model.hunt import DEVICE_KINDS, PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.catalog.source import Source
    from shared.model.hunt import Hunt

#: What editors check a hunt file by.
SCHEMA = SHIPPED / "hunt.schema.json"
#: The same for the cases beside it.
CASES_SCHEMA = SHIPPED / "cases.schema.json"
_MODELINE = re.compile(r"#\s*yaml-language-server:\s*\$schema=(\S+)")
_NUMBERS = re.compile(r"\d+(\.\d+)*")
_QUOTES = "“”„‘’"

#: The keys of Azure-Sentinel's hunting queries and analytics rules; those that are read, and those that may stand there.
KEYS = (
    "id", "name", "version", "description", "description-detailed", "requiredDataConnectors", "tactics",
    "relevantTechniques", "query", "metadata", "enrichment", "tags", "severity", "kind", "status", "queryFrequency",
    "queryPeriod", "triggerOperator", "triggerThreshold", "entityMappings", "customDetails", "alertDetailsOverride",
    "eventGroupingSettings", "incidentConfiguration", "suppressionDuration", "suppressionEnabled", "sentinelEntitiesMappings",
)  # fmt: skip

#: What an analyst reads of a hunt that runs by itself, and who asks.
_ASKED = {
    "columns": "which columns a comment shows",
    "means": "what it means if there are rows",
    "falsePositives": "what else matches",
    "blindSpots": "what the hunt cannot see",
    "nextSteps": "what to do with a row",
}


class Looked(NamedTuple):
    """
    A hunt file that is looked at; `hunt` is None where the loader refuses it.

    `refused` are the lines of which it speaks: nobody needs to hear of one twice.
    """

    source: Source
    hunt: Hunt | None
    refused: frozenset[int] = frozenset()

    @property
    def shipped(self) -> bool:
        """Whether it lies where the app's own hunts do."""
        return self.source.file.resolve().is_relative_to(SHIPPED)


def modeline(file: Path, schema: Path = SCHEMA) -> str:
    """Return the comment in a file's first line by which editors find its *schema*, where the file lies in this project or not."""
    path = os.path.relpath(schema, file.resolve().parent).replace(os.sep, "/")
    return f"# yaml-language-server: $schema={path}"


def names(looked: Looked) -> Iterator[str]:
    """Yield what is unusual about the file's name, its first line, and its keys."""
    source, file = looked.source, looked.source.file
    wanted = f"{name_of(file)}.yaml"
    if file.name != wanted:
        yield place(file, f"call the file {wanted}, as the others are")
    if looked.shipped and not any(_is_ours(file, line) for line in source.lines[:5]):
        yield place(file, f"write as the first line, by which editors know its keys: {modeline(file)}")
    for key in source.content:
        if key not in KEYS and source.lines_of((key,)).start not in looked.refused:
            yield source.problem((key,), f"unknown, and not read{meant(key, KEYS)}", at_key=True)


def texts(looked: Looked) -> Iterator[str]:
    """Yield what an analyst would miss, and values that hold what an editor made of quotes."""
    source = looked.source
    block = source.content.get("enrichment")
    if isinstance(block, dict):
        for key, what in _ASKED.items():
            if not block.get(key):
                yield source.problem(("enrichment", key), f"write {key}: {what}")
        if not source.content.get("tactics"):
            yield source.problem(("tactics",), "write tactics: an alert's are compared to them")
        if not source.content.get("relevantTechniques"):
            yield source.problem(
                ("relevantTechniques",), "write relevantTechniques: an alert's are compared to them"
            )
        yield from _elsewhere(source, block)
    version = source.content.get("version")
    if isinstance(version, str) and not _NUMBERS.fullmatch(version):
        yield source.problem(
            ("version",), "write numbers with dots, such as 1.0.0, so that it is plain which is higher"
        )
    for path, value in _values(source.content, ()):
        if path != ("query",) and len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES:
            yield source.problem(
                path, f"write straight quotes: {value[0]} and {value[-1]} are part of the text"
            )


def _elsewhere(source: Source, block: dict[str, Any]) -> Iterator[str]:
    """Yield the platforms and device types that nobody knows, and that are like none that somebody does."""
    applies = block.get("appliesTo")
    for key, known in (("osPlatform", PLATFORMS), ("deviceType", DEVICE_KINDS)):
        given = applies.get(key) if isinstance(applies, dict) else None
        for n, name in enumerate(given if isinstance(given, list) else ()):
            plain = str(name).lower()
            if (
                plain not in map(str.lower, known)
                and not meant(plain, known)
                and not VERSION_OF_WINDOWS.fullmatch(plain)
            ):
                text = f"{name} is none of the names that are known of Defender's: {', '.join(known)}"
                yield source.problem(("enrichment", "appliesTo", key, n), text)


def _values(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value or ()):
        yield from _values(inner, (*path, key))


def _is_ours(file: Path, line: str) -> bool:
    found = _MODELINE.match(line)
    return found is not None and (file.parent / found[1]).resolve() == SCHEMA
