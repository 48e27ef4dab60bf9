"""Split a query into steps that are run one after the other: what it names once and reads several times is a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.errors import UnreadableQuery
from shared.kql.lexer import Token, lex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
#: With these a scalar begins, and no table.
_SCALARS = ("number", "string", "literal")


class Step(NamedTuple):
    """A query, and the name of the table that its rows are from then on; '' for the last one."""

    name: str
    text: str


def steps(query: str) -> list[Step]:
    """
    Return the steps of *query*: each function without parameters that returns rows, each `materialize`, and the rest.

    A step has the `let` statements that it uses, and names earlier steps as tables. A query that cannot be split, also
    one that is no KQL, is one step.
    """
    try:
        *lets, last = _statements(lex(query), query)
    except (UnreadableQuery, ValueError):
        return [Step("", query)]
    found: list[Step] = []
    plain: list[_Statement] = []
    for let in lets:
        body = _body(let)
        if body is None:
            plain.append(let)
        else:
            found.append(Step(let.name, _whole(body, plain, found)))
    return [*found, Step("", _whole(last, plain, found))] if found else [Step("", query)]


class _Statement(NamedTuple):
    tokens: list[Token]
    query: str

    @property
    def name(self) -> str:
        """What it declares; '' for an expression."""
        return self.tokens[1].text if self.tokens[0].text == "let" else ""

    def text(self, tables: frozenset[str]) -> str:
        """Return its text, in which calls of *tables* are names of tables."""
        parts, at = [], self.tokens[0].start
        for n, token in enumerate(self.tokens):
            if token.text in tables and [each.text for each in self.tokens[n + 1 : n + 3]] == ["(", ")"]:
                end = token.start + len(token.text)
                parts.append(self.query[at:end])
                at = self.tokens[n + 2].start + 1
        last = self.tokens[-1]
        return "".join([*parts, self.query[at : last.start + len(last.text)]])


def _statements(tokens: list[Token], query: str) -> Iterator[_Statement]:
    depth, current = 0, list[Token]()
    for token in tokens:
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if token.text == ";" and not depth:
            if current:
                yield _Statement(current, query)
            current = []
        else:
            current.append(token)
    yield _Statement(current, query)


def _body(let: _Statement) -> _Statement | None:
    """Return what stands in a function without parameters, or in a `materialize`; None for any other statement."""
    match [token.text for token in let.tokens[:6]]:
        case ["let", _, "=", "(", ")", "{"]:
            inner = let.tokens[6:-1]
        case ["let", _, "=", "materialize", "(", *_] if let.tokens[-1].text == ")":
            inner = let.tokens[5:-1]
        case _:
            return None
    *_, last = [*_statements(inner, let.query)] if inner else [None]
    if last is None or not last.tokens or last.tokens[0].kind in _SCALARS or _is_scalar(last):
        return None
    return _Statement(inner, let.query)


def _is_scalar(expression: _Statement) -> bool:
    """Tell whether an expression is a call or an operation on values: neither a table nor a pipe."""
    first, *rest = (token.text for token in expression.tokens)
    return (
        bool(rest)
        and "|" not in rest
        and first not in {"union", "print", "range", "datatable"}
        and rest[:2] != ["(", ")"]
    )


def _whole(statement: _Statement, lets: Iterable[_Statement], before: Iterable[Step]) -> str:
    """Return *statement* with those of *lets* in front of it that it uses, in their order."""
    tables = frozenset(step.name for step in before)
    wanted = {token.text for token in statement.tokens}
    used: list[str] = []
    for let in reversed([*lets]):
        if let.name in wanted:
            wanted |= {token.text for token in let.tokens}
            used.insert(0, f"{let.text(tables)};")
    return "\n".join([*used, statement.text(tables)])
