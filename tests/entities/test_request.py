"""Request bodies become work, or an error that says what to change."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.entities.choosing import Limits
from shared.entities.request import body_digest, idempotency_key, parse_enrich, parse_sweep
from shared.errors import InvalidRequest
from shared.model.entity import Chosen, Device, Dropped, Indicator

DEVICE_ID = "0f" * 20


def parse(body: Any) -> dict[str, Any]:
    """Return the fields read from *body*, which is bytes or becomes JSON."""
    return parse_enrich(body if isinstance(body, bytes) else json.dumps(body).encode(), Limits())


def test_an_incident_number_alone_is_enough() -> None:
    """It may be written as a number or as text."""
    expected = {"incident_id": "12", "chosen": None, "hunts": (), "lookback": None, "comment": True}

    assert expected == parse({"incidentId": 12})
    assert expected == parse({"incidentId": " 12 "})


def test_every_field_of_a_body_is_understood() -> None:
    """Devices and indicators may be texts or objects, and a hunt named twice is run once."""
    body = {
        "incidentId": "12",
        "devices": ["web01", {"id": DEVICE_ID, "name": "web02"}],
        "indicators": ["hxxps://evil[.]example/a", {"kind": "ip", "value": "10.1.2.3"}],
        "hunts": ["file-origin", "file-origin"],
        "lookback": "P2D",
        "comment": False,
    }

    fields = parse(body)

    assert (Device(name="web01"), Device(DEVICE_ID, "web02")) == fields["chosen"].devices
    assert (Indicator("url", "evil.example/a"), Indicator("ip", "10.1.2.3")) == fields["chosen"].indicators
    assert (("file-origin",), timedelta(days=2), False) == (
        fields["hunts"],
        fields["lookback"],
        fields["comment"],
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty: send a JSON object"),
        (b" \n", "the body is empty: send a JSON object"),
        (b"not JSON", "the body is no JSON: "),
        (b"\xff\xfe", "the body is no JSON: "),
        (b'{"incidentId": "\\ud800"}', "the body is no JSON: "),
        (b" " * 1_000_000 + b"{}", "1,000,002 bytes: at most 1,000,000 are taken"),
        ([], "the body does not fit: Expected `object`, got `array`"),
        ("text", "Expected `object`, got `str`"),
        ({"incidentId": 1.5}, "$.incidentId"),
        ({"devices": "web01"}, "Expected `array`, got `str` - at `$.devices`"),
        ({"devices": [1]}, "$.devices[0]"),
        ({"incidentId": 1, "comment": "no"}, "Expected `bool`, got `str` - at `$.comment`"),
        ({"incidentId": 1, "lookback": 30}, "$.lookback"),
        ({"incidentId": 1, "lookback": "30 days"}, "$.lookback"),
        ({"incidentID": 1}, "unknown field `incidentID`"),
        ({"indicators": [{"kind": "mutex", "value": "x"}]}, "$.indicators[0].kind"),
        ({}, "give an incidentId, or at least one of devices and indicators"),
        (
            {"devices": [], "hunts": ["file-origin"]},
            "give an incidentId, or at least one of devices and indicators",
        ),
        ({"incidentId": "abc"}, "incidentId 'abc' is no Defender incident's number"),
        ({"incidentId": 0}, "incidentId '0' is no Defender incident's number"),
        ({"incidentId": -1}, "incidentId '-1' is no Defender incident's number"),
        ({"incidentId": "1/../2"}, "is no Defender incident's number"),
        (b'{"incidentId": ' + b"9" * 5_000 + b"}", "incident"),
        ({"indicators": ["evil"]}, "indicators[0]: 'evil' is no IP address, URL, domain or file hash"),
        ({"indicators": [{"kind": "ip", "value": "x"}]}, "indicators[0]: 'x' is no IP address"),
        ({"indicators": ["10.1.2.3"]}, "name the hunts to run for it in `hunts`"),
        ({"devices": [""]}, "devices[0]: '' is no device: give its name or its 40-digit Defender id"),
        ({"devices": [{}]}, "devices[0]: a device needs an id or a name"),
        ({"devices": [{"id": "web01"}]}, "'web01' is no Defender device id: 40 hexadecimal digits"),
        ({"devices": ["x" * 5_000]}, "$.devices[0]"),
        ({"incidentId": 1, "lookback": "P31D"}, "lookback must be longer than nothing and at most P30D"),
        ({"incidentId": 1, "lookback": "PT0S"}, "lookback must be longer than nothing and at most P30D"),
        ({"incidentId": 1, "lookback": "-P1D"}, "lookback must be longer than nothing and at most P30D"),
        (
            {"devices": [f"pc{n}" for n in range(10_000)]},
            "10000 devices and 0 indicators: one run takes at most 50 devices",
        ),
        ({"indicators": ["198.51.100.7"] * 10_000}, "100 indicators of a kind (MAX_INDICATORS)"),
        ({"devices": [f"pc{n}" for n in range(51)]}, "at most 50 devices (MAX_DEVICES)"),
        (
            {"indicators": [f"198.51.100.{n}" for n in range(101)]},
            "101 indicators of kind ip: one run takes at most 100",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_unusable_body_is_refused_with_what_to_change(body: Any, message: str) -> None:
    """The message stays below 500 characters, however long the body is."""
    with pytest.raises(InvalidRequest) as raised:
        parse(body)

    assert message in raised.value.message
    assert len(raised.value.message) < 500


def test_all_problems_are_listed_up_to_a_limit() -> None:
    """The message counts all of them; after the first 20, the details say how many more there are."""
    with pytest.raises(InvalidRequest) as raised:
        parse({"incidentId": "abc", "lookback": "P31D", "indicators": ["x"] * 30})

    assert "32 problems in the body" == raised.value.message
    assert ("and 12 more", 21) == (raised.value.details[-1], len(raised.value.details))


# Any code point, lone surrogates too; JSON spells them as escapes.
ODD = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    (
        "\ud800",
        "\udfff.example",
        "https://\u202e.example",
        "[::",
        "xn--.example",
        "۱۹۸.51.100.7",
        "a" * 70 + ".example",
    )
)
FIELDS = (
    "incidentId",
    "devices",
    "indicators",
    "hunts",
    "lookback",
    "comment",
    "id",
    "name",
    "kind",
    "value",
)
JSON = st.recursive(
    ODD | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | ODD, inner, max_size=3)
    ),
    max_leaves=5,
)
BODIES = (
    st.fixed_dictionaries(
        {}, optional={"incidentId": ODD, "devices": st.lists(ODD), "indicators": st.lists(ODD), "hunts": JSON}
    )
    | JSON
)


@settings(max_examples=1_000, deadline=None)
@given(BODIES.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40))
def test_any_body_is_work_or_an_invalid_request(body: bytes) -> None:
    """No other exception is raised, and every body has a digest."""
    try:
        parsed = parse(body)
    except InvalidRequest as error:
        parsed = None

        assert error.message

    assert 64 == len(body_digest(body))
    assert parsed is None or parsed["incident_id"] or parsed["chosen"]


def test_no_character_breaks_the_parser() -> None:
    """Characters from all of Unicode, in names and addresses, are accepted or refused as InvalidRequest."""
    refused = 0
    for point in range(0, 0x110000, 109):
        body = json.dumps(
            {
                "devices": [f"pc{chr(point)}"],
                "indicators": [f"{chr(point)}.example", f"https://{chr(point)}/"],
            }
        )
        try:
            parse(body.encode())
        except InvalidRequest:
            refused += 1

    assert refused > 0


def test_spacing_and_field_order_do_not_change_the_digest() -> None:
    """A body with another value has another digest."""
    one = body_digest(b'{"incidentId": 1, "comment": true}')

    assert one == body_digest(b'{"comment":true,"incidentId":1}')
    assert one != body_digest(b'{"comment":true,"incidentId":2}')


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


RUN, ACTION = {"x-ms-workflow-run-id": "run"}, {"x-ms-action-tracking-id": "action"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ("", False)),
        ({"idempotency-key": "  "}, ("", False)),
        ({"idempotency-key": " a "}, ("key:a", True)),
        ({"idempotency-key": "a", **RUN, **ACTION}, ("key:a", True)),
        ({**RUN, **ACTION}, ("logic-app:run:action:digest", False)),
        (RUN, ("", False)),
        (ACTION, ("", False)),
    ],
)
def test_the_callers_own_idempotency_key_comes_first(
    headers: dict[str, str], expected: tuple[str, bool]
) -> None:
    """Without one, it is made from what a Logic App repeats when it retries; else there is no key."""
    assert expected == idempotency_key(headers, "digest")
