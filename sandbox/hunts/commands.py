"""The commands of `python -m sandbox hunts`, with their options."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.model.entity import INDICATOR_KINDS

from .check import check
from .docs import docs
from .new import ENTITIES, SYSTEMS, new
from .noise import noise
from .render import render
from .run import run
from .table import WHOLE
from .trying import test

if TYPE_CHECKING:
    from collections.abc import Callable


def add_commands(commands: Any) -> None:
    """Add the command `hunts` to *commands*, argparse's subparsers of the whole sandbox."""
    group = commands.add_parser(
        "hunts", help="what a hunt's author needs", description="What a hunt's author needs."
    )
    authors = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_new, _check, _render, _run, _test, _noise, _docs):
        add(authors)


def _command(authors: Any, name: str, command: Callable[..., int], text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = authors.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    added.set_defaults(command=command)
    return added


def _new(authors: Any) -> None:
    one = _command(
        authors, "new", new, "write a hunt file and its cases, which pass both checks, to be edited"
    )
    one.add_argument("name", metavar="NAME", help="what it finds, such as archive-then-upload")
    one.add_argument("--for", dest="entity", choices=ENTITIES, required=True, help="what it hunts for")
    one.add_argument(
        "--kinds", type=_kinds, default=("ip", "url", "domain"), metavar="KIND,…",
        help=f"of {', '.join(INDICATOR_KINDS)}; for indicators, by default ip,url,domain",
    )  # fmt: skip
    one.add_argument(
        "--os", dest="system", choices=SYSTEMS, default="", help="for devices of this system alone"
    )
    one.add_argument("--folder", type=Path, metavar="DIR", help="by default where the app's own hunts lie")


def _check(authors: Any) -> None:
    one = _command(authors, "check", check, "say what is wrong with hunt files, and what they may cost")
    one.add_argument("paths", type=Path, nargs="*", metavar="FILE|DIR", help="by default the shipped hunts")
    one.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")


def _render(authors: Any) -> None:
    one = _command(authors, "render", render, "print a hunt's query, or an incident's, as it is sent")
    one.add_argument("names", nargs="*", metavar="NAME", help="the hunt's file name, without .yaml")
    one.add_argument(
        "--incident",
        action="store_true",
        help="the one query of an incident with all of these hunts, or with those that run by themselves",
    )
    _entities(one)
    one.add_argument("--lookback", type=_duration, help="ISO 8601, instead of the hunt's own")
    one.add_argument("--hunts", type=Path, metavar="DIR", help="folder of further hunts")


def _run(authors: Any) -> None:
    one = _command(
        authors,
        "run",
        run,
        "run a hunt over the sandbox's made-up fleet, or over rows in a folder, and print what it finds",
    )
    one.add_argument("file", type=Path, metavar="FILE", help="the hunt file, or the name of a shipped hunt")
    _entities(one)
    one.add_argument("--devices", type=int, default=60, metavar="N", help="size of the fleet, by default 60")
    one.add_argument(
        "--rows",
        type=Path,
        metavar="DIR",
        help="folder with TABLE.jsonl, TABLE.json or TABLE.csv, instead of the fleet",
    )
    one.add_argument("--lookback", type=_duration, help="ISO 8601, instead of the hunt's own")
    one.add_argument(
        "--format", dest="form", choices=("table", *WHOLE), default="table",
        help="table, cut to the terminal's width, or all rows with all columns, as csv or json; by default table",
    )  # fmt: skip


def _test(authors: Any) -> None:
    one = _command(authors, "test", test, "run the cases of hunts, and say which differ, and how")
    one.add_argument("paths", type=Path, nargs="*", metavar="FILE|DIR", help="by default the shipped hunts")


def _noise(authors: Any) -> None:
    one = _command(
        authors,
        "noise",
        noise,
        "say how much device hunts return in an ordinary fleet, and which intrusions they find",
    )
    one.add_argument("paths", type=Path, nargs="*", metavar="FILE|DIR", help="by default the shipped hunts")
    one.add_argument(
        "--devices", type=int, default=2000, metavar="N", help="size of the fleet, by default 2,000"
    )
    one.add_argument("--days", type=int, default=14, metavar="N", help="days of telemetry, by default 14")
    one.add_argument(
        "--windows",
        type=_count,
        metavar="N",
        help="how many of a hunt's windows in these days are asked, the last ones; by default all",
    )


def _docs(authors: Any) -> None:
    _command(
        authors, "docs", docs, "write HUNTS.md and the names of techniques anew, as the hunt files are now"
    )


def _entities(one: argparse.ArgumentParser) -> None:
    one.add_argument("--device", action="append", default=[], help="name or Defender id; repeatable")
    one.add_argument(
        "--indicator", action="append", default=[], help="address, URL, domain or hash; repeatable"
    )


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    if not kinds or (unknown := [kind for kind in kinds if kind not in INDICATOR_KINDS]):
        wanted = f"{unknown[0]!r} is no kind of indicator" if kinds else "name one"
        raise argparse.ArgumentTypeError(f"{wanted}: there are {', '.join(INDICATOR_KINDS)}")
    return kinds


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _duration(text: str) -> timedelta:
    import msgspec

    try:
        return msgspec.convert(text, timedelta)
    except msgspec.ValidationError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 duration such as P1D") from None
