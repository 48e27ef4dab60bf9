"""Read and validate the JSON bodies of API calls."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from shared.decoding import decode_any, decode_strictly
from shared.errors import InvalidRequest
from shared.model.entity import IGNORED, INDICATOR_KINDS, Chosen, Device, Dropped, Indicator, IndicatorKind

from . import choosing
from .choosing import Limits
from .indicators import is_ignored, is_private, parse_device, parse_indicator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Bytes.
LONGEST_BODY = 1_000_000
#: Why a body that was sent may arrive empty. Whether it was sent in chunks does not reach the function for certain.
EMPTY = (
    "if you did send one, send it with Content-Length: the Functions host drops a body that comes in chunks "
    "(Transfer-Encoding: chunked)"
)
_LONGEST_LOOKBACK = timedelta(days=30)
_INCIDENT_ID = re.compile(r"[1-9][0-9]{0,18}")
_SHOWN_PROBLEMS = 20

Text = Annotated[str, Meta(max_length=4_096)]
#: The names of hunts; a file's name is no longer than that.
Names = Annotated[tuple[Annotated[str, Meta(max_length=255)], ...], Meta(max_length=1_000)]


class Strict(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A body from a caller; an unknown field is an error, so that no typing mistake is ignored."""


class DeviceBody(Strict, frozen=True):
    """A device by its Defender id, its name, or both."""

    id: Text = ""
    name: Text = ""


class IndicatorBody(Strict, frozen=True):
    """An indicator together with its kind."""

    kind: IndicatorKind
    value: Text


class EnrichBody(Strict, frozen=True):
    """The body of `POST /api/enrich`; a device or indicator may also be plain text."""

    #: A Defender incident's number; None where the entities are given instead.
    incident_id: str | int | None = None
    devices: tuple[Text | DeviceBody, ...] = ()
    indicators: tuple[Text | IndicatorBody, ...] = ()
    #: The names of the hunts to run; empty for all that fit.
    hunts: Names = ()
    #: ISO 8601, at most P30D; None for each hunt's own.
    lookback: timedelta | None = None
    #: False for a dry run.
    comment: bool = True


class SweepBody(Strict, frozen=True):
    """The body of `POST /api/sweep`; without hunts, all that can sweep run."""

    hunts: Names = ()


def parse_enrich(body: bytes, limits: choosing.Limits) -> dict[str, Any]:
    """
    Read and check the body of `POST /api/enrich`, and return the fields of `Work` that it decides.

    Raises InvalidRequest with one line per problem, of which the first 20 are shown.
    """
    asked = decode_body(body, EnrichBody)
    problems: list[str] = []
    incident_id = str(asked.incident_id).strip() if asked.incident_id is not None else ""
    if asked.incident_id is not None and not _INCIDENT_ID.fullmatch(incident_id):
        problems.append(
            f"incidentId {incident_id[:60]!r} is no Defender incident's number, as in the address of its page"
        )
    if not (asked.incident_id is not None or asked.devices or asked.indicators):
        problems.append("give an incidentId, or at least one of devices and indicators")
    if asked.lookback is not None and not timedelta(0) < asked.lookback <= _LONGEST_LOOKBACK:
        problems.append("lookback must be longer than nothing and at most P30D: Graph keeps 30 days")
    # Checked before anything is parsed, so that a body of 10,000 entities is one problem and not 10,000.
    if len(asked.devices) > limits.devices or len(asked.indicators) > limits.indicators * len(
        INDICATOR_KINDS
    ):
        raise InvalidRequest(
            f"{len(asked.devices)} devices and {len(asked.indicators)} indicators: one run takes at most "
            f"{limits.devices} devices (MAX_DEVICES) and {limits.indicators} indicators of a kind (MAX_INDICATORS)"
        )
    devices = [_device(item, f"devices[{n}]", problems) for n, item in enumerate(asked.devices)]
    indicators = [
        _indicator(item, f"indicators[{n}]", problems, private=bool(asked.hunts))
        for n, item in enumerate(asked.indicators)
    ]
    _refuse(problems)
    chosen = None
    if asked.devices or asked.indicators:
        chosen = from_request([d for d in devices if d], [i for i in indicators if i], limits)
    return {
        "incident_id": incident_id,
        "chosen": chosen,
        "hunts": tuple(dict.fromkeys(asked.hunts)),
        "lookback": asked.lookback,
        "comment": asked.comment,
    }


def parse_sweep(body: bytes) -> tuple[str, ...]:
    """
    Read the body of `POST /api/sweep`, and return the hunts it names, each once.

    Raises InvalidRequest where the body is wrong; whether the hunts exist is not checked.
    """
    return tuple(dict.fromkeys(decode_body(body, SweepBody).hunts))


