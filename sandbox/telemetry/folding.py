r"""
Shorten the SQL that duckdb-kql writes, so that DuckDB plans it in a fraction of the time; what it selects stays the same.

A comparison of texts asks first whether the text is JSON, which doubles it, and what makes a value a text asks of which of
seven types it is; of a column that is known to be a text, neither is asked, nor the second of an object that was just made. Words that one text is searched for are one search: each costs 7 ms before a row is read, as the letters of all
scripts (`\pL`) are compiled anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

_BEFORE, _BEHIND = r"'(?i)(?:^|[^\pL\pN])", r"(?:$|[^\pL\pN])'"
_TEXT = r"'(?:[^']|'')*'"
#: How a text is searched for a word.
_WORD = re.compile(
    rf"regexp_matches\(((?:[^'()]|{_TEXT}|\((?:[^'()]|{_TEXT})*\))*), {re.escape(_BEFORE)}' "
    rf"\|\| regexp_escape\(({_TEXT})\) \|\| '{re.escape(_BEHIND)}\)"
)
_PART = re.compile(
    rf"""{_TEXT}|CASE\ WHEN\ typeof\("(?P<asked>\w+)"\)\ =\ 'JSON'\ THEN\b|CASE\ typeof\((?:"(?P<told>\w+)"\)|(?P<json>json_object\())
    |"[^"]*"|\b(?P<word>CASE|WHEN|THEN|ELSE|END)\b""",
    re.VERBOSE,
)
_ALIAS = re.compile(r'(?P<before>"(?P<of>\w+)"|\S) AS "(?P<name>\w+)"')


@dataclass
class _Case:
    """A CASE that is open, and what is kept of it: all, or what it says of the one type that its value can have."""

    kept: list[str] = field(default_factory=list)
    #: `asks`: whether a text is JSON; `told`: which of all types a text has; `json`: which an object has.
    kind: Literal["", "asks", "told", "json"] = ""
    #: Where it says what it says of that type: `before`, `there`, or `behind`.
    where: Literal["before", "there", "behind"] = "there"

    def keep(self, text: str) -> None:
        if self.where != "behind":
            self.kept.append(text)


def folded(sql: str, texts: Collection[str]) -> str:
    """Return *sql* in a shorter form. Columns with a name in *texts* are texts in every table that it reads."""
    return _one_search(_unasked(sql, _still_texts(sql, texts)))


def _still_texts(sql: str, texts: Collection[str]) -> set[str]:
    """Return those of *texts* that no expression is called in *sql*, but for another text."""
    known = {*texts}
    while True:
        made = {
            found["name"]
            for found in _ALIAS.finditer(sql)
            if found["name"] in known and found["of"] not in known
        }
        if not made:
            return known
        known -= made


def _unasked(sql: str, texts: Collection[str]) -> str:
    open_ = [_Case()]
    at = 0
    for found in _PART.finditer(sql):
        word, case = found["word"], open_[-1]
        if (kind := _kind(found, texts)) is not None:
            case.keep(sql[at : found.start() if kind else found.end()])
            open_.append(_Case(kind=kind, where="before" if kind == "json" else "there"))
        elif word == "END" and len(open_) > 1:
            case.keep(sql[at : found.start() if case.kind else found.end()])
            inner = "".join(open_.pop().kept)
            open_[-1].keep(f"({inner})" if case.kind else inner)
        elif case.kind in {"asks", "told"} and word == "ELSE":
            case.kept.clear()
        elif case.kind == "asks" and word == "WHEN":
            return sql  # it asks for more than JSON
        elif case.kind == "json" and case.where == "before" and word == "THEN":
            case.kept.clear()
            case.where = "there"
        elif case.kind == "json" and case.where == "there" and word in {"WHEN", "ELSE"}:
            case.keep(sql[at : found.start()])
            case.where = "behind"
        else:
            continue
        at = found.end()
    return "".join([*open_[0].kept, sql[at:]]) if len(open_) == 1 else sql


def _kind(found: re.Match[str], texts: Collection[str]) -> Literal["", "asks", "told", "json"] | None:
    """Return of which kind the CASE is that begins here; None where none begins."""
    if found["json"]:
        return "json"
    if found["asked"] or found["told"]:
        known = (found["asked"] or found["told"]) in texts
        return ("asks" if found["asked"] else "told") if known else ""
    return "" if found["word"] == "CASE" else None


def _one_search(sql: str) -> str:
    parts: list[str] = []
    at = 0
    run: list[re.Match[str]] = []
    for found in [*_WORD.finditer(sql), None]:
        if run and found and found[1] == run[0][1] and sql[run[-1].end() : found.start()] == " OR ":
            run.append(found)
            continue
        if len(run) > 1:
            words = ", ".join(f"regexp_escape({each[2]})" for each in run)
            search = f"{_BEFORE}(?:' || concat_ws('|', {words}) || '){_BEHIND}"
            parts += [sql[at : run[0].start()], f"regexp_matches({run[0][1]}, {search})"]
            at = run[-1].end()
        run = [found] if found else []
    return "".join([*parts, sql[at:]])
