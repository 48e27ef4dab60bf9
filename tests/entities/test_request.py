"""Request bodies become work, or an error that says what to change."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.entities.choosing import Limits
from shared.entities.request import body_digest, idempotency_key, parse_enrich
from shared.errors import InvalidRequest
from shared.model.entity import Device, Indicator

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
        (b'{"incidentId": "\\ud800"}', "is no Defender incident's number"),
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


@settings(max_examples=1_000)
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


RUN, ACTION = {"x-ms-workflow-run-id": "run"}, {"x-ms-action-tracking-id": "action"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ("", False)),
        ({"idempotency-key": "  "}, ("", False)),
        ({"idempotency-key": " a "}, ("key:call:caller:a", True)),
        ({"idempotency-key": "a", **RUN, **ACTION}, ("key:call:caller:a", True)),
        ({**RUN, **ACTION}, ("logic-app:call:caller:run:action:digest", False)),
        (RUN, ("", False)),
        (ACTION, ("", False)),
    ],
)
def test_the_callers_own_idempotency_key_comes_first(
    headers: dict[str, str], expected: tuple[str, bool]
) -> None:
    """Without one, it is made from what a Logic App repeats when it retries; else there is no key."""
    assert expected == idempotency_key(headers, "digest", "call", "caller")
