"""The ATT&CK techniques and tactics of an incident's alerts, which bring hunts to the front."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.entities.choosing import Limits
from shared.graph.incidents import read_incident
from shared.incident.reading import Subject, from_defender, from_sentinel
from shared.sentinel.body import from_resource

ARM_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers"
    "/Microsoft.OperationalInsights/workspaces/law-soc/providers/Microsoft.SecurityInsights/incidents"
    "/11111111-1111-1111-1111-111111111111"
)


def defender(*alerts: dict[str, Any]) -> Subject:
    """Return the subject of a Defender incident with these alerts, as Graph sends it."""
    incident = read_incident(msgspec.json.encode({"id": "1", "alerts": alerts}), "1")
    return from_defender(incident, "1", Limits(), private=False)


def sentinel(**properties: Any) -> Subject:
    """Return the subject of a Sentinel incident with these properties, as Azure sends it."""
    incident = from_resource(ARM_ID, {"properties": properties})
    return from_sentinel(incident, [], Limits(), private=False)


def test_those_of_all_alerts_are_read_each_once() -> None:
    """Graph has techniques in `mitreTechniques`, and tactics in `category` and `categories`."""
    subject = defender(
        {"mitreTechniques": ["T1048", "T1105"], "category": "Exfiltration"},
        {
            "mitreTechniques": ["T1105"],
            "category": "Exfiltration",
            "categories": ["Exfiltration", "Execution"],
        },
        {},
    )

    assert (("T1048", "T1105"), ("Exfiltration", "Execution")) == (subject.techniques, subject.tactics)


@pytest.mark.parametrize(
    "odd",
    [
        {"mitreTechniques": "T1048"},
        {"mitreTechniques": [["T1048"], {"a": 1}, None, True, "x" * 61]},
        {"category": 5.5, "categories": {}},
        {"category": ["Exfiltration"]},
        {"categories": [None]},
    ],
)
def test_odd_ones_are_left_out_and_hide_nothing(odd: dict[str, Any]) -> None:
    """They decide on an order alone, so nobody is told, and the evidence beside them is read."""
    device = {
        "@odata.type": "#microsoft.graph.security.deviceEvidence",
        "mdeDeviceId": "a" * 40,
        "deviceDnsName": "web01",
    }
    subject = defender({**odd, "evidence": [device]}, {"mitreTechniques": ["T1105"], "category": "Impact"})

    assert ("T1105",) == subject.techniques
    assert ("Impact",) == subject.tactics
    assert (1, "", ()) == (len(subject.chosen.devices), subject.hidden, subject.notes)


def test_there_are_not_more_than_a_hundred() -> None:
    """Whoever raises alerts does not make a plan long."""
    subject = defender(*({"mitreTechniques": [f"T{n}"]} for n in range(500)))

    assert 100 == len(subject.techniques)


def test_sentinels_are_in_its_additional_data_and_its_alerts() -> None:
    """The trigger sends both, in whatever casing."""
    subject = sentinel(
        AdditionalData={"tactics": ["InitialAccess"], "techniques": ["T1190"]},
        alerts=[
            {"properties": {"Tactics": ["Impact"], "techniques": ["T1486", "T1190"]}},
            {"properties": None},
        ],
    )

    assert (("T1190", "T1486"), ("InitialAccess", "Impact")) == (subject.techniques, subject.tactics)
    assert ((), ()) == (sentinel().techniques, sentinel(additionalData=[1]).tactics)
