"""
Make values from telemetry harmless: an attacker may have chosen them.

Command lines, URLs and names end up in comments, pages and CSV files. Here, control characters become visible
and links stop being links. `secrets` masks secrets; `html` and the pages' template engine escape HTML.
"""

from __future__ import annotations

import re
import unicodedata

_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]{0,30}):(?=//)")
_AFTER_SCHEME = re.compile(r"(?<=//)([^\s/?#\"'<>]+)")
# ASCII: a digit of another script before an address must not keep it from being defanged.
_IPV4 = re.compile(r"(?<!\d)(?<!\d\.)(\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})(?!\d|\.\d)", re.ASCII)
_WWW = re.compile(r"(?i)\b(www\d*)\.")
_MAIL = re.compile(r"(?<=[\w-])@(?=[\w-]+(?:\.|\[))")
_MAILTO = re.compile(r"(?i)\b(mailto|javascript|data|vbscript|tel|sip):(?=\S)")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_FORMULA = ("=", "+", "-", "@", "|", "%")


def visible(text: str) -> str:
    r"""Write control, bidirectional and other invisible characters as \uXXXX, so that a value is one line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSEEN else c for c in text)


def defang(text: str) -> str:
    """Break the links in a text: `hxxps://evil[.]example/a`, `203.0.113[.]9`, `user[@]example`."""
    text = _SCHEME.sub(lambda m: _defang_scheme(m[1]), text)
    text = _AFTER_SCHEME.sub(lambda m: m[1].replace("[.]", ".").replace(".", "[.]"), text)
    text = _IPV4.sub(r"\1[.]\2", text)
    text = _WWW.sub(r"\1[.]", text)
    text = _MAILTO.sub(r"\1[:]", text)
    return _MAIL.sub("[@]", text)


def defang_name(text: str) -> str:
    """
    Break a value that is a domain, an address or a URL as a whole: `evil[.]example/a`, `2001:db8[::]1`.

    URLs with a scheme and IPv4 addresses are returned unchanged: `defang` breaks them.
    """
    if _SCHEME.match(text):
        return text
    name, slash, rest = text.partition("/")
    if name.count(":") > 1:
        return name.replace("::", "[::]") if "::" in name else name.replace(":", "[:]", 1)
    if _IPV4.fullmatch(name):
        return text
    return name.replace("[.]", ".").replace(".", "[.]") + slash + rest


def inert(text: str) -> str:
    """
    Make a value safe in plain text, wherever that text is shown.

    It is not documented whether Defender renders a comment posted through Graph, so characters that HTML and
    Markdown would act on are replaced by look-alikes.
    """
    return (
        defang(visible(text))
        .replace("<", "\u2039")
        .replace(">", "\u203a")
        .replace("`", "\u02cb")
        .replace("](", "] (")
        .replace("![", "! [")
    )


def csv_cell(text: str) -> str:
    """Make a value safe in a CSV cell: one line, no formula (OWASP, "CSV Injection"), no working link."""
    text = defang(visible(text))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def clip(text: str, length: int) -> str:
    """Shorten a text to *length* characters, including a note that says how many are missing."""
    if len(text) <= length:
        return text
    note = f"… (+{len(text) - length:,} characters)"
    return text[: max(0, length - len(note))] + note


def label(text: str, length: int) -> str:
    """Make a name or a sentence safe in plain text, in at most *length* characters."""
    return clip(inert(text), length)


def time(text: str) -> str:
    """Write Graph's text for a time as `2026-11-24 02:14:05`."""
    return text[:19].replace("T", " ")


def _escape(character: str) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(character)
    return known.get(character) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def _defang_scheme(scheme: str) -> str:
    if scheme.lower().startswith(("http", "hxxp")):
        return scheme.lower().replace("http", "hxxp") + ":"
    return f"{scheme}[:]"
