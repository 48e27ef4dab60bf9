"""Write a hunt file and its cases, which are whole as they are, for somebody to edit."""

from __future__ import annotations

import re
import uuid
from textwrap import indent
from typing import TYPE_CHECKING

from shared.catalog.load import SHIPPED, hunt_files

from .cases import cases_file
from .indicator_templates import indicator_example
from .keys import CASES_SCHEMA, modeline
from .templates import FILE, device_example

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What a hunt may be for, and what it may not yet be: a person would look for that.
ENTITIES = ("device", "indicator", "account", "message")
SYSTEMS = ("Windows", "Linux", "macOS")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 100


def new(*, name: str, entity: str, kinds: Sequence[str], system: str, folder: Path | None) -> int:
    """
    Write `NAME.yaml` and `NAME.cases` to *folder*, by default where the app's own hunts for such an *entity* lie.

    Prints both paths. Raises ValueError for an *entity* that no hunt can be for, a name that
    is no file's name in kebab-case or is taken, and a file that is there already.
    """
    _refuse(name, entity, system)
    target = folder or SHIPPED / entity / (system.lower() if entity == "device" else "")
    file = target / f"{name}.yaml"
    taken = {
        other.stem: other for other in hunt_files(SHIPPED, *([folder] if folder and folder.is_dir() else []))
    }
    for other in (file, cases_file(file), taken.get(name)):
        if other and other.exists():
            raise ValueError(f"{other} is there already: take another name")
    target.mkdir(parents=True, exist_ok=True)
    example = device_example(system) if entity == "device" else indicator_example(kinds)
    block = f"  appliesTo:\n    osPlatform: [{system}]\n" if system else ""
    if entity == "indicator":
        block = f"  kinds: [{', '.join(kinds)}]\n"
    content = FILE.format(
        modeline=modeline(file),
        id=uuid.uuid4(),
        title=name.replace("-", " ").capitalize(),
        query=indent(example.query, "  "),
        entity=entity,
        block=block,
        **{key: value for key, value in example._asdict().items() if key not in {"query", "tables", "cases"}},
        tables="\n".join(f"      - {table}" for table in example.tables),
    )
    file.write_text(content, encoding="utf-8")
    cases_file(file).write_text(f"{modeline(file, CASES_SCHEMA)}\n{example.cases}", encoding="utf-8")
    print(file, cases_file(file), sep="\n")
    return 0


def _refuse(name: str, entity: str, system: str) -> None:
    if entity in {"account", "message"}:
        article = "an" if entity == "account" else "a"
        raise ValueError(f"no hunt can be for {article} {entity} yet: hunt for a device, or for an indicator")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ValueError(
            f"{name!r} is no name for a hunt: use small letters, digits and hyphens, as in archive-then-upload"
        )
    if entity == "indicator" and system:
        raise ValueError("--os is for hunts for devices: an indicator is looked for on all of them")
