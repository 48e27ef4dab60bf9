"""ATT&CK's matrix of the hunts, and their layer for its Navigator."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from shared.catalog.attack import attack, in_words, matrix, techniques_of
from shared.catalog.layer import navigator_layer
from tests.support.made_hunts import hostile_catalog, made_hunt

#: "ATT&CK Navigator Layer File Format Definition", version 4.5: what is required, and the types of what we write.
LAYER = {
    "type": "object",
    "required": ["name", "domain"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "domain": {"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
        "versions": {
            "type": "object",
            "required": ["navigator", "layer"],
            "properties": {
                "layer": {"const": "4.5"},
                "navigator": {"type": "string"},
                "attack": {"type": "string"},
            },
        },
        "sorting": {"enum": [0, 1, 2, 3]},
        "layout": {
            "type": "object",
            "properties": {
                "layout": {"enum": ["side", "flat", "mini"]},
                "expandedSubtechniques": {"enum": ["none", "all", "annotated"]},
            },
        },
        "techniques": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["techniqueID"],
                "properties": {
                    "techniqueID": {"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
                    "score": {"type": "number"},
                    "comment": {"type": "string"},
                    "enabled": {"type": "boolean"},
                },
            },
        },
        "gradient": {
            "type": "object",
            "required": ["colors", "minValue", "maxValue"],
            "properties": {
                "colors": {"type": "array", "minItems": 2, "items": {"pattern": "^#[0-9a-f]{6}$"}}
            },
        },
    },
}


def placed(**named: tuple[tuple[str, ...], tuple[str, ...]]) -> dict[str, dict[str, list[str]]]:
    """Return which hunts stand under which tactic and technique; a hunt's name -> its tactics and techniques."""
    hunts = [made_hunt(name, tactics=tactics, techniques=each) for name, (tactics, each) in named.items()]
    return {
        column.tactic: {cell.id: [hunt.name for hunt in cell.hunts] for cell in column.cells}
        for column in matrix(hunts)
    }


def test_the_tactics_stand_in_the_order_of_attack() -> None:
    """All of them, also those that no hunt has; those that ATT&CK does not know come behind, and none last."""
    found = placed(a=(("Stealth", "impact"), ()), b=((), ()), c=(("Another",), ()))

    assert [in_words(tactic) for tactic in attack().tactics] == list(found)[:-3]
    assert ["Another", "Stealth", ""] == list(found)[-3:]
    assert [(0, "Reconnaissance"), (11, "Command and Control"), (13, "Impact")] == [
        (n, tactic) for n, tactic in enumerate(found) if n in (0, 11, 13)
    ]
    assert {"": ["b"]} == found[""]


def test_a_technique_stands_under_those_of_its_tactics_that_the_hunt_names() -> None:
    """Not under the hunt's other tactics, however the file writes them; one that names none of its own has it under all."""
    found = placed(
        a=(("collection", "Exfiltration"), ("T1560.001", "t1048 ")), b=(("Impact",), ("T1560.001",))
    )

    assert {"T1560.001": ["a", "b"]} == found["Collection"]
    assert {"T1048": ["a"]} == found["Exfiltration"]
    assert {"": ["b"]} == found["Impact"]


def test_a_technique_that_is_not_known_stands_where_the_hunt_does() -> None:
    """Under each tactic that it names, without a name of its own; or among those without a tactic."""
    found = placed(a=(("Execution", "Discovery"), ("T9999",)), b=((), ("T9999", "T1048")))

    assert {"T9999": ["a"]} == found["Execution"] == found["Discovery"]
    assert {"T1048": ["b"]} == found["Exfiltration"]
    assert {"T9999": ["b"]} == found[""]


def layer(*hunts: Any) -> dict[str, Any]:
    """Return the layer of *hunts*, which must be as the Navigator reads it."""
    found = navigator_layer(hunts, "1.0.0")

    assert [] == [error.message for error in jsonschema_rs.Draft7Validator(LAYER).iter_errors(found)]
    assert found["gradient"]["minValue"] < found["gradient"]["maxValue"]
    return found


def test_a_technique_is_scored_by_how_many_hunts_name_it() -> None:
    """Its comment names them, and a hunt that names it twice counts once."""
    found = layer(
        made_hunt("b", techniques=("T1048", "t1048")),
        made_hunt("a", techniques=("T1048", "T1560.001")),
    )

    assert [("T1048", 2, "a, b"), ("T1560.001", 1, "a")] == [
        (each["techniqueID"], each["score"], each["comment"]) for each in found["techniques"]
    ]
    assert 2 == found["gradient"]["maxValue"]
    assert "18" == found["versions"]["attack"]


@pytest.mark.parametrize("hunts", [(), hostile_catalog().hunts], ids=["none", "hostile"])
def test_a_layer_can_be_read_whatever_the_hunts_are(hunts: tuple[Any, ...]) -> None:
    """Without hunts, and where what they name are no techniques: those are left out."""
    assert {"T1204.002"} >= {each["techniqueID"] for each in layer(*hunts)["techniques"]}


def test_techniques_are_listed_once() -> None:
    """As ATT&CK writes them, whatever blanks and letters the file has."""
    assert ("T1048", "T1071") == techniques_of(made_hunt("a", techniques=(" t1048", "T1048", "", "T1071")))
