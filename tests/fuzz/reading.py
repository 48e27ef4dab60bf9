"""Targets: what others wrote is read, or refused with a documented error, and nothing of it is lost silently."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import httpx
import msgspec
from hypothesis import strategies as st

from shared.decoding import bounded
from shared.entities.choosing import Limits
from shared.entities.indicators import is_private, parse_indicator
from shared.entities.request import body_digest, parse_enrich, parse_sweep
from shared.errors import GraphError, InvalidRequest, Unavailable
from shared.graph.answers import to_error
from shared.graph.incidents import read_incident, read_page
from shared.incident.reading import Subject, from_defender, from_sentinel
from shared.model.entity import Indicator
from shared.model.finding import Found
from shared.model.hunt import Hunt
from shared.model.record import Work
from shared.outcomes.reading import decode_answer, decode_rows, device_cards
from shared.outcomes.summarizing import summarize
from shared.sentinel.body import parse
from shared.sweep.rows import read_rows

from .data import ANSWER, ASKED, AT, BODY, INCIDENT, PAGE, REFUSED, mutated
from .target import Target

LIMITS = Limits()
HUNT = Hunt(name="a-hunt", title="A hunt", id="1", version="1.0.0", query="DeviceInfo")
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
#: A resource group's name may have letters of any alphabet.
_PATH = re.compile(r"/subscriptions/[\w./()-]+")
#: Characters: what a refusal says, whatever was sent.
_LONGEST_MESSAGE = 1_000


def bodies(raw: bytes) -> str:
    """A body becomes work that can be stored, whose indicators mean what they say; or it is refused, briefly."""
    assert re.fullmatch("[0-9a-f]{64}", body_digest(raw))
    fields: Any = None
    for read in (parse_sweep, lambda body: parse_enrich(body, LIMITS)):
        try:
            fields = read(raw)
        except InvalidRequest as error:
            assert len(error.message) <= _LONGEST_MESSAGE, error.message
            assert all(len(each) <= _LONGEST_MESSAGE for each in error.details)
            assert len(error.details) <= 21
            assert msgspec.json.encode([error.message, *error.details])
    if not isinstance(fields, dict):
        return "refused"
    work = Work("0" * 32, AT, body_digest(raw), **fields)
    assert work == _stored(work)
    assert work.incident_id or work.chosen
    for each in work.chosen.indicators if work.chosen else ():
        assert _means_itself(each)
        assert work.hunts or not is_private(each)
    spaced = json.dumps(json.loads(raw), indent=1).encode() if _is_plain(raw) else raw
    assert body_digest(raw) == body_digest(spaced)
    return "accepted"


def sentinel(raw: bytes) -> str:
    """A playbook's body becomes an incident with a path that is one, or it is refused; its entities are read or counted."""
    try:
        incident = parse(raw)
    except InvalidRequest as error:
        assert len(error.message) <= _LONGEST_MESSAGE, error.message
        return "refused"
    assert _PATH.fullmatch(incident.arm_id)
    assert ".." not in incident.arm_id.split("/")
    assert incident.url == "" or incident.url.startswith("https://")
    work = Work.for_sentinel("0" * 32, AT, "", incident)
    assert work == _stored(work)
    assert incident == msgspec.structs.replace(incident, entities=tuple(bounded(list(incident.entities))))
    return _subject(from_sentinel(incident, [], LIMITS, private=False))


def incidents(raw: bytes) -> str:
    """An incident, alone or on a page, is read as far as it can be, and what is left out is named or counted."""
    try:
        incident = read_incident(raw, "4101")
    except Unavailable:
        what = "unavailable"
    else:
        assert _ID.fullmatch(incident.id)
        what = _subject(from_defender(incident, "4101", LIMITS, private=False))
    page = read_page(b'{"value": [{"id": "1"}, ' + raw + b', {"id": "2"}]}') if _is_json(raw) else None
    if page:
        assert 3 == len(page.incidents) + page.unreadable
        assert {"1", "2"} <= {each.id for each in page.incidents}
    return what


