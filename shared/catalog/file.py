"""
Read one hunt file.

A hunt file is Azure-Sentinel's hunting YAML with one more block, `enrichment`; without that block, a file over
Defender's device tables is a device hunt with the defaults of `Enrichment`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.errors import HuntError
from shared.kql.read import Reading, read_query
from shared.kql.write import BINDINGS
from shared.model.hunt import Enrichment, Hunt, Sweep

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = timedelta(days=30)  # Advanced Hunting keeps 30 days (Graph, "Quotas and resource allocation")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NOT_NAME = re.compile(r"[^a-z0-9]+")


class _Sentinel(Struct, frozen=True, rename="camel"):
    """What we read of Azure-Sentinel's own keys."""

    id: str
    name: str
    query: str
    version: str | float = "1.0.0"
    tactics: tuple[str, ...] | None = None
    relevant_techniques: tuple[str, ...] | None = None


def read_hunt(file: Path, *, shipped: bool = False) -> Hunt:
    """Read *file*. Raises HuntError with every problem of the file."""
    content = _content(file)
    problems: list[str] = []
    sentinel = _convert(_Sentinel, content, "", problems)
    ours = _convert(Enrichment, content.get("enrichment", {}), "enrichment.", problems)
    if "id" in sentinel and not _GUID.fullmatch(sentinel["id"]):
        problems.append("id: must be a GUID")
    problems += _durations(ours)
    query = sentinel.get("query", "")
    scoped = ours.get("entity", "device") == "device"
    reading = read_query(query, scoped=scoped)
    if "query" in sentinel:
        problems += reading.problems
        problems += _device(ours, query) if scoped else _indicator(ours, reading)
    if problems:
        raise HuntError(file, tuple(problems))
    return Hunt(
        name=_NOT_NAME.sub("-", file.stem.lower()).strip("-"),
        title=sentinel["name"],
        id=sentinel["id"].lower(),
        version=str(sentinel.get("version", "1.0.0")),
        query=query,
        tactics=sentinel.get("tactics") or (),
        techniques=sentinel.get("relevant_techniques") or (),
        tables=reading.tables,
        own_window=reading.own_window,
        shipped=shipped,
        **ours,
    )


def _durations(ours: dict[str, Any]) -> list[str]:
    given = msgspec.structs.asdict(Enrichment(**ours))
    day = timedelta(days=1)
    spans = {"lookback": given["lookback"], "maxWindow": given["max_window"]}
    if ours.get("sweep"):
        spans["sweep.lookback"] = ours["sweep"].lookback
    problems = [
        f"enrichment.{name}: must be more than nothing and at most P30D"
        for name, span in spans.items()
        if not timedelta(0) < span <= _LONGEST
    ]
    if not timedelta(0) <= given["lookahead"] <= _LONGEST:
        problems.append("enrichment.lookahead: must be at most P30D, and not negative")
    if given["lookback"] > given["max_window"]:
        problems.append(f"enrichment.maxWindow: must be as long as lookback, P{given['lookback'] / day:g}D")
    return problems


def _device(ours: dict[str, Any], query: str) -> list[str]:
    problems = ["enrichment.kinds: is for indicator hunts"] if ours.get("kinds") else []
    if sweep := ours.get("sweep"):
        swept = read_query(f"{read_query(query, scoped=True).text}\n{sweep.summarize}", scoped=True)
        problems += [f"enrichment.sweep.summarize: {problem}" for problem in swept.problems if not problems]
        if sweep.new not in swept.names:
            problems.append("enrichment.sweep.new: must be a column of the sweep's rows")
    return problems


def _indicator(ours: dict[str, Any], reading: Reading) -> list[str]:
    problems = [
        f"enrichment.{key}: is for device hunts"
        for field, key in (("applies_to", "appliesTo"), ("sweep", "sweep"))
        if ours.get(field)
    ]
    kinds = ours.get("kinds", ())
    if not kinds:
        problems.append(f"enrichment.kinds: an indicator hunt needs one or more of {', '.join(BINDINGS)}")
    for kind, binding in BINDINGS.items():
        if (kind in kinds) != (binding in reading.names):
            problems.append(f"enrichment.kinds: has {kind} if, and only if, the query uses {binding}")
    if "Indicator" not in reading.names:
        problems.append("query: return a column Indicator, which says what each row matched")
    return problems


def _content(file: Path) -> dict[Any, Any]:
    import yaml  # slow to import, and only loading needs it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506  (a safe loader, in C where there is one)
    except (OSError, UnicodeDecodeError) as error:
        raise HuntError(file, (f"cannot be read: {error}",)) from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise HuntError(file, (f"{line}{error.problem or 'is not YAML'}",)) from error
    except yaml.YAMLError as error:
        raise HuntError(file, (f"is not YAML: {error}",)) from error
    if not isinstance(content, dict):
        raise HuntError(file, ("is not a mapping of keys to values",))
    return content


def _convert(kind: type[Struct], content: Any, where: str, problems: list[str]) -> dict[str, Any]:
    """Convert *content* key by key, so that one wrong key does not hide the next."""
    if not isinstance(content, dict):
        problems.append(f"{where.rstrip('.')}: must be a mapping of keys to values")
        return {}
    fields = msgspec.structs.fields(kind)
    if where:
        known = {f.encode_name for f in fields}
        problems += [
            f"{where}{key}: unknown; there are {', '.join(known)}" for key in content if key not in known
        ]
    values = {}
    for f in fields:
        if f.encode_name not in content:
            if f.required:
                problems.append(f"{where}{f.encode_name}: is missing")
            continue
        value = content[f.encode_name]
        if f.name == "sweep" and value is not None:
            values[f.name] = Sweep(**_convert(Sweep, value, f"{where}sweep.", problems))
            continue
        try:
            values[f.name] = msgspec.convert(value, f.type)
        except msgspec.ValidationError as error:
            problems.append(f"{where}{f.encode_name}: {error}")
    return values
