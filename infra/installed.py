"""What a lock stands for on this machine: the sizes of its packages as they are installed, and a folder of them alone."""

from __future__ import annotations

import importlib.metadata
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from .lock import read

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotInstalled(Exception):
    """This environment is not that of the lock; the message says what is missing, or other."""


def sizes(lock: Path) -> dict[str, int]:
    """
    Return the size of each package of *lock* that counts here, in bytes, the largest first.

    Sizes are without `.pyc` files. Raises NotInstalled for a package that is not installed, or in another version.
    """
    weights = {
        name: sum(each.size or 0 for each in found.files or () if each.suffix != ".pyc")
        for name, found in _distributions(lock)
    }
    return dict(sorted(weights.items(), key=lambda item: -item[1]))


def link(lock: Path, folder: Path) -> None:
    """
    Link the packages of *lock* into *folder*, as `pip install --target` would lay them, and nothing else.

    A folder that one package has for itself is one link, since msgraph-sdk alone has 40,000 files. Raises as `sizes` does.
    """
    owners = _owners()
    for name, found in _distributions(lock):
        places = {next(each for each in _places(file) if owners[each] == {name}) for file in _files(found)}
        for place in places:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).symlink_to(Path(str(found.locate_file(place))).resolve())


def _owners() -> dict[str, set[str]]:
    """Return the packages that have files in a folder, or have the file."""
    owners = defaultdict[str, set[str]](set)
    for found in importlib.metadata.distributions():
        name = canonicalize_name(found.name)
        for file in _files(found):
            for place in _places(file):
                owners[place].add(name)
    return owners


def _files(found: importlib.metadata.Distribution) -> Iterator[str]:
    # Commands lie beside the packages.
    yield from (file for file in map(str, found.files or ()) if not file.startswith(".."))


def _places(file: str) -> Iterator[str]:
    """Return the folders of a file, the outermost first, and the file."""
    parts = file.split("/")
    yield from ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def _distributions(lock: Path) -> Iterator[tuple[str, importlib.metadata.Distribution]]:
    for package in read(lock):
        if package.counts_in():
            try:
                found = importlib.metadata.distribution(package.name)
            except importlib.metadata.PackageNotFoundError:
                raise NotInstalled(f"{package.requirement} is wanted, and not installed") from None
            if found.version != package.version:
                raise NotInstalled(f"{package.requirement} is wanted, and {found.version} is installed")
            yield package.name, found
