"""Microsoft's clouds."""

from __future__ import annotations

from msgspec import Struct


class Cloud(Struct, frozen=True):
    """The root URLs of one Microsoft cloud (Graph's "national cloud deployments"), without a final slash."""

    graph: str
    arm: str
    login: str
    portal: str


CLOUDS = {
    "global": Cloud(
        "https://graph.microsoft.com",
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        "https://security.microsoft.com",
    ),
    "usgov": Cloud(
        "https://graph.microsoft.us",
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://security.microsoft.us",
    ),
    "usgovdod": Cloud(
        "https://dod-graph.microsoft.us",
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://security.apps.mil",
    ),
}
