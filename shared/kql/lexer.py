"""Split KQL into tokens, and nest them by their brackets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import UnreadableQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

# Microsoft's lexer reads what stands in brackets right after these, up to the first `)`, as text: quotes and
# comments mean nothing there (`TokenParser.ScanGoo` of npm's @kusto/language-service-next). It does so for fewer of
# them; the service has a lexer of its own, which nobody has published.
_TYPES = (
    "bool boolean byte date datetime decimal double float guid int int8 int16 int32 int64 long real time timespan "
    "uint uint8 uint16 uint32 uint64 ulong uniqueid"
)
_OF_TYPES = frozenset(_TYPES.split())
# What a literal of any of them needs: a number, a date in any format, a GUID, `null`. A quote only around all of it.
_PLAIN = r"""[A-Za-z0-9_ \t.,:+/-]*"""
_ESCAPE = r"""\\(?:[\\'"abfnrtv]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3})"""
_LEXEME = re.compile(
    rf"""(?P<blank>[ \t\r\n]+|//[^\r\n]*)
    |(?P<string>[hH]?(?:@"(?:[^"\r\n]|"")*"|@'(?:[^'\r\n]|'')*'
        |"(?:[^"\\\r\n]|{_ESCAPE})*"|'(?:[^'\\\r\n]|{_ESCAPE})*'|```[\s\S]*?```|~~~[\s\S]*?~~~))
    |(?P<literal>(?:{_TYPES.replace(" ", "|")})\((?:"{_PLAIN}"|'{_PLAIN}'|{_PLAIN})\))
    |(?P<name>in~|[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)?)
    |(?P<mark>=~|!~|==|!=|<=|>=|=>|<>|\.\.|[|,;()\[\]{{}}.=<>!+\-*/%$:~])""",
    re.VERBOSE,
)
_TYPED = re.compile(rf"(?:{_TYPES.replace(' ', '|')})(?![A-Za-z0-9_])(?:[ \t\r\n]|//[^\r\n]*)*\(")
_QUOTED = re.compile(r"""[hH]?["']""")
# Microsoft's lexer ends a comment at some of these, and people cannot see any of them.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# What word processors and chats make of quotes.
_STRAIGHT = dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’‚", "'")
_PARTNERS = {"(": ")", "[": "]", "{": "}"}
_DEEPEST = 50


class Token(NamedTuple):
    """
    A word, literal or sign of a query; blanks and comments are not tokens.

    `kind` is `string`, `literal` (such as `datetime(2026-11-24)`), `name`, `number` or `mark`. `start` is the
    offset in the query, in characters.
    """

    kind: str
    text: str
    start: int


class Bracketed(NamedTuple):
    """
    Everything between an opening bracket and its partner.

    `kind` is the opening bracket. `start` is its offset in the query, in characters.
    """

    kind: str
    items: list[Token | Bracketed]
    start: int


Node = Token | Bracketed


# Whoever reads a hunt asks several things of its query, one after the other.
@lru_cache(maxsize=8)
def lex(query: str) -> tuple[Token, ...]:
    """
    Split *query* into its tokens, without comments.

    Raises UnreadableQuery for a string that is not closed, an invisible character, one that KQL does not have, and
    a literal such as `datetime(…)` that holds more than plain text.
    """
    if unseen := _UNSEEN.search(query):
        raise UnreadableQuery(unseen.start(), f"remove the invisible character U+{ord(unseen[0]):04X}")
    tokens, at = [], 0
    for match in _LEXEME.finditer(query):
        if match.start() != at:
            break
        kind, word, at = str(match.lastgroup), match[0], match.end()
        if kind == "name" and word in _OF_TYPES and (typed := _TYPED.match(query, match.start())):
            wanted = f"write {word}(…) with a plain value, or convert with a function such as tolong()"
            blank = f"write {word} and its bracket without a blank between"
            raise UnreadableQuery(match.start(), wanted if typed.end() == at + 1 else blank)
        if kind != "blank":
            tokens.append(Token(kind, word, match.start()))
    if at < len(query):
        raise UnreadableQuery(at, _unreadable(query, at))
    return tuple(tokens)


def _unreadable(query: str, at: int) -> str:
    """Return what to do about the character at *at*, with which no token begins."""
    if straight := _STRAIGHT.get(query[at]):
        return f"write {straight} in the place of {query[at]}, which KQL does not take for a quote"
    if not _QUOTED.match(query, at) and query[at] not in "`@":
        return f"remove the character {query[at]!a}"
    rest = query[at:].partition("\n")[0]
    return (
        "close this string" if "\\" not in rest else 'close this string, or write it as @"…", without escapes'
    )


def nest(tokens: Iterable[Token]) -> list[Node]:
    """
    Nest *tokens* by their brackets, at most 50 deep.

    Raises UnreadableQuery where a bracket has no partner, or the query is nested deeper.
    """
    whole: list[Node] = []
    opened: list[Bracketed] = []
    for token in tokens:
        items = opened[-1].items if opened else whole
        if token.text in _PARTNERS:
            if len(opened) >= _DEEPEST:
                raise UnreadableQuery(token.start, "nest the query less deep")
            group = Bracketed(token.text, [], token.start)
            items.append(group)
            opened.append(group)
        elif token.text in _PARTNERS.values():
            if not opened or _PARTNERS[opened.pop().kind] != token.text:
                raise UnreadableQuery(token.start, f"nothing opens this {token.text}")
        else:
            items.append(token)
    if opened:
        raise UnreadableQuery(opened[-1].start, f"close this {opened[-1].kind}")
    return whole


def split(nodes: list[Node], mark: str) -> list[list[Node]]:
    """Split *nodes* at every *mark* among them, not looking into brackets; [] has no parts."""
    parts: list[list[Node]] = [[]] if nodes else []
    for node in nodes:
        if isinstance(node, Token) and node.kind == "mark" and node.text == mark:
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


def text(node: Node) -> str:
    """Return the text of a name or a mark; '' for any other node."""
    return node.text if isinstance(node, Token) and node.kind in {"name", "mark"} else ""


def bracket(node: Node) -> str:
    """Return the bracket that opens a group; '' for a token."""
    return node.kind if isinstance(node, Bracketed) else ""


def inside(node: Node) -> list[Node]:
    """Return the nodes in a group; [] for a token."""
    return node.items if isinstance(node, Bracketed) else []


def is_call(nodes: list[Node]) -> bool:
    """Tell whether *nodes* are a name and what stands in brackets after it."""
    return len(nodes) == 2 and bracket(nodes[1]) == "("


def name_of(node: Node | None) -> str | None:
    """Return the name that *node* is, written as `name` or `['name']`; None for anything else."""
    if isinstance(node, Token):
        return node.text if node.kind == "name" else None
    match node:
        case Bracketed(kind="[", items=[Token(kind="string") as one]):
            return unquoted(one)
    return None


def unquoted(string: Token) -> str:
    """
    Return the content of a string token, with escapes as they are written.

    They are not resolved: a table's name written with escapes is then no table we know, and is refused.
    """
    return string.text.lstrip("hH@").strip("\"'`~")


def leading_operator(nodes: list[Node]) -> tuple[str, list[Node]]:
    """
    Return the operator that *nodes* begin with, and the nodes after it.

    Words joined by hyphens without blanks, as in `project-away`, are one operator.
    """
    size = 1
    while (
        size + 1 < len(nodes)
        and text(nodes[size]) == "-"
        and nodes[size].start == nodes[size - 1].start + len(text(nodes[size - 1]))
    ):
        size += 2
    return "".join(text(node) for node in nodes[:size]), nodes[size:]


def options(nodes: list[Node]) -> list[Node]:
    """Return what follows the options in front, such as `kind=inner hint.strategy=shuffle`."""
    at = 0
    while at < len(nodes) and text(nodes[at]):
        equals = next((n for n in range(at + 1, len(nodes), 2) if text(nodes[n]) != "."), len(nodes))
        if equals + 1 >= len(nodes) or text(nodes[equals]) != "=":
            break
        at = equals + 2
    return nodes[at:]
