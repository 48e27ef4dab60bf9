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
    """
    One package of a lock, for the environments of its marker.

    *hashes* are those of all its files, `wanted_by` names the packages that require it, and `direct` says whether the
    lock's source does.
    """

    requirement: Requirement
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]
    direct: bool

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
    requirement, hashes, wanted_by, direct = None, list[str](), list[str](), False
    for line in [*lines, "end"]:
        words = line.removesuffix("\\").split()
        if line[:1].isalnum():
            if requirement:
                yield Locked(requirement, tuple(hashes), tuple(wanted_by), direct)
            requirement = None if line == "end" else Requirement(line.removesuffix("\\"))
            hashes, wanted_by, direct = [], [], False
        elif words and words[0].startswith("--hash="):
            hashes.append(words[0].removeprefix("--hash="))
        # "# via a", or "# via" and below it "#   a"; a file stands there as "-r a.in", or "-c a.txt".
        elif line.startswith(" ") and "-r" in words:
            direct = True
        elif line.startswith(" ") and words[1:] not in ([], ["via"]) and "-c" not in words:
            wanted_by.append(words[-1])
