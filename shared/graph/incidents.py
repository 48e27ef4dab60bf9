"""Read Graph's incidents, one by one: of each what can be read, so that none holds another up."""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec

from shared.decoding import bounded, decode, decode_any
from shared.errors import Unavailable
from shared.model.incident import Alert, Comment, Incident

log = logging.getLogger("outrider")

#: An id becomes a part of addresses and of the names of objects.
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
# The first field of this name: an incident's own id and time stand before those of its parts.
_FIELD = r'"{}"\s*:\s*"?([\w.:+-]{{1,64}})'
_TEXTS = {
    "displayName": "display_name",
    "severity": "severity",
    "status": "status",
    "incidentWebUrl": "incident_web_url",
    "redirectIncidentId": "redirect_incident_id",
    "createdDateTime": "created",
    "lastUpdateDateTime": "updated",
}
_KNOWN = {*_TEXTS, "id", "alerts", "comments"}


class Page(msgspec.Struct, frozen=True):
    """One page of incidents; `unreadable` counts those without an id, `next_link` is '' on the last one."""

    incidents: tuple[Incident, ...]
    unreadable: int = 0
    next_link: str = ""


class _RawPage(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default="", name="@odata.nextLink")


def read_incident(raw: bytes, asked: str) -> Incident:
    """
    Read Graph's answer to a request for the incident *asked*; `unread` names what of it cannot be read.

    Raises Unavailable if it is no incident, such as a proxy's page or half an answer.
    """
    try:
        incident = _read(raw, asked)
    except msgspec.DecodeError as error:
        raise Unavailable(f"Graph's answer is not understood: {error}") from error
    if incident is None:
        raise Unavailable("Graph's answer is not understood: it has no field of an incident")
    return incident


def read_page(raw: bytes) -> Page:
    """
    Read a page of a list of incidents; those that can be read in part have the rest in `unread`.

    Raises Unavailable if it is no such page.
    """
    try:
        page = decode(raw, _RawPage)
    except msgspec.DecodeError as error:
        raise Unavailable(f"Graph's answer is not understood: {error}") from error
    found = [_listed(bytes(each)) for each in page.value]
    read = tuple(incident for incident in found if incident)
    for incident in read:
        if incident.unread:
            log.warning("incident %s: not readable on the list: %s", incident.id, ", ".join(incident.unread))
    if len(read) < len(found):
        log.warning("%d listed incidents have no readable id", len(found) - len(read))
    return Page(read, len(found) - len(read), page.next_link or "")


def _listed(raw: bytes) -> Incident | None:
    try:
        return _read(raw, "")
    except msgspec.DecodeError:
        return None


def _read(raw: bytes, asked: str) -> Incident | None:
    """Read an incident; None if it has no id, or, where it was *asked* for, nothing at all."""
    try:
        incident = decode(raw, Incident)
        if _ID.fullmatch(incident.id) and not incident.unread:
            for alert in incident.alerts or ():
                bounded(alert.evidence)
            return incident
    except msgspec.ValidationError:
        pass
    found = decode_any(raw)
    if isinstance(found, str) and not asked:
        # One that is no JSON comes as its text: its id is enough for a run, which reads it by itself.
        found = {name: _search(name, found) for name in ("id", "lastUpdateDateTime")} | {"alerts": found}
    if not isinstance(found, dict) or not (_KNOWN & found.keys()):
        return None
    return _in_parts(found, asked)


def _search(name: str, text: str) -> str | None:
    match = re.search(_FIELD.format(name), text)
    return match[1] if match else None


def _in_parts(found: dict[str, Any], asked: str) -> Incident | None:
    unread: list[str] = []
    number = found.get("id")
    own = str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""
    if not _ID.fullmatch(own):
        unread.append("id")
        own = asked
    texts = {field: _text(found, name, unread) for name, field in _TEXTS.items()}
    alerts = _objects(found, "alerts", unread)
    comments = _objects(found, "comments", unread)
    if not own:
        return None
    read_alerts = None if alerts is None else [_alert(each, unread) for each in alerts]
    read_comments = (
        None if comments is None else [Comment(_text(each, "comment", unread)) for each in comments]
    )
    return Incident(
        own,
        **texts,
        alerts=read_alerts,
        comments=read_comments,
        unread=tuple(dict.fromkeys(unread)),
    )


def _alert(found: dict[str, Any], unread: list[str]) -> Alert:
    times = ("firstActivityDateTime", "lastActivityDateTime", "createdDateTime")
    first, last, created = (_text(found, name, unread) for name in times)
    evidence = found.get("evidence")
    if not isinstance(evidence, list | None):
        unread.append("evidence")
        evidence = None
    # What cannot be read of its ATT&CK is not told as unread: it decides on an order, and nothing else.
    techniques, category, categories = (
        found.get(name) for name in ("mitreTechniques", "category", "categories")
    )
    return Alert(
        first,
        last,
        created,
        evidence,
        techniques if isinstance(techniques, list) else None,
        category if isinstance(category, str) else None,
        categories if isinstance(categories, list) else None,
    )


def _text(found: dict[str, Any], name: str, unread: list[str]) -> str | None:
    """Return a text, or a number as text; None for anything else, whose name is added to *unread*."""
    value = found.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    unread.append(name)
    return None


def _objects(found: dict[str, Any], name: str, unread: list[str]) -> list[dict[str, Any]] | None:
    value = found.get(name)
    items = value if isinstance(value, list) else []
    objects = [item for item in items if isinstance(item, dict)]
    if not isinstance(value, list | None) or len(objects) < len(items):
        unread.append(name)
    return objects if isinstance(value, list) else None
