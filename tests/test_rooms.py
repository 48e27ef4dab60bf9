"""The rooms keep their directions: a file imports its own room and those below it, never back, and never in a circle."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

#: From the bottom up; DESIGN.md draws them. What stands in one layer does not import each other.
APP = (
    {
        "shared.errors",
        "shared.model",
        "shared.decoding",
        "shared.setting_values",
        "shared.schedule",
        "shared.clouds",
        "shared.version",
    },
    {
        "shared.settings",
        "shared.retrying",
        "shared.pace",
        "shared.links",
        "shared.telemetry",
        "shared.entities",
        "shared.kql",
        "shared.comment",
        "shared.company",
    },
    {"shared.catalog", "shared.graph", "shared.sentinel", "shared.state"},
    {"shared.outcomes", "shared.tools", "shared.turns"},
    {"shared.incident", "shared.pages", "shared.resuming"},
    {"shared.enrichment", "shared.sweep"},
    {"shared.work", "shared.watch", "shared.selftest"},
    {"functions"},
    {"function_app"},
)
SANDBOX = (
    {"sandbox.loopback", "sandbox.progress", "sandbox.endings"},
    {"sandbox.telemetry", "sandbox.host", "sandbox.kusto"},
    {"sandbox.tenant"},
    {"sandbox.azurite", "sandbox.calls"},
    {"sandbox.hunts"},
    {"sandbox.showing"},
    {"sandbox.demo"},
    {"sandbox.__main__"},
)


@cache
def modules() -> dict[str, Path]:
    """Every module of the app and the sandbox, by its dotted name."""
    files = [file for folder in ("shared", "functions", "sandbox") for file in (ROOT / folder).rglob("*.py")]
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    return {"function_app": ROOT / "function_app.py"} | {
        name.removesuffix(".__init__"): file for name, file in named.items()
    }


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of ours that a module imports, those for annotations alone and inside functions included."""
    return frozenset(_imports(module))


def _imports(module: str) -> Iterator[str]:
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])]) if node.level else node.module
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in modules() or base in modules():
                    yield full if full in modules() else str(base)


def room(module: str) -> str:
    """The room that a module is in: a package of the second level, or a file beside those."""
    return "functions" if module.split(".", maxsplit=1)[0] == "functions" else ".".join(module.split(".")[:2])


def layer(module: str, layers: tuple[set[str], ...]) -> int:
    """How high a module's room stands."""
    return next(n for n, rooms in enumerate(layers) if room(module) in rooms)


@pytest.mark.parametrize("layers", [APP, SANDBOX], ids=["app", "sandbox"])
def test_every_room_imports_only_rooms_below_it(layers: tuple[set[str], ...]) -> None:
    """An import that runs back, or sideways into another room of the same layer, fails, and so does a new room."""
    every = set().union(*layers)
    tops = {name.split(".")[0] for name in every}
    ours = [name for name in modules() if name.split(".")[0] in tops and name not in tops - every]
    back = [
        f"{module} imports {target}"
        for module in ours
        for target in imports(module)
        if room(target) in every
        and room(module) != room(target)
        and layer(module, layers) <= layer(target, layers)
    ]

    assert every == {room(name) for name in ours}
    assert [] == back


def test_no_files_import_each_other_in_a_circle() -> None:
    """Neither within a room nor across rooms; imports for annotations alone count, too."""
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in imports(module):
                walk(target, (*path, module))
            done.add(module)

    for module in modules():
        walk(module, ())


def test_what_is_deployed_never_imports_the_sandbox_or_the_tests() -> None:
    """The app runs without them."""
    deployed = [name for name in modules() if name.split(".")[0] != "sandbox"]

    assert [] == [name for name in deployed for target in imports(name) if target.startswith("sandbox")]
    for name in deployed:
        text = modules()[name].read_text(encoding="utf-8")
        assert "import tests" not in text
        assert "from tests" not in text


def test_the_room_of_text_alone_is_pure() -> None:
    """`comment/` and `model/` wait for nothing, so that they can be read and tested as text."""
    for name, file in modules().items():
        if room(name) in ("shared.comment", "shared.model"):
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            assert not [node for node in nodes if isinstance(node, ast.AsyncFunctionDef | ast.Await)], name


def test_the_design_draws_every_room_in_its_layer() -> None:
    """The picture at its top has the rooms from the top down, as the layers here have them from the bottom up."""
    picture = (ROOT / "DESIGN.md").read_text(encoding="utf-8").split("\n\n    ", 1)[1].split("\n\n", 1)[0]
    lines = [line for line in picture.splitlines() if line.strip() != "│"]
    drawn = [set(re.findall(r"[a-z_]+", re.split(r" {8,}", line.strip())[0])) for line in lines]
    rooms = [{name.rpartition(".")[2] for name in each} for each in reversed(APP)]

    assert [{*rooms[0], *rooms[1]}, *rooms[2:]] == drawn


@pytest.mark.parametrize("document", ["DESIGN.md", "CONTRIBUTING.md", "README.md", "infra/README.md"])
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    """Files and folders of ours, written in backticks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:shared|sandbox|tests|functions|infra)/[\w./-]*)`", text)

    assert [] == [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("folder", ["shared", "functions", "sandbox", "tests"])
def test_no_file_is_longer_than_a_reader_can_hold(folder: str) -> None:
    """At most 250 lines a file."""
    files = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in (ROOT / folder).rglob("*.py")
        if "node_modules" not in file.parts
    }

    assert {} == {name: lines for name, lines in files.items() if lines > 250}


def test_half_of_the_shared_files_have_at_most_120_lines() -> None:
    """The median file is short."""
    lengths = sorted(
        len(file.read_text(encoding="utf-8").splitlines())
        for name, file in modules().items()
        if name.startswith("shared.") and file.name != "__init__.py"
    )

    assert lengths[len(lengths) // 2] <= 120
