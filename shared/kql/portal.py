"""Links that open a query in the Defender portal."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import urlencode

_LONGEST_LINK = 8_000  # characters; common limits of browsers, proxies and chat clients lie just above


def portal_link(query: str, portal_url: str) -> str | None:
    """
    Return the URL that opens *query* in the portal's Advanced Hunting; None if over 8,000 characters.

    The encoding is the one the portal itself uses: UTF-16LE, gzip, base64url without padding.
    """
    packed = gzip.compress(query.encode("utf-16-le"), mtime=0)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    parameters = urlencode({"query": text, "timeRangeId": "month"})
    link = f"{portal_url.rstrip('/')}/v2/advanced-hunting?{parameters}"
    return link if len(link) <= _LONGEST_LINK else None
