"""What Microsoft's parser says about a hunt's query and its sweep, and what in a query reads more than it needs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from shared.catalog.nearest import meant
from shared.catalog.slips import no_column
from shared.errors import UnreadableQuery
from shared.kql.lexer import inside, leading_operator, lex, name_of, nest, options, split, text
from shared.kql.problem import Problem, Problems
from shared.kql.read import read_query
from shared.kql.shaping import texts
from shared.kql.tables import SCOPABLE
from shared.kql.vocabulary import BINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.kusto.judge import Judge, Verdict
    from shared.kql.lexer import Node, Token

    from .keys import Looked

_SAID = re.compile(r"(?P<code>\w+) at (?P<at>\d+): (?P<text>.*)", re.DOTALL)
_UNKNOWN = re.compile(r"The name '(\w+)' does not refer to ")
_MEANT = re.compile(r"; did you mean (\w+)\?$")
_LACKS = re.compile(r": enrichment\.columns\[\d+\]: the query returns no column (\w+),")
#: Defender has each table's time under Sentinel's name, too, where the app narrows it.
_SENTINELS_TIME = "TimeGenerated"
_HASH = re.compile(r"""[hH]?["'](?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})["']""")
#: Operators of conditions that find rows by an index.
_INDEXED = {
    "==", "=~", "in", "in~", "has", "has_any", "has_all", "has_cs", "hasprefix", "startswith", "startswith_cs", ">", "between",
}  # fmt: skip
_EVERY_ROW = (
    "this expression is tried on every row of the table, which may take too long: "
    "write a where with has, == or in before it"
)
#: Operators that leave fewer rows.
_FEWER = {"where", "filter", "summarize", "distinct", "top", "take", "limit"}
_SUMMARIZE = ("enrichment", "sweep", "summarize")


class Parser(NamedTuple):
    """Microsoft's parser, and Defender's tables with their columns' types."""

    judge: Judge
    tables: dict[str, dict[str, str]]

    def ask(self, query: str) -> _Asked:
        """Return what the parser says of a query, in which the names of indicators mean what the app declares."""
        front = "".join(f'let {name} = dynamic(["a"]); ' for name in BINDINGS.values() if name in query)
        more = {}
        if _SENTINELS_TIME in query:
            more = {
                name: {**columns, _SENTINELS_TIME: "datetime"}
                for name, columns in self.tables.items()
                if name in query
            }
        verdict = self.judge(front + query, tables=more)
        columns = {column for table, _ in verdict.reads for column in self.tables.get(table, {})}
        return _Asked(verdict, query, len(front), columns)


class _Asked(NamedTuple):
    """A query as it was judged, the characters in front of it that are not the author's, and the columns of the tables it reads."""

    verdict: Verdict
    query: str
    before: int
    columns: set[str]

    def problems(self) -> Iterator[Problem]:
        """Yield what the parser says of the author's part, with lines and columns that count from 1 there."""
        for said in self.verdict.diagnostics:
            found = _SAID.fullmatch(said)
            at = max(0, int(found["at"]) - self.before) if found else 0
            line = self.query.count("\n", 0, at) + 1
            column = at - self.query.rfind("\n", 0, at)
            yield Problem(line, column, self._mended(found["text"], found["code"]) if found else said)

    def _mended(self, said: str, code: str) -> str:
        """Return what the parser says, with its code, and with the column that was probably meant where it knows no such name."""
        if not (found := _UNKNOWN.match(said)):
            return f"{said} ({code})"
        if found[1] in self.columns:
            return f"{said} ({code}): a table that is read has it, but an operator before this leaves it out"
        made = {one.text for one, after in pairwise(lex(self.query)) if after.text == "="}
        return f"{said} ({code}){meant(found[1], self.columns | made - {found[1]})}"


def judged(looked: Looked, parser: Parser) -> Iterator[str]:
    """Yield what Microsoft's parser refuses in the query and the sweep of a hunt file."""
    query = looked.source.content.get("query")
    if not isinstance(query, str) or (looked.hunt is None and _query_refused(looked)):
        return
    asked = parser.ask(query)
    refused = False
    for problem in asked.problems():
        refused = True
        yield looked.source.problem_within(("query",), problem.line, problem.column, problem.text)
    if looked.hunt and not refused:
        yield from _columns(looked, dict(asked.verdict.columns or []))
        yield from _sweep(looked, parser)


def only_follows(text: str, parsers: Iterable[str]) -> bool:
    """Tell whether the problem *text* is a column that rows lack because the query misspells it, as those of the *parsers* say."""
    lacks = _LACKS.search(text)
    return lacks is not None and lacks[1] in {found[1] for said in parsers if (found := _MEANT.search(said))}


def habits(looked: Looked) -> Iterator[str]:
    """Yield what a query does that costs or loses rows without need, where its text shows that for certain."""
    query = looked.source.content.get("query")
    try:
        tokens = lex(query) if isinstance(query, str) else ()
        nodes = nest(tokens)
    except UnreadableQuery:
        return
    found = Problems(str(query))
    _contains(tokens, found)
    _expressions(nodes, found)
    _joins(nodes, found, swept=looked.hunt is not None and looked.hunt.sweep is not None)
    for problem in found.all:
        yield looked.source.problem_within(("query",), problem.line, problem.column, problem.text)


def _query_refused(looked: Looked) -> bool:
    return not looked.refused.isdisjoint(looked.source.lines_of(("query",)))


def _columns(looked: Looked, columns: dict[str, str]) -> Iterator[str]:
    """Yield the columns that the block names and the query's rows lack, as the parser sees them."""
    hunt, source = looked.hunt, looked.source
    if hunt is None or not columns:
        return
    for n, name in enumerate(hunt.columns):
        if name not in columns:
            yield source.problem(("enrichment", "columns", n), no_column(name, columns))
    if hunt.prevalence and hunt.prevalence not in columns:
        yield source.problem(("enrichment", "prevalence"), no_column(hunt.prevalence, columns))
    if hunt.entity == "indicator" and "Indicator" not in columns:
        yield source.problem(("query",), "return a column Indicator, which says what each row matched")


def _sweep(looked: Looked, parser: Parser) -> Iterator[str]:
    hunt, source = looked.hunt, looked.source
    if hunt is None or hunt.sweep is None:
        return
    front = read_query(hunt.query, scoped=True).text + "\n"
    asked = parser.ask(front + hunt.sweep.summarize)
    lines = front.count("\n")
    refused = False
    for problem in asked.problems():
        refused = True
        yield source.problem_within(_SUMMARIZE, max(1, problem.line - lines), problem.column, problem.text)
    columns = dict(asked.verdict.columns or [])
    kind = columns.get(hunt.sweep.new)
    if not refused and columns and kind != "datetime":
        is_ = f"{hunt.sweep.new} is of type {kind}" if kind else no_column(hunt.sweep.new, columns)
        wanted = f"must be a time, and {is_}: name a column such as FirstSeen = min(Timestamp)"
        yield source.problem(("enrichment", "sweep", "new"), wanted)
    lost = {"DeviceId", "DeviceName"} - columns.keys()
    if not refused and columns and lost:
        yield source.problem(_SUMMARIZE, f"keep {' and '.join(sorted(lost))}, so that a row says whose it is")


def _contains(tokens: tuple[Token, ...], found: Problems) -> None:
    """Warn of `contains` with a whole hash, which is read through all texts of the table where an index would do."""
    for word, value in pairwise(tokens):
        if word.text in {"contains", "contains_cs"} and _HASH.fullmatch(value.text):
            found.add(word, f"{word.text} looks through every text, and a hash is the whole of one: write =~")


def _expressions(nodes: list[Node], found: Problems) -> None:
    """Warn of a regular expression that is tried on each row of a table, since nothing before or beside it finds rows by an index."""
    for node in nodes:
        _expressions(inside(node), found)
    for statement in split(nodes, ";"):
        head, *pipes = split(statement, "|") or [[]]
        if not pipes or name_of(head[-1]) not in SCOPABLE:
            continue
        name, rest = leading_operator(pipes[0])
        words = texts(rest)
        if name in {"where", "filter"} and "matches" in words and _INDEXED.isdisjoint(words):
            at = next((node for node in rest if text(node) == "matches"), pipes[0][0])
            found.add(at, _EVERY_ROW)


def _joins(nodes: list[Node], found: Problems, *, swept: bool) -> None:
    """Warn of joins in *nodes* and their brackets."""
    for node in nodes:
        _joins(inside(node), found, swept=swept)
    for statement in split(nodes, ";"):
        filtered = False
        for pipe in split(statement, "|")[1:]:
            name, rest = leading_operator(pipe)
            filtered = filtered or name in _FEWER
            if name == "join":
                _join(pipe[0], rest, found, filtered=filtered, swept=swept)


def _join(operator: Node, rest: list[Node], found: Problems, *, filtered: bool, swept: bool) -> None:
    """Warn of a join that loses rows, that reads two whole tables, or that pairs the rows of a fleet's devices."""
    operand = options(rest)
    if "kind" not in map(text, rest[: len(rest) - len(operand)]):
        found.add(
            operator, "a join without a kind keeps one of several equal rows on its left: write kind=inner"
        )
    right = inside(operand[0]) or operand[:1] if operand else []
    table = name_of(right[0]) if right else None
    if table not in SCOPABLE:
        return
    if len(right) == 1 and not filtered:
        found.add(
            operator, f"this join reads all of {table} and of what stands before it: filter both with where"
        )
    if swept and not {"DeviceId", "DeviceName"} & {*texts(operand[1:])}:
        found.add(
            operator,
            "a sweep would join rows of one device with those of another: add DeviceId to the columns",
        )
