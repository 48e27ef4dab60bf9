"""The hunts that can run, and which of them fit what a run hunts for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.errors import HuntError, InvalidRequest

from . import file as hunt_file
from .file import Enrichment, Hunt, Sweep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["DEVICE_CARD", "SHIPPED", "Catalog", "Enrichment", "Hunt", "Sweep", "load", "select"]

SHIPPED = Path(__file__).parents[1] / "hunts"
DEVICE_CARD = "device-card"


class Catalog(Struct, frozen=True):
    """The hunts that can run, by name, and the files that cannot be used."""

    hunts: tuple[Hunt, ...]
    broken: tuple[HuntError, ...] = ()

    @property
    def by_name(self) -> dict[str, Hunt]:
        """The hunts under their names."""
        return {hunt.name: hunt for hunt in self.hunts}


def load(*folders: Path) -> Catalog:
    """
    Load every hunt below *folders*, in their order; without any, those that come with the app.

    Never raises: a file that cannot be used, also one that repeats the name or id of an earlier one, is in `broken`
    with all its problems, as is a folder that does not exist.
    """
    hunts: dict[str, Hunt] = {}
    broken: list[HuntError] = []
    ids: dict[str, str] = {}
    for file in _files(folders or (SHIPPED,), broken):
        try:
            hunt = hunt_file.read(file, shipped=file.is_relative_to(SHIPPED))
        except HuntError as error:
            broken.append(error)
            continue
        problems = [f"the name {hunt.name} is taken by another file"] if hunt.name in hunts else []
        if hunt.id in ids:
            problems.append(f"the id {hunt.id} is that of {ids[hunt.id]}")
        if problems:
            broken.append(HuntError(file, tuple(problems)))
            continue
        hunts[hunt.name] = hunt
        ids[hunt.id] = hunt.name
    return Catalog(tuple(hunts[name] for name in sorted(hunts)), tuple(broken))


def select(
    catalog: Catalog, *, devices: bool, kinds: Collection[str], names: Collection[str] = ()
) -> tuple[Hunt, ...]:
    """
    Return the hunts for what is there, *devices* or indicators of these *kinds*; *names* narrows them.

    The device card is always among the hunts for devices. Raises InvalidRequest for a name that is not in the
    catalogue, and for a named hunt that what is there cannot start.
    """
    fitting = {
        hunt.name: hunt
        for hunt in catalog.hunts
        if (devices if hunt.entity == "device" else not set(hunt.kinds).isdisjoint(kinds))
    }
    known = catalog.by_name
    problems = []
    for name in dict.fromkeys(names):
        if name not in known:
            problems.append(f"there is no hunt {name}; there are {', '.join(known)}")
        elif name not in fitting:
            hunt = known[name]
            needs = "a device" if hunt.entity == "device" else f"an indicator ({', '.join(hunt.kinds)})"
            problems.append(f"the hunt {name} needs {needs}")
    if problems:
        raise InvalidRequest(problems[0] if len(problems) == 1 else "these hunts cannot run", tuple(problems))
    return tuple(
        hunt for hunt in fitting.values() if not names or hunt.name in names or hunt.name == DEVICE_CARD
    )


def _files(folders: tuple[Path, ...], broken: list[HuntError]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            broken.append(HuntError(folder, ("there is no such folder",)))
            continue
        yield from sorted(f for f in folder.rglob("*") if f.suffix in {".yaml", ".yml"} and f.is_file())
