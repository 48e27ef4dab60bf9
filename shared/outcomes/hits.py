"""Find the rows of an answer that hold one of an incident's own indicators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .cells import cell_text
from .rows import in_lots, row_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import msgspec

    from shared.model.entity import Indicator

    from .answer import Answer

    Row = dict[str, Any]

#: What may not stand beside a value, before and behind it, or it would be a part of another one: by kind.
_BESIDE = {
    "ip": (r"(?<![\w.])", r"(?!\w|\.\w)"),
    # What is below a domain is a hit, too; so is an address on it.
    "domain": (r"(?<![\w-])", r"(?![\w-]|\.\w)"),
    "url": (r"(?<![\w-])", r"(?![\w-])"),
    "fileHash": (r"(?<!\w)", r"(?!\w)"),
}
_IPV6 = (r"(?<![\w:])", r"(?![\w:])")
#: What JSON writes as it is; anything else may be escaped.
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)


def hits_in(answer: Answer, indicators: Iterable[Indicator]) -> dict[int, tuple[str, ...]]:
    """
    Return, by the number of each row that holds one of *indicators*, the values of those that it holds.

    A row holds an indicator if a text in it is or contains it, ignoring case: an address or a hash as a word of its
    own, a domain also with names before it, a URL also with more behind it. Takes time in proportion to the answer's
    length and the number of indicators.
    """
    signs = [
        (_sign(indicator), _pattern(indicator), indicator.value) for indicator in dict.fromkeys(indicators)
    ]
    read = row_reader(answer.schema)
    found: dict[int, tuple[str, ...]] = {}
    start = 0
    for lot in in_lots(answer.results) if signs else ():
        # In the rows' bytes at first, as most hold none: decoding them takes longer.
        lowered = lot.json.lower()
        likely = [each for each in signs if each[0] in lowered]
        for number, raw in enumerate(lot.rows if likely else (), start):
            if held := _held(raw, likely, read):
                found[number] = held
        start += len(lot.rows)
    return found


def _held(
    raw: msgspec.Raw | bytes,
    signs: Iterable[tuple[bytes, re.Pattern[str], str]],
    read: Callable[[msgspec.Raw | bytes], Row],
) -> tuple[str, ...]:
    row = bytes(raw).lower()
    likely = [(pattern, value) for sign, pattern, value in signs if sign in row]
    texts = [*_texts(read(raw))] if likely else []
    return tuple(value for pattern, value in likely if any(map(pattern.search, texts)))


def _sign(indicator: Indicator) -> bytes:
    """Return the longest part of a value that JSON writes as it is."""
    return max(_PLAIN.findall(indicator.value.lower()), key=len, default="").encode()


def _pattern(indicator: Indicator) -> re.Pattern[str]:
    before, behind = _IPV6 if ":" in indicator.value and indicator.kind == "ip" else _BESIDE[indicator.kind]
    return re.compile(before + re.escape(indicator.value) + behind, re.IGNORECASE)


def _texts(row: dict[str, Any]) -> Iterator[str]:
    return (cell_text(value) for value in row.values() if value is not None and not isinstance(value, bool))
