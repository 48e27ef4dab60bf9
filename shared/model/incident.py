"""The fields of Defender and Microsoft Sentinel incidents that Outrider reads."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from msgspec import Struct, field

# The values of providerName for Defender's incidents since they are synchronised; Sentinel's own have
# "Azure Sentinel".
_DEFENDER = {"microsoft xdr", "microsoft defender xdr", "microsoft 365 defender"}

_CLOSED = {"resolved", "redirected"}

#: An incident's number, in Defender or Sentinel.
NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class Comment(Struct, frozen=True):
    """A comment on a Defender incident; Graph returns no id for it."""

    comment: str | None = ""


class Alert(Struct, frozen=True, rename="camel"):
    """
    An alert of a Defender incident.

    Times are Graph's text. Evidence stays as Graph sends it, since its shape depends on `@odata.type`.
    """

    first_activity: str | None = field(default=None, name="firstActivityDateTime")
    last_activity: str | None = field(default=None, name="lastActivityDateTime")
    created: str | None = field(default=None, name="createdDateTime")
    evidence: list[Any] | None = None
    #: ATT&CK: techniques, and tactics, of which Graph has one in `category` and all in `categories` ("alert
    #: resource type", Microsoft Learn).
    techniques: list[Any] | None = field(default=None, name="mitreTechniques")
    category: str | None = None
    categories: list[Any] | None = None


class Incident(Struct, frozen=True, rename="camel"):
    """
    A Defender incident, with Graph's text for times.

    `redirect_incident_id` names the incident into which this one was merged. `alerts` and `comments` are None
    where Graph did not send them. `unread` names the fields that Graph sent in a form that cannot be read.
    """

    id: str
    display_name: str | None = ""
    severity: str | None = ""
    status: str | None = ""
    incident_web_url: str | None = ""
    redirect_incident_id: str | None = None
    created: str | None = field(default=None, name="createdDateTime")
    updated: str | None = field(default=None, name="lastUpdateDateTime")
    alerts: list[Alert] | None = None
    comments: list[Comment] | None = None
    # No field of Graph's has this name.
    unread: tuple[str, ...] = field(default=(), name="@outrider.unread")

    @property
    def is_closed(self) -> bool:
        """Whether nobody works on it any more: it was resolved, or merged into another incident."""
        return self.status in _CLOSED


class Snapshot(Struct, frozen=True):
    """A Defender incident as it was at `read_at`, in seconds of the monotonic clock."""

    incident: Incident
    read_at: float


class SentinelIncident(Struct, frozen=True):
    """
    An incident as Microsoft Sentinel describes it; '', 0 and None mean unknown.

    `arm_id` is its Azure resource id, and `name` the GUID at its end, in lower case. Times are in UTC.
    `entities` are those that came with the incident, unchanged.
    """

    arm_id: str
    name: str
    title: str = ""
    url: str = ""
    number: int = 0
    severity: str = ""
    status: str = ""
    provider_name: str = ""
    provider_incident_id: str = ""
    created: datetime | None = None
    first_activity: datetime | None = None
    last_activity: datetime | None = None
    entities: tuple[dict[str, Any], ...] = ()
    #: ATT&CK, as its alerts say.
    techniques: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()

    @property
    def defender_id(self) -> str:
        """The number of the Defender incident that this one mirrors; '' for Sentinel's own."""
        mirrored = self.provider_name.lower() in _DEFENDER and NUMBER.fullmatch(self.provider_incident_id)
        return self.provider_incident_id if mirrored else ""
