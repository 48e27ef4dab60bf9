"""Tokens that show for whom they are, as Entra's do."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import msgspec

#: The resource of Azure Storage, for the app's state and the queues.
STORAGE = "https://storage.azure.com"
#: The tenant that issues the tokens.
ISSUER = "https://sts.windows.net/00000000-0000-0000-0000-00000000000a/"


def unsigned(resource: str, *, issued: float, expires: float) -> str:
    """
    Return a new JSON Web Token for *resource* without a signature, valid from *issued* to *expires* (epoch seconds).

    Azurite's `--oauth basic` takes it for its claims: audience, issuer and times (its BlobTokenAuthenticator.ts).
    """
    claims = {
        "aud": resource,
        "iss": ISSUER,
        "iat": int(issued),
        "nbf": int(issued),
        "exp": int(expires),
        "uti": secrets.token_urlsafe(16),
    }
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(content)).rstrip(b"=").decode()
