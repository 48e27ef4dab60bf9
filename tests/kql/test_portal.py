"""Links that open a query in the portal."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import parse_qs, urlsplit

from shared.kql.portal import portal_link


def test_portal_link() -> None:
    """The link opens the query in the portal, and is the same every time."""
    link = portal_link("DeviceInfo\n| take 1", "https://security.microsoft.com/")
    parts = urlsplit(str(link))
    fields = parse_qs(parts.query)
    packed = fields["query"][0]

    assert ("security.microsoft.com", "/v2/advanced-hunting") == (parts.netloc, parts.path)
    assert "=" not in packed
    assert "DeviceInfo\n| take 1" == gzip.decompress(base64.urlsafe_b64decode(packed + "==")).decode(
        "utf-16-le"
    )
    assert link == portal_link("DeviceInfo\n| take 1", "https://security.microsoft.com/")


def test_portal_link_too_long() -> None:
    """A link of more than 8,000 characters, which browsers and chats cut, is not made."""
    query = "".join(f"// {n * n * 7919}\n" for n in range(3_000))

    assert portal_link(query, "https://security.microsoft.com") is None
