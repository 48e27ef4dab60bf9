"""
Compile the templates to ARM's JSON, for whoever deploys without the Bicep compiler.

    python -m infra.arm dist

The compiler is the `bicep` on the PATH. Modules come from a registry, and a compiler that has no network may hold
stand-ins for them: what was compiled with these is for looking at alone, and its file's name ends in `-stand-in.json`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
STAND_IN = "-stand-in.json"
_SCOPE = re.compile(r"^targetScope = ", re.MULTILINE)
_LIMIT = 60  # seconds; without a network the compiler tries for longer to fetch the modules


class NotCompiled(Exception):
    """There is no ARM template; the message says why."""


def build(folder: Path, prefix: str = "", *, templates: Path = ROOT / "infra") -> list[Path]:
    """
    Compile each template that stands directly in *templates* into *folder*, and return the files, named *prefix* and its name.

    One that names no scope is none: it holds what the others share, and nobody deploys it.

    Raises NotCompiled, with the compiler's words, for an error as for a warning, and where there is no compiler.
    """
    compiler = shutil.which("bicep")
    if compiler is None:
        raise NotCompiled("bicep is not on the PATH")
    folder.mkdir(parents=True, exist_ok=True)
    found = [
        each for each in sorted(templates.glob("*.bicep")) if _SCOPE.search(each.read_text(encoding="utf-8"))
    ]
    return [_compile(compiler, each, folder, prefix) for each in found]


def _compile(compiler: str, template: Path, folder: Path, prefix: str) -> Path:
    command = [compiler, "build", str(template), "--stdout"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise NotCompiled(f"{template.name}: bicep took longer than {_LIMIT} s") from None
    if done.returncode or done.stderr.strip():
        raise NotCompiled(f"{template.name}: {done.stderr.strip() or f'bicep ended with {done.returncode}'}")
    target = folder / f"{prefix}{template.stem}{STAND_IN if stand_ins(json.loads(done.stdout)) else '.json'}"
    target.write_text(done.stdout, encoding="utf-8")
    return target


def stand_ins(template: dict[str, Any]) -> list[str]:
    """
    Return what the modules in a compiled *template* say of themselves that are not the published ones.

    Each Azure Verified Module begins with its name and description (Azure/bicep-registry-modules, main.bicep), and each
    of ours, which the compiler keeps in `metadata`. A module of neither kind has no name, or says that it is a stand-in.
    """
    return [
        said.get("description", "without a name")
        for said in _modules(template)
        if "_generator" in said and ("name" not in said or said.get("description", "").startswith("Stand-in"))
    ]


def _modules(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield template.get("metadata", {})
    resources = template.get("resources", [])
    for each in resources.values() if isinstance(resources, dict) else resources:
        if "template" in each.get("properties", {}):
            yield from _modules(each["properties"]["template"])


if __name__ == "__main__":
    try:
        print(*build(Path(sys.argv[1])), sep="\n")
    except NotCompiled as error:
        sys.exit(f"The templates are not compiled: {error}")
