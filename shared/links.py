"""Links in Microsoft's answers: which of them are followed."""

from __future__ import annotations

import re

from .errors import GraphError

_PORTS = {"https": 443, "http": 80}
# Nothing on which two readers of URLs disagree: no user, no backslash, no blank or control character, no letter
# that looks like another. (Python's drops tabs and line breaks; browsers take a backslash for a slash.)
_LINK = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?(?:[/?][!-\[\]-~]*)?", re.IGNORECASE
)


def followed(link: str, root: str, what: str, service: str) -> str:
    """
    Return the *link* to the next page of *what* if it has the scheme, host and port of *root*, and names no user.

    Microsoft writes some links with the default port, `:443`. Raises GraphError, of *service*, for any other: what is
    there was not written by the service, and its token must not go there.
    """
    if (origin := _origin(link)) is None or origin != _origin(root):
        raise GraphError(f"the next page of {what} is on another host, which is not asked", service=service)
    return link


def _origin(url: str) -> tuple[str, str, int] | None:
    found = _LINK.fullmatch(url)
    if not found:
        return None
    scheme = found[1].lower()
    return scheme, found[2].lower(), int(found[3] or _PORTS[scheme])
