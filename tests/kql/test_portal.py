"""Links that open a query in the Defender portal."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import parse_qs, urlsplit

from shared.kql.portal import portal_link


def test_the_link_opens_the_query_in_the_portal() -> None:
    """The query in it reads back exactly, and the link is the same every time."""
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


def test_no_link_of_more_than_8000_characters_is_made() -> None:
    """Browsers and chat programs would cut it, so a query that does not fit has no link."""
    query = "".join(f"// {n * n * 7919}\n" for n in range(3_000))

    assert portal_link(query, "https://security.microsoft.com") is None


def test_the_longest_link_has_8000_characters() -> None:
    """One of exactly that length is made; the address counts, whether or not it ends in a slash."""
    link = str(portal_link("DeviceInfo", "https://p.example"))
    fits = f"https://{'p' * (8_000 - len(link) + 1)}.example"

    assert link.startswith("https://p.example/v2/advanced-hunting?query=H4sIAAAAAAAC")
    assert link.endswith("&timeRangeId=month")
    assert (
        8_000
        == len(portal_link("DeviceInfo", fits) or "")
        == len(portal_link("DeviceInfo", f"{fits}/") or "")
    )
    assert None is portal_link("DeviceInfo", fits.replace("p.", "pp."))
