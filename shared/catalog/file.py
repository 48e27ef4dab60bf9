"""
Read one hunt file.

A hunt file is in Azure-Sentinel's YAML format for hunting queries, with one more block, `enrichment`. A file
without that block is a device hunt with the defaults of `Enrichment`, which runs where somebody names it; it must
query Defender's device tables.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct
from msgspec.structs import fields

from shared.errors import HuntError
from shared.kql.cost import costs
from shared.kql.output import columns_of
from shared.kql.rarity import counts_of_devices
from shared.kql.read import read_query
from shared.kql.vocabulary import BINDINGS
from shared.model.hunt import Enrichment, Hunt

from .binding import binding_problems, completed
from .convert import convert
from .prevalence import prevalence_problem
from .slips import misplaced, nowhere, timeless, unseen
from .source import place, read_source

if TYPE_CHECKING:
    from pathlib import Path

    from shared.kql.problem import Problem
    from shared.kql.read import Reading

    from .source import Source

_LONGEST = timedelta(days=30)  # Advanced Hunting keeps 30 days (Graph, "Quotas and resource allocation")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
_LONGEST_NAME, _LONGEST_TITLE = 100, 300
_OURS, _SWEEP = ("enrichment",), ("enrichment", "sweep")


class _Sentinel(Struct, frozen=True, rename="camel"):
    """The keys of Azure-Sentinel's own format that are read."""

    name: str
    query: str
    id: str = ""
    version: str = "1.0.0"
    tactics: tuple[str, ...] | None = None
    relevant_techniques: tuple[str, ...] | None = None


def read_hunt(file: Path, *, shipped: bool = False) -> tuple[Hunt, tuple[str, ...]]:
    """
    Read and check *file*; *shipped* says that it comes with the app.

    Returns the hunt, and what its author should know although it can run, each with its line and column (`_notices`).
    Raises HuntError with every problem of the file, each with its place, too.
    """
    source = read_source(file)
    name = name_of(file)
    problems: list[str] = []
    sentinel = convert(_Sentinel, source, (), source.content, problems)
    block = source.content.get("enrichment")
    ours = completed(convert(Enrichment, source, _OURS, {} if block is None else block, problems))
    problems += misplaced(source, [f.encode_name for f in fields(_Sentinel)])
    problems += _texts(source, sentinel)
    problems += _durations(source, ours)
    query = sentinel.get("query", "")
    scoped = ours.get("entity", "device") == "device"
    reading = read_query(query, scoped=scoped)
    if "query" in sentinel:
        problems += [source.problem_within(("query",), p.line, p.column, p.text) for p in reading.problems]
        problems += _device(source, ours, reading) if scoped else _indicator(source, ours, reading)
        problems += [*unseen(source, ours, reading), *timeless(source, ours, reading)]
        problems += [
            source.problem_within(("query",), p.line, p.column, p.text) for p in _outside(ours, reading)
        ]
    problems += nowhere(source, ours)
    if ours.get("prevalence"):
        wrong = prevalence_problem(ours["prevalence"], ours.get("columns", ()), reading.text)
        problems += [source.problem((*_OURS, "prevalence"), wrong)] if wrong else []
    if problems:
        raise HuntError(file, tuple(problems))
    hunt = Hunt(
        name=name,
        title=" ".join(sentinel["name"].split()),
        # Who publishes hunts without ids knows them by their names.
        id=sentinel.get("id", str(uuid5(NAMESPACE_URL, f"hunt:{name}"))).lower(),
        version=sentinel.get("version", "1.0.0"),
        query=query,
        tactics=sentinel.get("tactics") or (),
        techniques=sentinel.get("relevant_techniques") or (),
        tables=reading.tables,
        reach=reading.reach,
        carries=reading.carries,
        shipped=shipped,
        auto=block is not None,
        **ours,
    )
    return hunt, _notices(source, hunt, reading)


def name_of(file: Path) -> str:
    """
    Return the name of the hunt in *file*, in kebab-case.

    Raises HuntError for a file name with letters or digits other than ASCII's, which would be left out, for one without
    any, and for one of more than 100 characters.
    """
    name = _NOT_NAME.sub("-", file.stem.lower()).strip("-")
    odd = [character for character in file.stem if character.isalnum() and not character.isascii()]
    if odd or not 0 < len(name) <= _LONGEST_NAME:
        wanted = f"name the file with letters a to z, digits and hyphens, at most {_LONGEST_NAME}"
        raise HuntError(file, (place(file, wanted),))
    return name


def _texts(source: Source, sentinel: dict[str, Any]) -> list[str]:
    """Check those of Azure-Sentinel's texts that name the hunt."""
    wanted = {
        "id": ("write a GUID", _GUID.fullmatch(sentinel.get("id", "0" * 8 + "-0000" * 3 + "-" + "0" * 12))),
        "version": ("write a version such as 1.0.0", _VERSION.fullmatch(sentinel.get("version", "1.0.0"))),
        "name": (
            f"write a title of at most {_LONGEST_TITLE} characters",
            0 < len(sentinel.get("name", "a title").strip()) <= _LONGEST_TITLE,
        ),
    }
    return [source.problem((key,), text) for key, (text, right) in wanted.items() if not right]


