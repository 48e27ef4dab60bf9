"""Call a deployed app: as whom, and without ever sending what that takes anywhere else."""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

_LIMIT = 240.0  # seconds for a call; Azure itself ends one after 230
_LARGEST = 1_000_000  # bytes of an answer that are read


class NotBegun(Exception):
    """Nothing was checked; the message says what to give."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The body, decoded from JSON; {} if it is something else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def __str__(self) -> str:
        error = self.data.get("error")
        if not isinstance(error, dict):
            return str(self.status)
        return ": ".join([str(self.status), str(error.get("message")), *map(str, error.get("details", ()))])[
            :600
        ]


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect might lead the key elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class App:
    """
    The app at *root*, called with the headers that are the *credential*; {} for a stranger.

    Raises NotBegun for an address without https, on which everybody reads the credential, but this machine's own.
    """

    def __init__(self, root: str, credential: Mapping[str, str]) -> None:
        if urlsplit(root).scheme != "https" and not is_local(root):
            raise NotBegun(f"the address must begin with https://, and is {root!r}")
        self.root = root
        self.credential = credential
        here = [urllib.request.ProxyHandler({})] if is_local(root) else []
        self._opener = urllib.request.build_opener(_Stay, *here)

    def call(self, path: str, body: Any = None, *, known: bool = True, **headers: str) -> Answer:
        """Call *path*, by POST if there is a *body*; a caller who is not *known* sends no credential."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        every = sent | dict(self.credential if known else {})
        request = urllib.request.Request(self.root + path, data, every)  # noqa: S310  (its scheme was looked at)
        try:
            with self._opener.open(request, timeout=_LIMIT) as response:
                return Answer(response.status, response.headers, response.read(_LARGEST))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read(_LARGEST))


def credential_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by which the caller is known. Raises NotBegun if az has no token."""
    if key := environment.get("KEY"):
        return {"x-functions-key": key}
    token = environment.get("TOKEN", "")
    if not token and (audience := environment.get("AUDIENCE")):
        az = shutil.which("az")
        if az is None:
            raise NotBegun("az is not on the PATH; sign in with it, or give TOKEN")
        asked = (
            "account",
            "get-access-token",
            "--resource",
            audience,
            "--query",
            "accessToken",
            "--output",
            "tsv",
        )
        done = subprocess.run([az, *asked], capture_output=True, text=True, check=False)
        token = done.stdout.strip()
        if done.returncode or not token:
            raise NotBegun(f"az has no token for {audience}: {done.stderr.strip()[:600]}")
    return {"Authorization": f"Bearer {token}"} if token else {}


def is_local(root: str) -> bool:
    """Tell whether an address is this machine's own."""
    host = urlsplit(root).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
