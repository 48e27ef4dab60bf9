"""
Who calls: what App Service authentication says of the signed-in principal, and what a caller must hold or send.

The platform removes the headers `x-ms-client-principal…` that a caller sends, and sets its own ("Work with user
identities in Azure App Service authentication", Microsoft Learn). Where it signs nobody in they are the caller's own
words: then a function key was asked for, and they do not count.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from shared.errors import Forbidden, NotJson, Unauthenticated
from shared.model.role import holders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.role import Role

_ID, _CLAIMS = "x-ms-client-principal-id", "x-ms-client-principal"
#: Characters. Kestrel takes 32,768 bytes of headers in all (KestrelServerLimits.MaxRequestHeadersTotalSize).
_LONGEST = 32_768
#: The claim is `roles` in a token; App Service's mapping may give it the name of .NET, or the one in `role_typ`.
_ROLE_CLAIMS = frozenset({"roles", "role", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
#: What a browser says of a call that its user, or a page of the app's own, has made; other programs say nothing.
_OWN_SITES = frozenset({"", "none", "same-origin"})


class _Claim(Struct):
    typ: Any = ""
    val: Any = ""


class _Principal(Struct):
    claims: list[_Claim] = []
    role_typ: str | None = None


class Caller(Struct, frozen=True):
    """Whoever calls: `id` is the principal's, '' for whoever holds a function key, who may call everything."""

    id: str = ""

    @property
    def group(self) -> str:
        """The name, without the id in it, under which the caller's runs are counted; key holders have one together."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16] if self.id else "key"


def caller_of(headers: Mapping[str, str], *, signs_in: bool) -> Caller:
    """Return who calls; *signs_in* says whether the platform signs callers in, and so wrote these *headers*."""
    return Caller(headers.get(_ID, "") if signs_in else "")


def check_caller(headers: Mapping[str, str], role: Role, *, signs_in: bool) -> None:
    """
    Raise Unauthenticated if the platform should have signed the caller in, but has not.

    Raises Forbidden if the principal has neither *role* nor one that holds it. Without *signs_in* the platform has
    asked for a function key, and whoever has one may call everything.
    """
    if not signs_in:
        return
    if not headers.get(_ID):
        raise Unauthenticated("sign in with Microsoft Entra ID: the call carries no principal")
    if _roles(headers.get(_CLAIMS, "")).isdisjoint(holders(role)):
        raise Forbidden(
            f"this needs the role {' or '.join(holders(role))} of Outrider's registration: have it assigned in Entra "
            "ID (Enterprise applications, Users and groups; infra/grant-permissions.sh or .ps1 does it), then sign in anew"
        )


def check_site(headers: Mapping[str, str]) -> None:
    """Raise Forbidden for a call that a page of another site has made a browser send (W3C, Fetch Metadata)."""
    if headers.get("sec-fetch-site", "").strip().lower() not in _OWN_SITES:
        raise Forbidden(
            "another site led here, and what has effects is not started that way: type the address into the "
            "browser, or call it from a script",
            "CrossSite",
        )


def check_json(headers: Mapping[str, str]) -> None:
    """
    Raise NotJson unless the body is said to be JSON.

    A page of another site can send every other type, or none, without asking (Fetch, CORS-safelisted request-header).
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        sent = f"it is {kind[:60]!r}" if kind else "there is none"
        raise NotJson(
            f"send the header Content-Type: application/json; {sent} (curl: -H 'Content-Type: application/json', "
            "PowerShell: -ContentType 'application/json')"
        )


def _roles(header: str) -> frozenset[str]:
    """Return the roles in the claims of a principal; none if the header is missing, too long or unreadable."""
    if len(header) > _LONGEST:
        return frozenset()
    try:
        principal = msgspec.json.decode(base64.b64decode(header, validate=True), type=_Principal)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return frozenset()
    kinds = _ROLE_CLAIMS | ({principal.role_typ} if principal.role_typ else set())
    return frozenset(
        claim.val for claim in principal.claims if claim.typ in kinds and isinstance(claim.val, str)
    )