def _notices(source: Source, hunt: Hunt, reading: Reading) -> tuple[str, ...]:
    """
    Return what the author of a hunt should know, each with its place.

    That is: a device hunt whose rows certainly say no device, so that nobody is told whose they are; one that counts
    devices, which are no longer the fleet's; what its query may cost the tenant, alone or in a sweep (see `costs`); what
    is not sent as it stands; and a hunt without an id.
    """
    said = []
    if hunt.entity == "device" and {"DeviceId", "DeviceName"} <= reading.lacks:
        wanted = (
            "its rows have neither DeviceId nor DeviceName, so nobody is told whose they are: keep DeviceId"
        )
        said.append(source.problem(("query",), wanted))
    if source.content.get("id") is None:
        wanted = "write a GUID, so that it stays the same hunt under another file name"
        said.append(source.problem(("id",), wanted))
    counts = counts_of_devices(hunt.query) if hunt.entity == "device" else ()
    said += [
        source.problem_within(("query",), p.line, p.column, p.text)
        for p in (*reading.told, *counts, *costs(hunt.query))
    ]
    if hunt.sweep and hunt.sweep.summarize:
        before = reading.text.count("\n") + 1
        said += [
            source.problem_within((*_SWEEP, "summarize"), p.line - before, p.column, p.text)
            for p in costs(f"{reading.text}\n{hunt.sweep.summarize}")
            if p.line > before
        ]
    return tuple(said)


def _durations(source: Source, ours: dict[str, Any]) -> list[str]:
    given = Enrichment(**ours)
    spans: dict[tuple[str, ...], timedelta] = {
        (*_OURS, "lookback"): given.lookback,
        (*_OURS, "maxWindow"): given.max_window,
    }
    if given.sweep:
        spans[*_SWEEP, "lookback"] = given.sweep.lookback
    problems = [
        source.problem(path, "must be more than nothing and at most P30D")
        for path, span in spans.items()
        if not timedelta(0) < span <= _LONGEST
    ]
    if not timedelta(0) <= given.lookahead <= _LONGEST:
        problems.append(source.problem((*_OURS, "lookahead"), "must be at most P30D, and not negative"))
    if given.lookback > given.max_window:
        days = given.lookback / timedelta(days=1)
        problems.append(source.problem((*_OURS, "maxWindow"), f"must be as long as lookback, P{days:g}D"))
    return problems


def _device(source: Source, ours: dict[str, Any], reading: Reading) -> list[str]:
    kinds = (*_OURS, "kinds")
    problems = [source.problem(kinds, "is for indicator hunts", at_key=True)] if ours.get("kinds") else []
    if ours.get("binds"):
        problems += binding_problems(source, ours, reading.text)
    if sweep := ours.get("sweep"):
        swept = read_query(f"{reading.text}\n{sweep.summarize}", scoped=True)
        if not reading.problems:
            before, path = reading.text.count("\n") + 1, (*_SWEEP, "summarize")
            unsent = [p._replace(text=f"not possible here: {p.text}") for p in swept.told if p.line > before]
            outside = [p for p in _outside(ours, swept) if p.line > before]
            problems += [
                source.problem_within(path, max(1, p.line - before), p.column, p.text)
                for p in (*swept.problems, *unsent, *outside)
            ]
        columns = columns_of(swept.text)
        if sweep.new not in (swept.names if columns is None else columns):
            has = f", which are {', '.join(sorted(columns))}" if columns else ""
            problems.append(source.problem((*_SWEEP, "new"), f"must be a column of the sweep's rows{has}"))
    return problems


def _outside(ours: dict[str, Any], reading: Reading) -> list[Problem]:
    """Return where a query reads what is outside of the tenant, unless the file allows it."""
    if "externaldata" in ours.get("allow", ()):
        return []
    allow = "say enrichment.allow: [externaldata], or write the values in the query"
    return [p._replace(text=f"{p.text}: {allow}") for p in reading.outside]


def _indicator(source: Source, ours: dict[str, Any], reading: Reading) -> list[str]:
    problems = [
        source.problem((*_OURS, key), "is for device hunts", at_key=True)
        for field, key in (("applies_to", "appliesTo"), ("sweep", "sweep"))
        if ours.get(field)
    ]
    if ours.get("binds"):
        return [*problems, *(binding_problems(source, ours, reading.text) if not reading.problems else ())]
    kinds, path = ours.get("kinds", ()), (*_OURS, "kinds")
    if not kinds:
        wanted = f"an indicator hunt needs one or more of {', '.join(BINDINGS)}"
        problems.append(source.problem(path, wanted))
    for kind, binding in BINDINGS.items():
        if (kind in kinds) != (binding in reading.names):
            problems.append(source.problem(path, f"has {kind} if, and only if, the query uses {binding}"))
    if "Indicator" not in reading.names:
        wanted = "return a column Indicator, which says what each row matched"
        problems.append(source.problem(("query",), wanted))
    return problems
