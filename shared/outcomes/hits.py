"""Find the rows of an answer that hold one of an incident's own indicators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .answer import row_reader
from .cells import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model.entity import Indicator

    from .answer import Answer

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
    for number, raw in enumerate(answer.results if signs else ()):
        row = bytes(raw).lower()
        # In a row's bytes at first, as most rows hold none: decoding them takes longer.
        likely = [(pattern, value) for sign, pattern, value in signs if sign in row]
        texts = [*_texts(read(raw))] if likely else []
        if held := tuple(value for pattern, value in likely if any(map(pattern.search, texts))):
            found[number] = held
    return found


def _sign(indicator: Indicator) -> bytes:
    """Return the longest part of a value that JSON writes as it is."""
    return max(_PLAIN.findall(indicator.value.lower()), key=len, default="").encode()


def _pattern(indicator: Indicator) -> re.Pattern[str]:
    before, behind = _IPV6 if ":" in indicator.value and indicator.kind == "ip" else _BESIDE[indicator.kind]
    return re.compile(before + re.escape(indicator.value) + behind, re.IGNORECASE)


def _texts(row: dict[str, Any]) -> Iterator[str]:
    return (cell_text(value) for value in row.values() if value is not None and not isinstance(value, bool))
