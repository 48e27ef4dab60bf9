"""Bicep compilers for tests, which write what they are told, and compiled templates of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

#: What the compiler keeps of a module: of ours, of one that Microsoft publishes, and of a stand-in for such a one.
OURS = {"_generator": {"name": "bicep"}, "name": "Storage", "description": "The account."}
PUBLISHED = {
    "_generator": {"name": "bicep"},
    "name": "Action Groups",
    "description": "This module deploys an Action Group.",
}
STAND_IN = {
    "_generator": {"name": "bicep"},
    "description": "Stand-in for avm/res/insights/action-group: its parameters.",
}
#: A deployment that a published module asks for by hand, so without a word of the compiler's.
TELEMETRY: dict[str, Any] = {"resources": []}


def compiled(metadata: dict[str, Any], *modules: dict[str, Any]) -> dict[str, Any]:
    """Return a compiled template with *metadata*, a resource, and other templates in it."""
    nested = [
        {"type": "Microsoft.Resources/deployments", "properties": {"template": each}} for each in modules
    ]
    return {"metadata": metadata, "resources": [{"type": "Microsoft.Insights/workbooks"}, *nested]}


def compiler(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str | None) -> None:
    """Make a shell *script* in *folder* the `bicep` that is found; None: none is."""
    commands = folder / "commands"
    commands.mkdir()
    if script is not None:
        program = commands / "bicep"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(commands))
