"""What a request may hold: how much, in which form, and what becomes of the rest."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from shared.entities.choosing import Limits
from shared.entities.request import body_digest, parse_enrich, parse_sweep
from shared.errors import InvalidRequest
from shared.model.entity import Chosen, Device, Dropped

DEVICE_ID = "0f" * 20


def parse(body: Any) -> dict[str, Any]:
    """Return the fields read from *body*, which is bytes or becomes JSON."""
    return parse_enrich(body if isinstance(body, bytes) else json.dumps(body).encode(), Limits())


@pytest.mark.parametrize("body", [b"no JSON", b"\xff", b""])
def test_a_body_that_is_no_json_has_a_digest_too(body: bytes) -> None:
    """That of its bytes: 64 hex digits."""
    assert hashlib.sha256(body).hexdigest() == body_digest(body)


def test_as_many_entities_as_the_limits_allow_are_taken() -> None:
    """Fifty devices, a hundred indicators of each kind, and thirty days."""
    body = {
        "devices": [f"pc{n}" for n in range(50)],
        "indicators": [f"198.51.{n}.7" for n in range(100)] + [f"{n}.example.com" for n in range(100)],
        "lookback": "P30D",
    }
    chosen = parse(body)["chosen"]

    assert (50, 200, timedelta(days=30)) == (
        len(chosen.devices),
        len(chosen.indicators),
        parse(body)["lookback"],
    )


def test_a_body_of_a_million_bytes_is_taken() -> None:
    """One more is not."""
    body = b'{"incidentId": 1}'

    assert "1" == parse(body.ljust(1_000_000))["incident_id"]
    with pytest.raises(InvalidRequest, match="1,000,001 bytes"):
        parse(body.ljust(1_000_001))


def test_twenty_problems_are_listed_in_full() -> None:
    """Each with its place; a single one is the message itself."""
    with pytest.raises(InvalidRequest) as raised:
        parse({"devices": [""] * 2, "indicators": ["x"] * 18})
    with pytest.raises(InvalidRequest) as one:
        parse({"devices": ["web01", {"id": "x"}]})

    assert ("20 problems in the body", 20) == (raised.value.message, len(raised.value.details))
    assert raised.value.details[1].startswith("devices[1]: '' is no device")
    assert raised.value.details[-1].startswith("indicators[17]: 'x' is no IP address")
    assert ("devices[1]: 'x' is no Defender device id: 40 hexadecimal digits", ()) == (
        one.value.message,
        one.value.details,
    )


def test_an_incidents_number_is_shown_in_60_characters() -> None:
    """However long it was."""
    with pytest.raises(InvalidRequest, match=f"^incidentId '{'x' * 60}' is no Defender incident's number"):
        parse({"incidentId": "x" * 100})


def test_a_device_may_be_given_by_either_of_its_fields() -> None:
    """Its id in lower case, its name as it is; a device by id alone has no name."""
    body = {"devices": [{"id": DEVICE_ID.upper()}, {"name": "Web01"}, {"id": DEVICE_ID, "name": " web02 "}]}

    assert (Device(DEVICE_ID), Device(name="Web01"), Device(DEVICE_ID, "web02")) == parse(body)[
        "chosen"
    ].devices


def test_the_hunts_of_a_sweep_are_named_once_each() -> None:
    """In the caller's order; another field is refused."""
    assert ("b", "a") == parse_sweep(b'{"hunts": ["b", "a", "b"]}')
    assert () == parse_sweep(b"{}")
    with pytest.raises(InvalidRequest, match="unknown field `devices`"):
        parse_sweep(b'{"devices": []}')


def test_an_ignored_indicator_beside_a_device_is_dropped_with_its_reason() -> None:
    """What is left is hunted."""
    limits = Limits(ignored=frozenset({"contoso.com"}))
    body = json.dumps({"devices": ["web01"], "indicators": ["www.contoso.com"]}).encode()

    assert (
        Chosen((Device(name="web01"),), (), (Dropped("domain", "www.contoso.com", "on IGNORE_INDICATORS"),))
        == parse_enrich(body, limits)["chosen"]
    )