def decode_body(body: bytes, kind: type[Strict]) -> Any:
    """
    Decode a JSON body of at most 1,000,000 bytes as a *kind*.

    Raises InvalidRequest, which names the wrong field and what it should be.
    """
    if is_empty(body):
        raise InvalidRequest(f"the body is empty: send a JSON object; {EMPTY}")
    if len(body) > LONGEST_BODY:
        raise InvalidRequest(f"the body has {len(body):,} bytes: at most {LONGEST_BODY:,} are taken")
    try:
        return decode_strictly(body, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the body does not fit: {error}") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is no JSON: {error}") from None


def is_empty(body: bytes) -> bool:
    """Tell whether a body holds nothing; a byte order mark, which PowerShell 5.1 sends, counts as nothing."""
    return not body.removeprefix(codecs.BOM_UTF8).strip()


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of a request's body, in hex, independent of spacing and the order of fields."""
    with contextlib.suppress(msgspec.DecodeError):
        body = msgspec.json.encode(decode_any(body), order="deterministic")
    return hashlib.sha256(body).hexdigest()


def idempotency_key(headers: Mapping[str, str], digest: str, call: str, caller: str) -> tuple[str, bool]:
    """
    Return the key that makes repeated calls one piece of work, and whether the caller chose it.

    A key belongs to its *call*, such as `sweep-api`, and to its *caller*, the id of whoever is signed in, ''
    where callers share a function key: the same text elsewhere is another key.

    The caller chooses one with the header Idempotency-Key. Otherwise the key is made of *digest* and two ids
    that a Logic App's HTTP action sends: those of the workflow run and of the action, which stay the same on
    a retry and differ between actions. The key is '' where neither is sent: then every call is work of its
    own.
    """
    explicit = headers.get("idempotency-key", "").strip()
    if explicit:
        return f"key:{call}:{caller}:{explicit}", True
    run, action = headers.get("x-ms-workflow-run-id", ""), headers.get("x-ms-action-tracking-id", "")
    return (f"logic-app:{call}:{caller}:{run}:{action}:{digest}", False) if run and action else ("", False)


def _device(item: str | DeviceBody, where: str, problems: list[str]) -> Device | None:
    try:
        if isinstance(item, str):
            return parse_device(item)
        device = parse_device(item.id) if item.id else Device()
        if item.id and not device.id:
            raise InvalidRequest(f"{item.id[:60]!r} is no Defender device id: 40 hexadecimal digits")
        name = parse_device(item.name).name if item.name else ""
        if not (device.id or name):
            raise InvalidRequest("a device needs an id or a name")
        return Device(device.id, name)
    except InvalidRequest as error:
        problems.append(f"{where}: {error.message}")
        return None


def _indicator(
    item: str | IndicatorBody, where: str, problems: list[str], *, private: bool
) -> Indicator | None:
    text, kind = (item, None) if isinstance(item, str) else (item.value, item.kind)
    try:
        indicator = parse_indicator(text, kind)
    except InvalidRequest as error:
        problems.append(f"{where}: {error.message}")
        return None
    if not private and is_private(indicator):
        problems.append(
            f"{where}: {indicator.value} is a private or reserved address, the same in every network: "
            "leave it out, or name the hunts to run for it in `hunts`"
        )
    return indicator


def _refuse(problems: list[str]) -> None:
    if len(problems) == 1:
        raise InvalidRequest(problems[0])
    if problems:
        rest = len(problems) - _SHOWN_PROBLEMS
        details = tuple(problems[:_SHOWN_PROBLEMS]) + ((f"and {rest} more",) if rest > 0 else ())
        raise InvalidRequest(f"{len(problems)} problems in the body", details)


def from_request(devices: Iterable[Device], indicators: Iterable[Indicator], limits: Limits) -> Chosen:
    """
    Return the entities that a caller named, each once; those on IGNORE_INDICATORS are in `dropped`.

    Raises InvalidRequest if there are more than *limits* allow, or if nothing is left to hunt for.
    """
    unique = tuple(dict.fromkeys(devices))
    wanted = tuple(dict.fromkeys(indicators))
    if len(unique) > limits.devices:
        raise InvalidRequest(f"{len(unique)} devices: one run takes at most {limits.devices} (MAX_DEVICES)")
    for kind in INDICATOR_KINDS:
        count = sum(indicator.kind == kind for indicator in wanted)
        if count > limits.indicators:
            raise InvalidRequest(
                f"{count} indicators of kind {kind}: one run takes at most {limits.indicators} (MAX_INDICATORS)"
            )
    kept = tuple(indicator for indicator in wanted if not is_ignored(indicator, limits.ignored))
    dropped = tuple(Dropped(i.kind, i.value, IGNORED) for i in wanted if i not in kept)
    if wanted and not kept and not unique:
        raise InvalidRequest("every indicator given is on IGNORE_INDICATORS: nothing is left to hunt for")
    return Chosen(unique, kept, dropped)
