"""
Mask what looks like a secret in a value from telemetry.

This is a guess by appearance, not a guarantee: passwords, keys, tokens and signatures as tools are given them, by the
table in `forms`. It takes time in proportion to a value's length, whatever the value is.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from . import forms
from .patterns import UNLIKE, VALUE, any_of, form_pattern, key_pattern, look_pattern

_MASKED = "***"

# Times, numbers, addresses, device ids and hashes: most values are one of these, and hold nothing to mask. What is longer
# may be a pair of hashes.
_PLAIN = re.compile(r"[0-9a-fA-FTZ.:+-]{0,64}")
_KEY = key_pattern()

# -e, -ec, -enc … -EncodedCommand, of PowerShell: no other program takes so much base64.
_ENCODED = re.compile(
    r"(?i)(?<![^\s\"'])[-/]e(?:c|n[a-z]{0,12})?\s{1,8}[\"']?([a-z0-9+/=]{24,}+)(?![^\s\"'|;&)])"
)


class _Rule(NamedTuple):
    """A pattern, and what a text, in lower case, holds if the pattern finds anything in it: one of these."""

    holds: tuple[str, ...]
    pattern: re.Pattern[str]


def _holds(*names: str) -> tuple[str, ...]:
    """Return the longest part of each of *names*, which a text with it holds, however the name's parts are joined."""
    return tuple({max(re.split("[-_]", name.lower()), key=len) for name in names})


_RULES = (
    *(_Rule(_holds(*look.begins.split()), re.compile(look_pattern(look))) for look in forms.LOOKS),
    *(_Rule(tuple(shape.holds.lower().split()), re.compile(shape.pattern)) for shape in forms.SHAPES),
    _Rule(
        tuple(forms.WEBHOOKS), re.compile(rf"(?i:{'|'.join(map(re.escape, forms.WEBHOOKS))})([^\s\"'<>]+)")
    ),
    _Rule(_holds(*forms.PARAMETERS), re.compile(rf"[?&;]{any_of(forms.PARAMETERS)}=([^\s&;\"']+)")),
    _Rule(
        _holds(*forms.SOMETIMES),
        re.compile(
            rf"[?&]{any_of(forms.SOMETIMES)}=(?=[^\s&\"'0-9]{{0,64}}[0-9])(?=[^\s&\"'A-Za-z]{{0,64}}[A-Za-z])([^\s&\"']{{12,}}+)"
        ),
    ),
    # An option in quotes as a whole, whose value may be two words.
    _Rule(
        _holds(*forms.KEYS, *forms.WHOLE_KEYS),
        re.compile(rf"(?<=[\"'])--?[\w-]{{0,40}}?{_KEY}=([^\"']*+)(?=[\"'])"),
    ),
    _Rule(
        _holds(*forms.KEYS, *forms.WHOLE_KEYS),
        re.compile(
            rf"{_KEY}(?:\\*[\"'])?\]?(?:=|\s{{0,8}}:=?\s{{0,8}}|\s{{1,8}}=\s{{1,8}})(?![=:]|//){UNLIKE}({VALUE})"
        ),
    ),
)

_OPTION = re.compile(rf"(?:--?[\w.-]{{0,64}}?{_KEY}|/(?i:password|passwd|pass|pwd|secret|token))\Z")
_OPTION_VALUE = re.compile(rf"\s{{1,8}}(?!--?[A-Za-z]|[|&;<>]){UNLIKE}({VALUE})")
_SEPARATORS = frozenset(("|", "||", "&", "&&"))
_ENDS = str.maketrans(dict.fromkeys("\\|;&=`()$\"'", "/"))
_WORD = re.compile(r"\S+")


def _by_tool() -> dict[str, re.Pattern[str]]:
    """Return the pattern of all forms of each tool, which matches nothing if it has none; that of every tool is under `*`."""
    written: dict[str, list[str]] = {}
    for tool in forms.TOOLS:
        for name in tool.names.split():
            written.setdefault(name, []).extend(map(form_pattern, tool.forms))
    return {name: re.compile("|".join(patterns) or "(?!)") for name, patterns in written.items()}


_TOOLS = _by_tool()
_ANY_TOOL = _TOOLS.pop("*")
_ANY_HOLDS = ("asplaintext", "securestring", "secret_access_key", "proxy-user")
_NO_SECRETS = {name: frozenset(tool.forms) for tool in forms.NO_SECRETS for name in tool.names.split()}
_ANY_HARMLESS = _NO_SECRETS.pop("*")


def mask_secrets(text: str) -> str:
    """
    Replace what looks like a password, key, token or signature with ***; a guess, not a guarantee.

    Of a command that PowerShell takes encoded, how long it is and its hash are left.
    """
    if _PLAIN.fullmatch(text):
        return text
    text = mask_encoded(text)
    lower = text.lower()
    for rule in _RULES:
        if any(part in lower for part in rule.holds):
            text = rule.pattern.sub(_mask, text)
    return _mask_words(text, lower)


def mask_encoded(text: str) -> str:
    """Replace commands that PowerShell takes encoded with how long they are, and the first digits of their SHA-256."""
    return _ENCODED.sub(_fingerprint, text)


def _fingerprint(found: re.Match[str]) -> str:
    secret = found[1]
    digest = hashlib.sha256(secret.encode()).hexdigest()[:8]
    return f"{found[0].removesuffix(secret)}{_MASKED}({len(secret):,} characters, sha256 {digest})"


def _mask(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span(1))
    return f"{found[0][:start]}{_MASKED}{found[0][end:]}"


def _mask_words(text: str, lower: str) -> str:
    """Mask what stands behind a tool, or an option, that takes a secret."""
    hits = _secrets_of_words(text, anywhere=any(part in lower for part in _ANY_HOLDS))
    shown: list[str] = []
    done = 0
    for start, end in hits:
        shown += text[done:start], _MASKED
        done = end
    return "".join((*shown, text[done:]))


def _secrets_of_words(text: str, *, anywhere: bool) -> list[tuple[int, int]]:
    """Return where the secrets are that stand behind a tool or an option; *anywhere* looks for forms of any tool, too."""
    hits: list[tuple[int, int]] = []
    tool, harmless, done = None, _ANY_HARMLESS, 0
    for word in _WORD.finditer(text):
        start = word.start()
        if start < done:
            continue
        found = tool.match(text, start) if tool else None
        if found is None and anywhere:
            found = _ANY_TOOL.match(text, start)
        if found is None and word[0] not in harmless and _OPTION.match(word[0]):
            found = _OPTION_VALUE.match(text, word.end())
        if found:
            hits.append(found.span(found.lastindex or 0))
            done = found.end()
        elif word[0] in _SEPARATORS or word[0].endswith(";"):
            tool, harmless = None, _ANY_HARMLESS
        else:
            name = _tool_name(word[0])
            if name in _TOOLS or name in _NO_SECRETS:
                tool, harmless = _TOOLS.get(name), _NO_SECRETS.get(name, _ANY_HARMLESS)
    return hits


def _tool_name(word: str) -> str:
    """Return the name of the tool that a word calls: without its folder, quotes and `.exe`."""
    name = word.rstrip("\"'`()$,;").translate(_ENDS).rpartition("/")[2]
    return name.lower().removesuffix(".exe")
