"""Texts that do harm where they are shown, and checks that a text made from them does none."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import strategies as st

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

FRAGMENTS = (
    "http://", "HTTPS://", "ftp://", "_http://evil.example", "1file://", "198.51.100.7", "198.51.100.7.", ".203.0.113.9",
    "2001:db8::1", "<script>alert(1)</script>", "<b onclick=x>", "&lt;", "](", "![", "`", "\n", "\r\n", "\u2028", "\u202e",
    "\u200b", "\x00", "\x1b[31m", "\ud800", "\U000e0041", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", '"', ";", ",", "www.",
    "javascript:alert(1)", "user@contoso.com", "• 1× ", " · ", "\nOutrider ", "--password=hunter2", "[.]", "…", "evil.example", "a.evil.com/x",
    "Outrider 0123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcdef", "\uff1d1+1", ";=1+1", "\t=1+1", 'a;"=1',
    " \u2022 ", "\u30fb", "\xa0·\xa0",
)  # fmt: skip

#: A strategy for any text, and for texts pieced together from FRAGMENTS, each of which does harm somewhere.
NASTY = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=6).map("".join),
    st.tuples(st.sampled_from(FRAGMENTS), st.integers(1, 400)).map(lambda pair: pair[0] * pair[1]),
)


def unseen(text: str) -> str:
    """Return the characters of *text* that a reader does not see, except line feeds; '' if there are none."""
    return "".join(c for c in text if c != "\n" and unicodedata.category(c) in UNSEEN)


def live(text: str) -> list[str]:
    """
    Return what a viewer may turn into a link in *text*: URL schemes such as `http`, bare IPv4 addresses and domains.

    Schemes that begin with `hxxp` are left out, since no viewer links them.
    """
    schemes = re.findall(r"(?i)[a-z][a-z0-9+.-]*(?=://)", text)
    addresses = re.findall(r"(?<![0-9])(?<![0-9]\.)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])", text)
    domains = re.findall(r"(?i)[a-z0-9-]\.(?:example|com)(?![\w-])(?!\.[\w-])", text)
    return [scheme for scheme in schemes if not scheme.lower().startswith("hxxp")] + addresses + domains
