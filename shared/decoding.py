r"""
Decode JSON from outside: what can be read is read, and what cannot is one kind of error.

Valid JSON is decoded at once, and costs nothing extra. Other JSON is mended as text, in time and memory that
grow with its length, and decoded again; the order of keys, and which of two equal keys counts, stay as they
were. What is mended:

    half a surrogate pair, as an escape or as bytes   the text `\ud83d`; two halves become their character
    bytes that are not UTF-8                          the text `\xff`
    other bad escapes and control characters          what they look like
    1e400, NaN, a number of hundreds of digits        the number as text
    a value nested more than 100 levels deep          the text TOO_DEEP
    an object in a list that is no JSON               the object as text
"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

DEEPEST = 100
TOO_DEEP = "(nested too deeply to be read)"

_ESCAPE = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
_DIGITS = r"(?:0|[1-9][0-9]{0,199}+)(?:\.[0-9]{1,300}+)?+(?:[eE][+-]?[0-9]{1,2}+)?+"
# Runs of what is right are one token, so that a large answer with few faults has few tokens.
_TOKENS = re.compile(
    rf"""(?P<right>(?:"(?:[^"\\\x00-\x1f]++|{_ESCAPE})*+"|-?{_DIGITS}(?![0-9.eE+-])|[^"\[\]{{}}0-9NI+.-]++)++)
    |(?P<open>\[++|{{)|(?P<close>\]++|}})
    |(?P<text>"(?:[^"\\]++|\\.)*+")
    |(?P<number>-?(?:NaN|Infinity|[0-9][0-9.eE+-]*+))
    |(?P<other>[NI+.-]++|.)""",
    re.DOTALL | re.VERBOSE,
)
_BRACKETS = re.compile(rb""""(?:[^"\\]++|\\.)*+"?|[\[{]++|[\]}]++""", re.DOTALL)
_WRONG_IN_TEXT = re.compile(rf"{_ESCAPE}|(?P<wrong>\\|[\x00-\x1f])")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|(?P<half>[\ud800-\udfff])")
_ESCAPED = re.compile(r"(?:\\u[dD][89a-fA-F][0-9a-fA-F]{2})++")
_HALVES = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?P<half>....)")
_NOT_UTF8 = re.compile(rb"(?P<halves>(?:\xed[\xa0-\xbf][\x80-\xbf])++)|[\x80-\xc1\xf5-\xff]++")
_VISIBLE = re.compile(r"\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|x[89a-f][0-9a-f])")


def decode(raw: bytes, kind: type[_T]) -> _T:
    """
    Decode JSON as *kind*, after mending it if need be.

    Raises msgspec.ValidationError if it does not fit *kind*, and msgspec.DecodeError if it is no JSON; never
    anything else. Where *kind* has Any or Raw inside, what is valid may be nested deeper than 100 levels: use
    `decode_any`, `bounded`, or `is_too_deep` and `mend`.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError) as error:
        reason = error
    mended = _with_characters(raw)
    if mended.encode() != raw:
        with contextlib.suppress(ValueError, RecursionError):
            return msgspec.json.decode(mended, type=kind)
    return _decode(_with_values(mended), kind, reason)


def decode_strictly(raw: bytes, kind: type[_T]) -> _T:
    """Decode as `decode` does, but mend characters alone: other faults are the sender's to mend."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError) as error:
        return _decode(_with_characters(raw), kind, error)


def _decode(text: str, kind: type[_T], reason: Exception) -> _T:
    """Decode what has been mended; if it is no JSON, say what was wrong at first."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError):
        deep = isinstance(reason, RecursionError)
        raise msgspec.DecodeError("it is nested too deeply" if deep else str(reason)) from None


def decode_any(raw: bytes | str) -> Any:
    """Decode JSON of any shape; nothing in it is nested deeper than 100 levels. Raises as `decode` does."""
    return bounded(decode(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw, Any))


def bounded(value: Any) -> Any:
    """Return decoded JSON, in which what is nested deeper than 100 levels has been replaced by TOO_DEEP."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST - 1):
        level = [item for each in level for item in _items(each) if isinstance(item, dict | list)]
        if not level:
            return value
    for each in level:
        for key, item in list(each.items() if isinstance(each, dict) else enumerate(each)):
            if isinstance(item, dict | list):
                each[key] = TOO_DEEP
    return value


def mend(raw: bytes) -> bytes:
    """Return JSON mended as `decode` does it where it must, whether or not it can be decoded as it is."""
    return _with_values(_with_characters(raw)).encode()


