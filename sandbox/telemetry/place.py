"""A token of a query, and what stands around it: its operator, its arguments, and the rows that it gets."""

from __future__ import annotations

import re
from typing import NamedTuple

from shared.kql.edit import Edit
from shared.kql.lexer import Token, unquoted

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_ESCAPE = re.compile(r"\\(.)")


class Place(NamedTuple):
    """The token with the index *at* of a query's *tokens*; `texts` are theirs."""

    query: str
    tokens: list[Token]
    texts: list[str]
    at: int

    @property
    def operator(self) -> str:
        """The operator that a pipe leads to, such as `project-away`; '' where no pipe is."""
        return "".join(self.texts[self.at + 1 : self._body()]) if self.texts[self.at] == "|" else ""

    @property
    def function(self) -> str:
        """The function that is called; '' where none is."""
        called = self.texts[self.at + 1 : self.at + 2] == ["("] and self.tokens[self.at].kind == "name"
        return self.texts[self.at] if called else ""

    def operands(self) -> list[list[Token]]:
        """Return what stands between the commas of an operator."""
        return self._parts(self._body(), self._operator_end())

    def arguments(self) -> list[list[Token]]:
        """Return the arguments of a call."""
        return self._parts(self.at + 2, self._closing(self.at + 1))

    def text(self, tokens: list[Token]) -> str:
        """Return what *tokens*, which stand beside each other, are in the query."""
        return self.query[tokens[0].start : _end(tokens[-1])]

    def with_operator(self, text: str) -> Edit:
        """Return what puts *text* in the place of the operator."""
        return self._put(self.at + 1, self._operator_end(), text)

    def with_call(self, text: str) -> Edit:
        """Return what puts *text* in the place of the call."""
        return self._put(self.at, self._closing(self.at + 1) + 1, text)

    def with_name(self, name: str) -> Edit:
        """Return what gives the function another name."""
        return self._put(self.at, self.at + 1, name)

    def with_source(self, text: str) -> Edit:
        """Return what puts *text* in the place of the operator, and of all that leads to it."""
        return self._put(self._feeding()[0], self._operator_end(), text)

    def source(self) -> str:
        """
        Return the query, with the `let` statements in front, whose rows this operator, or that of this call, gets.

        It is '' where a query cannot be told, as for a call in `print`.
        """
        start, pipe = self._feeding()
        if start >= pipe:
            return ""
        depth, front = 0, 0
        for token in self.tokens[:start]:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            if token.text == ";" and not depth:
                front = _end(token)
        return f"{self.query[:front]}\n{self.query[self.tokens[start].start : self.tokens[pipe].start]}"

    def _feeding(self) -> tuple[int, int]:
        """Return where that query begins, and the pipe at which it ends; equal numbers where there is none."""
        depth, pipe = 0, self.at
        # The last pipe at the depth of the operator, which may stand outside of brackets that the call is in.
        while pipe >= 0 and not (depth <= 0 and self.texts[pipe] in {"|", ";"}):
            depth += (self.texts[pipe] in _CLOSE) - (self.texts[pipe] in _OPEN)
            pipe -= 1
        if pipe < 0 or self.texts[pipe] == ";":
            return 0, 0
        depth, start = 0, pipe
        while start and not (depth == 0 and self.texts[start - 1] in {*_OPEN, ";"}):
            start -= 1
            depth += (self.texts[start] in _CLOSE) - (self.texts[start] in _OPEN)
        if self.texts[start] == "let" and self.texts[start + 2] == "=":
            start += 3
        return start, pipe

    def _put(self, first: int, last: int, text: str) -> Edit:
        """Return what puts *text* in the place of the tokens from *first* to before *last*."""
        return Edit(self.tokens[first].start, _end(self.tokens[last - 1]), text)

    def _body(self) -> int:
        """Return where, after an operator's words that hyphens join, its operands begin."""
        at = self.at + 2
        while self.texts[at : at + 1] == ["-"]:
            at += 2
        return at

    def _operator_end(self) -> int:
        depth = 0
        for at in range(self.at + 1, len(self.texts)):
            depth += (self.texts[at] in _OPEN) - (self.texts[at] in _CLOSE)
            if depth < 0 or (not depth and self.texts[at] in {"|", ";"}):
                return at
        return len(self.texts)

    def _closing(self, opening: int) -> int:
        depth = 0
        for at in range(opening, len(self.texts)):
            depth += (self.texts[at] in _OPEN) - (self.texts[at] in _CLOSE)
            if not depth:
                return at
        return len(self.texts) - 1

    def _parts(self, first: int, last: int) -> list[list[Token]]:
        depth, parts = 0, list[list[Token]]([[]] if first < last else [])
        for token in self.tokens[first:last]:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            if token.text == "," and not depth:
                parts.append([])
            else:
                parts[-1].append(token)
        return [part for part in parts if part]


def string(tokens: list[Token]) -> str | None:
    """Return the value of a string in quotes; None for anything else."""
    if [token.kind for token in tokens] != ["string"]:
        return None
    plain = unquoted(tokens[0])
    return plain if tokens[0].text[0] in "@hH`~" else _ESCAPE.sub(r"\1", plain)


def name_or_pattern(tokens: list[Token]) -> str:
    """Return the column, or the pattern for columns, that *tokens* name, with or without brackets."""
    if [token.text for token in tokens[:1] + tokens[-1:]] == ["[", "]"]:
        tokens = tokens[1:-1]
    value = string(tokens)
    return "".join(token.text for token in tokens) if value is None else value


def column(name: str) -> str:
    """Return *name* as a query names a column."""
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _end(token: Token) -> int:
    return token.start + len(token.text)
