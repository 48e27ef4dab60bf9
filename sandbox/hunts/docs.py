"""Write HUNTS.md, the page of the hunts that come with the app, and the part of ATT&CK that is deployed with them."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.model.hunt import Hunt

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "HUNTS.md"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#])")


def docs() -> int:
    """
    Write the table, then the page, and print the names of those that changed; return 0.

    Raises ValueError where a hunt that comes with the app cannot be used.
    """
    from shared.catalog.attack import FILE, attack

    hunts = shipped()
    _write(FILE, attack_table(hunts))
    attack.cache_clear()
    _write(PAGE, page(hunts))
    return 0


def shipped() -> tuple[Hunt, ...]:
    """Return the hunts that come with the app. Raises ValueError where one cannot be used."""
    from shared.catalog.load import load_hunts

    loaded = load_hunts()
    if loaded.broken:
        raise ValueError("; ".join(problem for error in loaded.broken for problem in error.problems))
    return loaded.hunts


def attack_table(hunts: Sequence[Hunt]) -> str:
    """Return, as JSON, the part of ATT&CK that *hunts* name; which of their techniques it lacks is told on stderr."""
    from shared.catalog.attack import techniques_of

    from .attack import whole

    every = whole()
    lines = []
    for technique in sorted({each for hunt in hunts for each in techniques_of(hunt)}):
        if technique in every.techniques:
            lines.append(f"  {_json(technique)}: {_json(every.techniques[technique])}")
        else:
            print(f"ATT&CK {every.version} has no technique {technique}", file=sys.stderr)
    head = ("version", "source", "licence", "tactics")
    fields = [f" {_json(name)}: {_json(getattr(every, name))}" for name in head]
    return "{\n" + ",\n".join([*fields, ' "techniques": {\n' + ",\n".join(lines) + "\n }"]) + "\n}\n"


def page(hunts: Sequence[Hunt]) -> str:
    """Return the page of *hunts*, in Markdown as GitHub shows it; a hunt that comes with the app is a link to its file."""
    from shared.catalog.attack import attack

    files = _files()
    parts = [
        "# The hunts",
        "<!-- Written by `python -m sandbox hunts docs`: change the hunt files, and run it. -->",
        " ".join(_summary(hunts)),
        "## By tactic of MITRE ATT&CK",
        _table(("tactic", "technique", "hunts"), _tactics(hunts, files)),
        "## What they need",
        "A hunt whose table the tenant lacks ends as *no telemetry*, never as *nothing found*.",
        _table(("product", "tables", "hunts"), _products(hunts)),
        *_by_purpose(hunts, files),
        f"ATT&CK: {attack().licence}",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(hunts: Sequence[Hunt]) -> Iterator[str]:
    from shared.catalog.attack import attack, techniques_of
    from shared.catalog.purpose import entities
    from shared.model.hunt import SEVERITIES

    severities = Counter(hunt.severity for hunt in hunts)
    counts = ", ".join(f"{severities[severity]} of {severity} severity" for severity in SEVERITIES)
    context = sum(hunt.role == "context" for hunt in hunts)
    techniques = {each for hunt in hunts for each in techniques_of(hunt)}
    kinds = Counter(word for hunt in hunts for word in entities(hunt))
    yield f"{len(hunts)} hunts come with Outrider: {counts}. {context} of them list what is normal, as context."
    yield f"They hunt for {', '.join(f'{word} ({count})' for word, count in kinds.most_common())}."
    yield f"They name {len(techniques)} techniques of ATT&CK for Enterprise {attack().version}."
    yield "`GET /api/hunts` shows them in a browser, with their queries and how often each ran."


def _tactics(hunts: Sequence[Hunt], files: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    from shared.catalog.attack import matrix

    for column in matrix(hunts):
        tactic = f"{_text(column.tactic or 'none')} ({len(column.names)})"
        if not column.cells:
            yield tactic, "", ""
        for cell in column.cells:
            links = ", ".join(_link(hunt, files) for hunt in cell.hunts)
            yield tactic, _text(f"{cell.id} {cell.name}"), links
            tactic = ""


def _products(hunts: Sequence[Hunt]) -> Iterator[tuple[str, ...]]:
    from shared.catalog.purpose import needs_of

    tables: dict[str, set[str]] = {}
    count: Counter[str] = Counter()
    for hunt in hunts:
        for need in needs_of(hunt):
            tables.setdefault(need.product, set()).update(need.tables)
            count[need.product] += 1
    for product in sorted(tables, key=lambda each: (-count[each], each)):
        yield product, _text(", ".join(sorted(tables[product]))), str(count[product])


def _by_purpose(hunts: Sequence[Hunt], files: Mapping[str, str]) -> Iterator[str]:
    from shared.catalog.purpose import purpose, tables_of

    groups: dict[str, list[Hunt]] = {}
    for hunt in hunts:
        groups.setdefault(purpose(hunt), []).append(hunt)
    for about in sorted(groups, key=lambda each: (each.lower(), each)):
        yield f"## For {_text(about)}"
        yield _table(
            ("hunt", "severity", "what a row means", "reads"),
            (
                (
                    f"{_link(hunt, files)} {_text(hunt.version)}",
                    f"{hunt.severity}{', context' if hunt.role == 'context' else ''}",
                    _text(hunt.means),
                    _text(", ".join(tables_of(hunt))),
                )
                for hunt in groups[about]
            ),
        )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(hunt: Hunt, files: Mapping[str, str]) -> str:
    return f"[{hunt.name}]({files[hunt.name]})" if hunt.name in files else hunt.name


def _text(text: str) -> str:
    """Return a text on one line, of which GitHub makes nothing but links of addresses."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _files() -> dict[str, str]:
    """Return the path of each hunt file that comes with the app, from the project's folder: the hunt's name -> path."""
    from shared.catalog.file import name_of
    from shared.catalog.load import SHIPPED

    return {name_of(file): file.relative_to(ROOT).as_posix() for file in sorted(SHIPPED.rglob("*.yaml"))}


def _write(file: Path, text: str) -> None:
    if not file.exists() or file.read_text("utf-8") != text:
        file.write_text(text, "utf-8")
        print(file.relative_to(ROOT))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