def is_too_deep(raw: bytes, above: int) -> bool:
    """Tell whether JSON is nested more than 100 levels deep, *above* of which are around it."""
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST - above:
        return False
    level = 0
    for found in _BRACKETS.finditer(raw):
        brackets = found[0]
        if brackets[0] in b"[{":
            level += len(brackets)
            if level > DEEPEST - above:
                return True
        elif brackets[0] in b"]}":
            level -= len(brackets)
    return False


def was_mended(text: str) -> bool:
    """Tell whether a text may hold a character that could not be read: then it is not what was sent."""
    return bool(_VISIBLE.search(text))


def writable(text: str) -> str:
    """Return a text that UTF-8 can hold: half of a surrogate pair becomes its escape, as text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _items(each: dict[str, Any] | list[Any]) -> Any:
    return each.values() if isinstance(each, dict) else each


def _with_characters(raw: bytes) -> str:
    """Return JSON in which what is no character is text that shows it."""
    text = raw.decode("utf-8", "outrider.visible").removeprefix("\ufeff")
    if not text.isascii():
        text = _SURROGATES.sub(_join_or_show, text)
    return _ESCAPED.sub(_show_escaped, text)


def _show_bytes(error: UnicodeError) -> tuple[str, int]:
    """Replace bytes that are not UTF-8, as a handler of Python's codecs; halves of pairs stay, as halves."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = _NOT_UTF8.match(error.object, error.start)
    if found and found["halves"]:
        return found[0].decode("utf-8", "surrogatepass"), found.end()
    end = found.end() if found else error.end
    return "".join([f"\\\\x{n:02x}" for n in error.object[error.start : end]]), end


codecs.register_error("outrider.visible", _show_bytes)


def _join_or_show(found: re.Match[str]) -> str:
    if found["half"]:
        return f"\\\\u{ord(found['half']):04x}"
    return found[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _show_escaped(found: re.Match[str]) -> str:
    start = found.start()
    while start and found.string[start - 1] == "\\":
        start -= 1
    # After an odd number of backslashes, the first escape is the end of one, and plain text.
    plain = 6 if (found.start() - start) % 2 else 0
    return found[0][:plain] + _HALVES.sub(_show_half, found[0][plain:])


def _show_half(found: re.Match[str]) -> str:
    return f"\\\\u{found['half'].lower()}" if found["half"] else found[0]


def _with_values(mended: str) -> str:
    """Return JSON in which every value can be decoded, as far as its brackets and quotes are in pairs."""
    out: list[str] = []
    open_at: list[tuple[str, int]] = []
    too_deep = 0
    for token in _TOKENS.finditer(mended):
        kind, text = token.lastgroup, token[0]
        if kind == "open":
            fits = text[: max(0, DEEPEST - len(open_at))]
            open_at += [(bracket, len(out)) for bracket in fits]
            out += [fits] if fits else []
            if len(text) > len(fits):
                out += [] if too_deep else [f'"{TOO_DEEP}"']
                too_deep += len(text) - len(fits)
        elif kind == "close":
            ends = text[min(too_deep, len(text)) :]
            too_deep -= len(text) - len(ends)
            for bracket in ends:
                out.append(bracket)
                _close(out, open_at)
        elif not too_deep:
            out.append(_value(kind, text))
        if text == '"':
            break  # no other quote follows: without this, each of many would search to the end
    return "".join(out)


def _value(kind: str | None, text: str) -> str:
    if kind == "text":
        return _WRONG_IN_TEXT.sub(_show_wrong, text)
    if kind == "number":
        with contextlib.suppress(ValueError):
            msgspec.json.decode(text)
            return text
        return f'"{text}"'
    return text


def _show_wrong(found: re.Match[str]) -> str:
    wrong = found["wrong"]
    if wrong is None:
        return found[0]
    return "\\\\" if wrong == "\\" else f"\\u{ord(wrong):04x}"


def _close(out: list[str], open_at: list[tuple[str, int]]) -> None:
    """Take the last open bracket off; if that ends an object in a list at the top, turn bad JSON into text."""
    kinds = [bracket for bracket, _ in open_at[-3:]] if len(open_at) == 3 else []
    _, start = open_at.pop() if open_at else ("", 0)
    if kinds == ["{", "[", "{"]:
        item = "".join(out[start:])
        try:
            msgspec.json.decode(item, type=msgspec.Raw)
        except (ValueError, RecursionError):
            out[start:] = [msgspec.json.encode(item).decode()]
        else:
            out[start:] = [item]
