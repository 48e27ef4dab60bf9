"""Make regular expressions of the table in `forms`. On no text does any of them take more than linear time."""

from __future__ import annotations

import re

from . import forms

#: A value: in quotes, in escaped quotes (`\"…\"`), or up to a blank or a sign that ends it.
VALUE = r"(?:\\+[\"'][^\"'\\]*+(?:\\+[\"']|$)|\"[^\"]*+(?:\"|$)|'[^']*+(?:'|$)|(?:[^\s\"'&;,\\]|\\+(?![\\\"']))++)"

#: Not where a secret could stand, and none does: a variable, a file, a word that says whether, what is masked already.
UNLIKE = (
    r"(?!\\?[\"']?(?:\$[A-Za-z_{(]|%\w{1,64}%|[*@(<]|(?i:env|file|fd):"
    r"|(?i:true|false|yes|no|on|off|null|none|undefined|prompt|stdin|required)(?![^\s\"',;&}\])])))"
)

# What stands alone as an argument is no separator, redirection, option, drive, printer, share or address.
_NO_ARGUMENT = r"(?![/|&;<>-]|[A-Za-z]:(?:\s|$)|(?i:lpt\d|https?:)|\\\\)"
_NO_OPTION = r"(?![|&;<>]|--?[A-Za-z])"
_ANY_WORDS = r"(?:(?![|&;<>])\S++\s++){0,12}?"
# No option; a path begins as one of Windows does.
_NAME = r"(?![|&;<>-]|/(?![\w.-]{1,64}/))(?:\"[^\"]{0,200}\"|'[^']{0,200}'|[^\s\"'|&;<>]{1,200})"
_PLACES = {"NAME": r"[^\s\"':=%@,|&;<>]{1,128}?", "NUMBER": r"(?:\d{1,6}|\*)"}


def any_of(names: tuple[str, ...]) -> str:
    """Return a pattern for any of *names*, in any case, whatever joins their parts: `api-key` is `api_key`, too."""
    return "(?i:" + "|".join(name.replace("-", "[-_.]?") for name in names) + ")"


def key_pattern() -> str:
    """Return a pattern for the end of a name that says that its value is a secret."""
    whole = "|".join(name.capitalize() for name in forms.WHOLE_KEYS)
    return (
        # The shell's own PWD is a folder.
        f"(?!(?-i:PWD)=[/~])(?:{any_of(forms.KEYS)}|(?<![A-Za-z]){any_of(forms.WHOLE_KEYS)}|(?<=[a-z])(?:{whole}))(?![A-Za-z0-9])"
    )


def form_pattern(form: str) -> str:
    """Return the pattern of a form; the group that takes part in a match is the secret."""
    words = form.split(" ")
    pattern, before = "", ""
    for word in words:
        # `…` takes the blanks behind its words along.
        pattern += ("" if before in ("", "…") else r"\s{1,8}") + _word(word, before)
        before = word
    return pattern


def look_pattern(look: forms.Look) -> str:
    """Return the pattern of secrets that are known by their looks; its group is the secret."""
    # Where one could go on, none begins, so that no part of a text is read twice.
    begins = "|".join(map(re.escape, look.begins.split()))
    return f"(?<![{look.signs}])(?<![A-Za-z0-9])((?:{begins})[{look.signs}]{{{look.least},}}+)"


def _word(word: str, before: str) -> str:
    if word == "…":
        return _ANY_WORDS
    if word == "NAME":
        return _NAME
    if "SECRET" not in word:
        # The name of a command, or an option, is not the beginning of a longer one.
        return _text(word) + r"(?![\w-])"
    start, end = (_text(part) for part in word.split("SECRET"))
    guard = "" if start else _NO_OPTION if before.startswith(("-", "/")) else _NO_ARGUMENT
    many = "{1,256}?" if end else "+"
    quoted = [(f"{start}{quote}" if n else f"{quote}{start}", sign, f"{end}(?:{quote}|$)")
              for n in range(1 if end or not start else 2) for quote, sign in (('"', '"'), ("'", "'"))]  # fmt: skip
    ways = [*quoted, (rf"{start}\\+[\"']", r"\"'\\", end), (start, r"\s\"'", end)]
    whole = "|".join(f"{opens}{UNLIKE}([^{signs}]{many}){closes}" for opens, signs, closes in ways)
    return f"{guard}(?:{whole})" + (r"(?![^\s\"'])" if end else "")


def _text(text: str) -> str:
    """Return the pattern of a word, or of a part of one, without a secret."""
    pieces = re.split("(NAME|NUMBER)", text)
    written = "".join(_PLACES.get(piece) or re.escape(piece) for piece in pieces)
    letters = sum(map(str.isalpha, text))
    return f"(?i:{written})" if letters > 2 else written
