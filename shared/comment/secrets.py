"""
Mask what looks like a secret in a value from telemetry.

This is a guess by appearance, not a guarantee: passwords, keys, tokens and signatures as tools write them.
"""

from __future__ import annotations

import re

_MASKED = "***"

_KEY = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key"
    r"|credentials?)"
)

_VALUE = r"(\"[^\"]*\"|'[^']*'|[^\s\"'&;,]+)"

# The patterns are bounded, and none begins with a run of word characters: an attacker's command line of
# 32 KB must not take seconds.
_SECRETS = (
    # --password=x, --password x, /pwd:x, PASSWORD=x, "token": "x"
    re.compile(rf"(?i)({_KEY}[\"']?\s*[=:]\s*){_VALUE}"),
    re.compile(rf"(?i)(--?[\w-]{{0,40}}{_KEY}\s+){_VALUE}"),
    # A token has a digit or a capital in it, so that a word such as "authentication" is not taken for one.
    re.compile(
        r"(?i)(\b(?:bearer|basic|digest|negotiate)\s+)(?-i:(?=[^\s\"']*[A-Z0-9]))([A-Za-z0-9._~+/-]{8,}=*)"
    ),
    # user:password@ in a URL, and curl's -u user:password
    re.compile(r"(://[^\s/:@]*:)([^\s/@]+)(?=@)"),
    re.compile(r"((?:\s|^)(?:-u|--user|--proxy-user)[\s=]{0,8}(?!\d+:\d+(?:\s|$))[^\s:]+:)(?!/)(\S+)"),
    re.compile(
        r"((?:sshpass|mysql\w*|mariadb\w*|mongo\w*|redis-cli|ldapsearch)\b.{0,1000}?\s-[pwa]\s*)(\S+)"
    ),
    # Shared access signatures
    re.compile(r"(?i)([?&;](?:sig|signature|x-amz-signature|code)=)([^\s&;\"']+)"),
    # Tokens with a known form: JWT, AWS, GitHub, GitLab, Slack, PEM
    re.compile(r"()(\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?)"),
    re.compile(r"()(\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"),
    re.compile(r"()(\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-)[\w-]{10,})"),
    re.compile(r"()(-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))", re.DOTALL),
)

# Times, numbers, addresses, device ids and hashes: most values are one of these, and hold nothing to mask.
_PLAIN = re.compile(r"[0-9a-fA-FTZ.:+-]*")


def mask_secrets(text: str) -> str:
    """Replace what looks like a password, key, token or signature with ***; a guess, not a guarantee."""
    if _PLAIN.fullmatch(text):
        return text
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{_MASKED}", text)
    return text
