"""Read a lock: a requirements file in which every package has its version and hashes, as `make lock` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Locked:
    """One package of a lock, for the environments of its marker: version, hashes, and which packages want it."""

    requirement: Requirement
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name, as PyPI's index spells it."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The one version that is allowed. Raises ValueError where the lock leaves a choice."""
        [specifier] = self.requirement.specifier
        if specifier.operator != "==" or specifier.version.endswith("*"):
            raise ValueError(f"{self.requirement} is not pinned")
        return specifier.version

    def counts_in(self, environment: Mapping[str, str] | None = None) -> bool:
        """Return whether it is installed in *environment*, whose values of markers go before those of this one."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate({"extra": "", **(environment or {})})


def read(file: Path) -> tuple[Locked, ...]:
    """Return the packages of the lock *file*, in its order. Raises InvalidRequirement for what is no requirement."""
    return tuple(_packages(file.read_text(encoding="utf-8").splitlines()))


def _packages(lines: list[str]) -> Iterator[Locked]:
    requirement, hashes, wanted_by = None, list[str](), list[str]()
    for line in [*lines, "end"]:
        words = line.removesuffix("\\").split()
        if line[:1].isalnum():
            if requirement:
                yield Locked(requirement, tuple(hashes), tuple(wanted_by))
            requirement = None if line == "end" else Requirement(line.removesuffix("\\"))
            hashes, wanted_by = [], []
        elif words and words[0].startswith("--hash="):
            hashes.append(words[0].removeprefix("--hash="))
        # "# via a", or "# via" and below it "#   a"; a file stands there as "-r a.in".
        elif line.startswith(" ") and words[1:] not in ([], ["via"]) and not {"-r", "-c"} & {*words}:
            wanted_by.append(words[-1])
