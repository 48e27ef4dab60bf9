"""
Make values from telemetry harmless: an attacker may have chosen them.

Command lines, URLs and names end up in comments, pages and CSV files. Here, control characters become visible
and links stop being links. `secrets` masks secrets; `html` and the pages' template engine escape HTML.
"""

from __future__ import annotations

import re
import unicodedata

from .domains import defang_domains

_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]{0,30}):(?=//)")
_AFTER_SCHEME = re.compile(r"(?<=//)([^\s/?#\"'<>]+)")
# ASCII: a digit of another script before an address must not keep it from being defanged.
_IPV4 = re.compile(r"(?<!\d)(?<!\d\.)(\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})(?!\d|\.\d)", re.ASCII)
_WWW = re.compile(r"(?i)\b(www\d*)\.")
_MAIL = re.compile(r"(?<=[\w-])@(?=[\w-]+(?:\.|\[))")
_MAILTO = re.compile(r"(?i)\b(mailto|javascript|data|vbscript|tel|sip):(?=\S)")
_UNUSUAL = re.compile("[^ -~]")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Also where another sign separates than ours, behind blanks and quotes, and in full width, which Excel reads as well.
_FORMULA = re.compile(
    r"(\A|[;\t])(?=[\s\"'`\u2018\u2019\u201c\u201d]*+[=+\-@|%\uff1d\uff0b\uff0d\uff20\uff5c\uff05])"
)
#: Dots that a reader takes for the one between two columns, or at the start of a line, where they could stand there.
_DOT = re.compile(r"(?:(?<=\s)|\A)[\u00b7\u2022\u2219\u22c5\u2027\u30fb\uff65\u25cf](?=\s|\Z)")
_MARKER = re.compile(r"(?i)(outrider)(?= [0-9a-f]{32})")
_QUOTES = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u201f\uff02\u301d\u301e', "'"))
_PLAIN_NAME = re.compile(r"[\w.-]+")
#: What is left of a scheme where a text is cut in the middle of it.
_CUT_SCHEME = re.compile(r"\A[A-Za-z0-9+.-]{1,31}(?=://)")
_CUT_END = re.compile(r"\.([\w-]{0,63})\Z")
_CUT_START = re.compile(r"\A([\w-]{0,63})\.(?!\])")
_BROKEN = 4


def visible(text: str) -> str:
    r"""Write control, bidirectional and other invisible characters as \uXXXX, so that a value is one line."""
    return _UNUSUAL.sub(lambda found: _seen(found[0]), text)


def defang(text: str) -> str:
    """Break the links in a text: `hxxps://evil[.]example/a`, `evil[.]example`, `203.0.113[.]9`, `user[@]example`."""
    text = _SCHEME.sub(lambda m: _defang_scheme(m[1]), text)
    text = _AFTER_SCHEME.sub(lambda m: m[1].replace("[.]", ".").replace(".", "[.]"), text)
    text = _IPV4.sub(r"\1[.]\2", text)
    text = _WWW.sub(r"\1[.]", text)
    text = _MAILTO.sub(r"\1[:]", text)
    return defang_domains(_MAIL.sub("[@]", text))


def defang_name(text: str) -> str:
    """
    Break a value that is a domain, an address or a URL as a whole: `evil[.]example/a`, `2001:db8[::]1`.

    URLs with a scheme and IPv4 addresses are returned unchanged: `defang` breaks them.
    """
    name, slash, rest = text.partition("/")
    if name.count(":") > 1:
        broken = name.replace("::", "[::]") if "::" in name else name.replace(":", "[:]", 1)
    elif _IPV4.fullmatch(name):
        broken = name
    else:
        broken = name.replace("[.]", ".").replace(".", "[.]")
    return f"{broken}{slash}{rest}"


def inert(text: str) -> str:
    """
    Make a value safe in plain text, wherever that text is shown.

    It is not documented whether Defender renders a comment posted through Graph, so characters that HTML and
    Markdown would act on are replaced by look-alikes. A dot that could pass for the one between two columns is
    written as its number, and no text passes for the last line of a comment (`marker`).
    """
    return (
        _MARKER.sub(r"\1:", _DOT.sub(lambda dot: f"\\u{ord(dot[0]):04x}", defang(visible(text))))
        .replace("<", "\u2039")
        .replace(">", "\u203a")
        .replace("`", "\u02cb")
        .replace("](", "] (")
        .replace("![", "! [")
    )


def csv_cell(text: str) -> str:
    """
    Make a value safe in a CSV cell: one line, no working link, and no formula (OWASP, "CSV Injection").

    There is none either where a program separates cells by semicolons or tabs.
    """
    return _FORMULA.sub(r"\1'", defang(visible(text)))


def clip(text: str, length: int, left_out: int = 0) -> str:
    """
    Shorten a text to its head and its tail, and write between them how many characters are missing.

    The result has at most *length* characters, which are 38 or more; *left_out* are missing already.
    """
    if len(text) <= length and not left_out:
        return text
    whole = len(text) + left_out
    room = min(len(text), length - len(_note(whole)) - _BROKEN)
    end = room // 3
    # A part of an address, of a domain or of a scheme may be a link where the whole was none.
    head = _CUT_END.sub(r"[.]\1", text[: room - end])
    tail = _CUT_START.sub(r"\1[.]", _CUT_SCHEME.sub("", text[len(text) - end :]))
    return f"{head}{_note(whole - room)}{tail}"


def _note(missing: int) -> str:
    return f"… (+{missing:,} characters) … "


def label(text: str, length: int, left_out: int = 0) -> str:
    """Make a name or a sentence safe in plain text, in at most *length* characters; see `clip` for *left_out*."""
    return clip(inert(text), length, left_out)


def name(text: str, length: int = 60) -> str:
    """
    Make a name safe within a sentence, in at most *length* characters.

    One that is more than letters, digits, `_`, `.` and `-` is put in quotes, so that nobody takes it for our words.
    """
    return label(text, length) if not text or _PLAIN_NAME.fullmatch(text) else quoted(text, length)


def quoted(text: str, length: int = 60) -> str:
    """Put a text in quotes, safe in plain text, in at most *length* characters; quotes within it become single."""
    return f'"{label(text.translate(_QUOTES), length - 2)}"'


def time(text: str) -> str:
    """Write Graph's text for a time as `2026-11-24 02:14:05`."""
    return text[:19].replace("T", " ")


def _seen(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(character)
    return known.get(character) or (f"\\u{code:04x}" if character <= "\uffff" else f"\\U{code:08x}")


def _defang_scheme(scheme: str) -> str:
    if scheme.lower().startswith(("http", "hxxp")):
        return scheme.lower().replace("http", "hxxp") + ":"
    return f"{scheme}[:]"
