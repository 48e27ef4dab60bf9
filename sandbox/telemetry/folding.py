r"""
Shorten the SQL that duckdb-kql writes, so that DuckDB plans it in a fraction of the time; what it selects stays the same.

A comparison of texts asks first whether the text is JSON, which doubles it; of a column that is known to be none, that
is not asked. Words that one text is searched for are one search: each costs 7 ms before a row is read, as the letters of all
scripts (`\pL`) are compiled anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

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
    rf"""{_TEXT}|CASE\ WHEN\ typeof\("(?P<asked>\w+)"\)\ =\ 'JSON'\ THEN\b|"[^"]*"|\b(?P<word>CASE|WHEN|ELSE|END)\b""",
    re.VERBOSE,
)
_ALIAS = re.compile(r'(?P<before>"(?P<of>\w+)"|\S) AS "(?P<name>\w+)"')


class _Case(NamedTuple):
    """A CASE that is open: what is kept of it, and whether it only asks for JSON."""

    kept: list[str]
    asks: bool


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
    open_: list[_Case] = [_Case([], asks=False)]
    at = 0
    for found in _PART.finditer(sql):
        word = "CASE" if found["asked"] else found["word"]
        if not word:
            continue
        case = open_[-1]
        if word == "CASE":
            asks = found["asked"] in texts
            case.kept.append(sql[at : found.start() if asks else found.end()])
            open_.append(_Case([], asks))
        elif word == "END" and len(open_) > 1:
            open_.pop()
            case.kept.append(sql[at : found.start() if case.asks else found.end()])
            inner = "".join(case.kept)
            open_[-1].kept.append(f"({inner})" if case.asks else inner)
        elif word == "ELSE" and case.asks:
            case.kept.clear()
        elif word == "WHEN" and case.asks:
            return sql  # it asks for more than JSON
        else:
            continue
        at = found.end()
    return "".join([*open_[0].kept, sql[at:]]) if len(open_) == 1 else sql


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