def lists(raw: bytes) -> str:
    """A page of incidents has each one that is on it, read or counted; or it is no page."""
    try:
        page = read_page(raw)
    except Unavailable:
        return "unavailable"
    assert all(_ID.fullmatch(each.id) for each in page.incidents)
    if _is_plain(raw):
        assert len(json.loads(raw)["value"]) == len(page.incidents) + page.unreadable
    return "unreadable items" if page.unreadable else "whole"


def answers(raw: bytes) -> str:
    """A hunt's answer has every row, read or counted, in any order the same; or it is an error, never no rows."""
    try:
        answer = decode_answer(raw)
    except GraphError:
        return "refused"
    found = summarize(HUNT, raw, max_rows=2, seconds=0)
    rows = list(decode_rows(answer))
    if _is_plain(raw):
        assert len(json.loads(raw)["results"]) == len(rows) + answer.unreadable
    assert found.rows == min(2, len(rows))
    assert found.more == (len(rows) + answer.unreadable > 2)
    assert found.rows == sum(part.rows for part in found.per_entity.values())
    assert found == msgspec.json.decode(msgspec.json.encode(found), type=Found)
    shuffled = random.Random(0).sample(answer.results, len(answer.results))
    other = msgspec.json.encode({"schema": answer.schema, "results": shuffled})
    whole = summarize(HUNT, msgspec.json.encode(answer), max_rows=9, seconds=0)
    assert whole.digest == summarize(HUNT, other, max_rows=9, seconds=0).digest
    assert all(isinstance(each.device, str) for each in read_rows(answer, "LastSeen"))
    try:
        cards = device_cards(raw)
    except GraphError:
        return "no cards"
    assert len(cards) == len(rows)
    return "whole"


def refusals(raw: bytes) -> str:
    """An error of Graph's is the one of its status, whatever its body is."""
    error = to_error(httpx.Response(400, content=raw), "a role")
    assert 400 == error.status
    assert all(isinstance(text, str) for text in (error.message, error.code, error.request_id))
    return type(error).__name__


def _subject(subject: Subject) -> str:
    """Check what a run makes of an incident: within its limits, in order, storable; name what became of it."""
    chosen = subject.chosen
    assert len(chosen.devices) <= LIMITS.devices
    assert all(map(_means_itself, chosen.indicators))
    assert not (subject.first and subject.last) or subject.first.tzinfo
    assert msgspec.json.encode(chosen)
    return "read in part" if subject.hidden or subject.notes else "read"


def _means_itself(one: Indicator) -> bool:
    """Tell whether an indicator is read back as it is; a URL is kept without its scheme."""
    return one == parse_indicator(f"https://{one.value}" if one.kind == "url" else one.value, one.kind)


def _stored(work: Work) -> Work:
    return msgspec.json.decode(msgspec.json.encode(work), type=Work)


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True


def _is_plain(raw: bytes) -> bool:
    """Tell whether Python and the app read the same JSON here: no key twice, nothing odd that only one of them takes."""
    try:
        value = msgspec.json.decode(raw)
        return value == json.loads(raw) and b"\\u" not in raw and raw.count(b":") < 200
    except (ValueError, RecursionError):
        return False


_PIECES = st.sampled_from(["http://", "hxxp://", "[.]", ".", "::ffff:", "203.0.113.9", "evil.example", "/a", ":8443", "@", "a1" * 20,
                           "sha1:", "xn--", "%2e", "?", "#", " ", "\\", "ß", "\u3002", "-", "0", "10.0.0.1"])  # fmt: skip
_VALUE = st.lists(_PIECES | st.text(max_size=3), max_size=4).map("".join)
#: Bodies of which most are accepted.
_ASKED = st.fixed_dictionaries(
    {"indicators": st.lists(_VALUE | st.builds(dict, value=_VALUE), max_size=2)},
    optional={"devices": st.lists(_VALUE, max_size=2), "hunts": st.lists(_VALUE, max_size=2)},
).map(msgspec.json.encode)
TARGETS = {
    "bodies": Target(_ASKED | mutated(ASKED) | st.binary(max_size=40), bodies),
    "sentinel": Target(mutated(BODY), sentinel),
    "incidents": Target(mutated(INCIDENT), incidents),
    "lists": Target(mutated(PAGE), lists),
    "answers": Target(mutated(ANSWER), answers),
    "refusals": Target(mutated(REFUSED), refusals),
}
