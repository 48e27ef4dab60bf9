"""Hunts made up for the catalogue: whole ones, and ones in which an attacker chose every text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.catalog.load import Catalog, Notice
from shared.errors import HuntError
from shared.model.hunt import AppliesTo, Hunt, Sweep
from shared.pages.catalogue import catalogue_page
from shared.state.recent import Ran, Recent

from .browser import HOSTILE
from .said import NOW


def made_hunt(name: str, query: str = "DeviceProcessEvents", **fields: Any) -> Hunt:
    """Return a hunt of this *name*; *fields* are those of `Hunt`."""
    return Hunt(
        **{
            "name": name,
            "title": f"Title of {name}",
            "id": name,
            "version": "1.0.0",
            "query": query,
            **fields,
        }
    )


def hostile_catalog() -> Catalog:
    """Return hunts, files that cannot be used and notices of which every text is hostile, and one hunt that is not."""
    several = tuple(filter(None, HOSTILE))
    hunts = tuple(
        made_hunt(
            f"made-{n}",
            f"DeviceProcessEvents\n| where FileName in ({one!r}, {two!r}) // {three}",
            title=one,
            version=two,
            means=three,
            tactics=(one, "Execution"),
            techniques=(two, "T1204.002"),
            applies_to=AppliesTo((three,), (one,)),
            false_positives=(one, two),
            blind_spots=(two, three),
            next_steps=(three, one),
            sweep=Sweep(),
        )
        for n, (one, two, three) in enumerate(zip(*[iter(HOSTILE)] * 3, strict=True))
    )
    harmless = made_hunt(
        "harmless", "EmailUrlInfo", entity="indicator", kinds=("url",), shipped=True, auto=True
    )
    file = Path(f"/hunts/{HOSTILE[0].replace('/', '')}.yaml")
    return Catalog(
        (harmless, *hunts), (HuntError(file, several),), tuple(Notice(file, text) for text in several)
    )


def catalogue() -> str:
    """Return the page of the hostile hunts."""
    return catalogue_page(hostile_catalog(), {}, Recent(50, NOW, hunts={"harmless": Ran(12, 3, 1)}), "1.0.0")
