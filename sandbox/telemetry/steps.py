"""Split a query into steps that are run one after the other: what it names once and reads several times is a step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import UnreadableQuery
from shared.kql.lexer import Token, lex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
#: Words that a table begins with.
_TABULAR = frozenset({"union", "print", "range", "datatable"})
_CALLED, _STEPS = ("function",), ("function", "materialize")


class Step(NamedTuple):
    """A query, and the name of the table that its rows are from then on; '' for the last one."""

    name: str
    text: str


def steps(query: str, taken: Collection[str] = ()) -> list[Step]:
    """
    Return the steps of *query*: each function without parameters that returns rows, each `materialize`, and the rest.

    A step has the `let` statements that it uses, and names earlier steps as tables; what a function declares is its
    own. What cannot be a table beside those that are *taken*, since DuckDB ignores the case of names, is none; nor is
    what returns a single value. A query that cannot be split, also one that is no KQL, is one step.
    """
    try:
        tokens = list(lex(query))
    except UnreadableQuery:
        return [Step("", query)]
    found = _split(_Statement(tokens, query), _Scope("", (), {}, frozenset()), taken)
    return found if len(found) > 1 else [Step("", query)]


class _Scope(NamedTuple):
    """What is declared where a statement stands: `lets`, the `tables` that calls become, and names of single values."""

    prefix: str
    lets: tuple[_Statement, ...]
    tables: dict[str, str]
    scalars: frozenset[str]


def _split(whole: _Statement, scope: _Scope, taken: Collection[str]) -> list[Step]:
    """Return the steps of the body of a function, or of a query, whose last one has no name."""
    *lets, last = _statements(whole.tokens, whole.query)
    uses = Counter([let.name.lower() for let in lets] + [name.lower() for name in taken])
    # What is declared anew stands for itself, unless it uses what it hides.
    hidden = {let.name for let in lets if let.name not in {token.text for token in let.tokens[3:]}}
    plain = [let for let in scope.lets if let.name not in hidden]
    tables = {name: table for name, table in scope.tables.items() if name not in hidden}
    scalars = {*scope.scalars} - hidden
    found: list[Step] = []
    for let in lets:
        kind, body = _body(let)
        if not _is_table(body, scalars):
            scalars.add(let.name)
        # What is no call keeps its name, which within a function another may have, too.
        elif uses[let.name.lower()] == 1 and kind in (_CALLED if scope.prefix else _STEPS):
            name = scope.prefix + let.name
            inner = _Scope(f"{name}_", tuple(plain), tables, frozenset(scalars))
            *before, rows = _split(body, inner, ())
            found += [*before, Step(name, rows.text)]
            tables = tables | {let.name: name}
            continue
        plain.append(let)
    return [*found, Step("", _whole(last, plain, tables))]


class _Statement(NamedTuple):
    tokens: list[Token]
    query: str

    @property
    def name(self) -> str:
        """What it declares; '' for an expression."""
        return self.tokens[1].text if [token.text for token in self.tokens[:1]] == ["let"] else ""

    def text(self, tables: Mapping[str, str]) -> str:
        """Return its text, in which calls are the *tables* that hold their rows."""
        if not self.tokens:
            return ""
        parts, at = [], self.tokens[0].start
        for n, token in enumerate(self.tokens):
            if token.text in tables and [each.text for each in self.tokens[n + 1 : n + 3]] == ["(", ")"]:
                parts += [self.query[at : token.start], tables[token.text]]
                at = self.tokens[n + 2].start + 1
        last = self.tokens[-1]
        return "".join([*parts, self.query[at : last.start + len(last.text)]])


def _statements(tokens: list[Token], query: str) -> Iterator[_Statement]:
    """Yield the statements between semicolons; the last one may be empty."""
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


def _body(let: _Statement) -> tuple[str, _Statement]:
    """Return whether *let* is a function without parameters, a `materialize` or neither, and what it gives its name to."""
    tokens = let.tokens
    match [token.text for token in tokens[:7]]:
        case ["let", _, "=", "view", "(", ")", "{"] if _closes(tokens, 6):
            return "function", _Statement(_bare(tokens[7:-1]), let.query)
        case ["let", _, "=", "(", ")", "{", *_] if _closes(tokens, 5):
            return "function", _Statement(_bare(tokens[6:-1]), let.query)
        case ["let", _, "=", "materialize", "(", *_] if _closes(tokens, 4):
            return "materialize", _Statement(_bare(tokens[3:]), let.query)
    return "", _Statement(tokens[3:], let.query)


def _bare(tokens: list[Token]) -> list[Token]:
    """Return *tokens* without brackets around all of them, and without `materialize`: every step is evaluated once."""
    while tokens:
        at = 1 if tokens[0].text == "materialize" else 0
        if tokens[at : at + 1] and tokens[at].text == "(" and _closes(tokens, at):
            tokens = tokens[at + 1 : -1]
        else:
            break
    return tokens


def _closes(tokens: list[Token], opening: int) -> bool:
    """Tell whether the bracket at *opening* is closed by the last of *tokens*."""
    depth = 0
    for at, token in enumerate(tokens[opening:], opening):
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if not depth:
            return at == len(tokens) - 1
    return False


def _is_table(body: _Statement, scalars: set[str]) -> bool:
    """Tell whether the last statement of *body* has rows: a pipe, a table or a call without arguments, not of *scalars*."""
    *_, last = _statements(body.tokens, body.query)
    tokens = _bare(last.tokens)
    texts = [token.text for token in tokens]
    if not tokens or tokens[0].kind != "name":
        return False
    if any(text == "|" and not depth for text, depth in zip(texts, _depths(tokens), strict=True)):
        return True
    if texts[0] in _TABULAR:
        return texts[:2] != ["range", "("]  # which is a list
    return texts[0] not in {*scalars, "true", "false", "now"} and texts[1:] in ([], ["(", ")"])


def _depths(tokens: list[Token]) -> Iterator[int]:
    depth = 0
    for token in tokens:
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        yield depth


def _whole(statement: _Statement, lets: Iterable[_Statement], tables: Mapping[str, str]) -> str:
    """Return *statement* with those of *lets* in front of it that it uses, in their order."""
    wanted = {token.text for token in statement.tokens}
    used: list[str] = []
    for let in reversed([*lets]):
        if let.name in wanted:
            wanted |= {token.text for token in let.tokens}
            used.insert(0, f"{let.text(tables)};")
    return "\n".join([*used, statement.text(tables)])
