"""Write the hunts as a layer of MITRE's ATT&CK Navigator: which techniques they look for, and how many do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attack import TECHNIQUE, attack, techniques_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.hunt import Hunt

#: Of the layer's format ("ATT&CK Navigator Layer File Format Definition"), and the oldest Navigator whose layers MITRE's own
#: library, mitreattack-python, reads without a warning.
_FORMAT, _NAVIGATOR = "4.5", "5.0.0"
#: From few hunts to many.
_COLOURS = ("#d6e4f5", "#0b5cad")


def navigator_layer(hunts: Iterable[Hunt], version: str) -> dict[str, Any]:
    """
    Return the layer of *hunts*, those of the app's *version*, as the Navigator reads it.

    A technique's score is how many hunts name it, and its comment their names. What is no id of a technique is left out.
    """
    named: dict[str, list[str]] = {}
    every = sorted(hunts, key=lambda hunt: hunt.name)
    for hunt in every:
        for technique in techniques_of(hunt):
            if TECHNIQUE.fullmatch(technique):
                named.setdefault(technique, []).append(hunt.name)
    return {
        "name": "Outrider: hunts",
        "versions": {"attack": attack().version.split(".")[0], "navigator": _NAVIGATOR, "layer": _FORMAT},
        "domain": "enterprise-attack",
        "description": f"The {len(every)} hunts of Outrider {version}: a technique's score is how many name it.",
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "techniques": [
            {"techniqueID": technique, "score": len(names), "comment": ", ".join(names), "enabled": True}
            for technique, names in sorted(named.items())
        ],
        "gradient": {
            "colors": list(_COLOURS),
            "minValue": 0,
            "maxValue": max(map(len, named.values()), default=1),
        },
    }
