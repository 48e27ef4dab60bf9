"""
The mutants of a source file: each is the file with one small change that some test should notice.

Left alone is what no test should hold: docstrings, annotations, log lines, messages of errors, imports, assertions
and what only type checkers read.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from .operators import Function, Spot, changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

#: Characters. Of a longer piece of code, the beginning is shown.
_SHOWN = 100


class Mutant(NamedTuple):
    """One change of a file. `text` is the line's, without indentation; `lines` run where the change matters."""

    file: str
    line: int
    column: int
    operator: str
    before: str
    after: str
    text: str
    lines: range
    #: Whether the change takes effect when the file is imported, not when a test comes by.
    imported: bool
    tree: ast.Module
    spot: Spot
    node: ast.AST

    @property
    def change(self) -> str:
        """The operator and what it does."""
        return f"{self.operator}: {self.before} → {self.after}"

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What names it after lines were added elsewhere: file, text of the line, column and change."""
        return self.file, self.text, self.column, self.change

    @property
    def name(self) -> str:
        """The place and the change, on one line."""
        return f"{self.file}:{self.line}:{self.column} {self.change}"

    def compiled(self) -> CodeType:
        """Compile the file with this change alone."""
        self.spot.put(self.node)
        try:
            return compile(ast.fix_missing_locations(self.tree), self.file, "exec")
        finally:
            self.spot.put(self.spot.node)


def mutants(file: str, source: str) -> list[Mutant]:
    """Return all mutants of a *source*, from its first line to its last."""
    tree = ast.parse(source)
    text = source.splitlines()
    found = []
    for spot in _spots(tree, None, None):
        for change in changes(spot):
            before, after = (_written(node) for node in change.shown)
            if before == after:
                continue
            place: Any = change.shown[0]
            # A keyword of a call and a decorator have places of their own; an operator has none.
            at = place if hasattr(place, "lineno") else spot.node
            line, lines = at.lineno, _lines(spot)
            imported = spot.function is None or spot.node is spot.function
            found.append(
                Mutant(
                    file,
                    line,
                    at.col_offset + 1,
                    change.operator,
                    before,
                    after,
                    text[line - 1].strip(),
                    lines,
                    imported,
                    tree,
                    spot,
                    change.node,
                )
            )
    return sorted(found, key=lambda mutant: (mutant.line, mutant.column, mutant.change))


def _written(node: ast.AST | None) -> str:
    if node is None:
        return "nothing"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _lines(spot: Spot) -> range:
    """Return the lines of the statement around a spot, without the block that it may open."""
    statement = spot.statement or spot.node
    if isinstance(statement, Function | ast.ClassDef):
        return range(statement.lineno, (statement.end_lineno or 0) + 1)
    block = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if block and hasattr(block[0], "lineno"):
        return range(statement.lineno, block[0].lineno)
    return range(statement.lineno, (statement.end_lineno or 0) + 1)


def _spots(node: ast.AST, function: Function | None, statement: ast.stmt | None) -> Iterator[Spot]:
    if isinstance(node, ast.stmt):
        statement = node
    if isinstance(node, Function):
        function = node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "format_spec", "ops", "op", "ctx"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            inside = child if isinstance(child, Function) else function
            around = child if isinstance(child, ast.stmt) else statement
            yield Spot(child, node, field, index, inside, around)
            yield from _spots(child, function, statement)


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Raise() | ast.Assert():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Expr(value=ast.Constant()) | ast.keyword(arg="frozen"):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
    return False
