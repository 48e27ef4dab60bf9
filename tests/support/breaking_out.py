"""Strings that try to break out of a literal, the hunts that they are put into, and how two readings are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.catalog.load import load_hunts

if TYPE_CHECKING:
    import random

PIECES = [
    '"', "'", '""', "''", "\\", '\\"', "\\\\", "\n", "\r", "\r\n", "\t", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028",
    "\u2029", "\u202e", "\u200b", "\ufeff", "\ud800", "\udfff", "😀", "é", "İ", "```", "~~~", "//", "/*", "#", '@"', "h'",
    "|", ";", ",", "(", ")", "[", "]", "{", "}", "])", '"]);', '"; DeviceInfo | take 1 //', '" or 1 == 1 or "', "\\u0022",
    "\\x22", "\\042", "let _DeviceIds = dynamic([]);", "| union (SigninLogs)", ".drop table DeviceInfo", "$left", "%22",
    "a", "srv-1", "203.0.113.9", "evil.example/", " ", "0", "x" * 200,
]  # fmt: skip
FILE_ORIGIN = load_hunts().by_name["file-origin"].query
HASHES = "DeviceFileEvents | extend Indicator = SHA1 | where SHA1 in (_FileHashes)"


def hostile(chance: random.Random) -> str:
    """Return a random string pieced together to break out of a literal."""
    return "".join(chance.choices(PIECES, k=chance.randint(1, 8)))


def units(texts: list[Any]) -> list[bytes]:
    """Return the texts in UTF-16, as the parser has them: two surrogates in a row are one character."""
    return [text.encode("utf-16-le", "surrogatepass") for text in texts if isinstance(text, str)]


def shape(tokens: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the tokens without the content of their string literals."""
    return [(kind, "" if text.startswith('"') else text) for kind, text in tokens]
