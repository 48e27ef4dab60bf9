"""The compiled templates: by the compiler on the PATH, and told apart from those that were compiled with stand-ins."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from infra import arm
from tests.support.compilers import OURS, PUBLISHED, STAND_IN, TELEMETRY, compiled, compiler

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "resources", [list, lambda modules: {str(n): each for n, each in enumerate(modules)}]
)
def test_what_the_registry_publishes_is_no_stand_in(resources: Any) -> None:
    """A module has its name; a deployment without a template of Bicep's, as of AVM's telemetry, needs none."""
    template = compiled(OURS, compiled(PUBLISHED, TELEMETRY))
    template["resources"] = resources(template["resources"])

    assert [] == arm.stand_ins(template)


@pytest.mark.parametrize(
    "said",
    [STAND_IN, {**PUBLISHED, "description": "Stand-in for a module"}, {"_generator": {"name": "bicep"}}],
)
def test_a_module_that_is_not_the_published_one_is_found(said: dict[str, Any]) -> None:
    """It says that it is one, or has no name; however deep it lies."""
    template = compiled(OURS, compiled(OURS, compiled(said)))

    assert [said.get("description", "without a name")] == arm.stand_ins(template)


def test_each_template_is_compiled_into_a_file_of_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It holds what the compiler wrote, byte for byte."""
    written = json.dumps(compiled(OURS, compiled(PUBLISHED)), indent=2)
    compiler(monkeypatch, tmp_path, f"printf %s {shlex.quote(written)}")
    [made] = arm.build(tmp_path / "dist", "outrider-1.0.0-")

    assert tmp_path / "dist" / "outrider-1.0.0-main.json" == made
    assert written == made.read_text("utf-8")


def test_what_was_compiled_with_stand_ins_is_named_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody takes it for what Azure would be given."""
    written = json.dumps(compiled(OURS, compiled(STAND_IN)))
    compiler(monkeypatch, tmp_path, f"printf %s {shlex.quote(written)}")

    assert [tmp_path / "main-stand-in.json"] == arm.build(tmp_path)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "bicep is not on the PATH"),
        (
            "echo 'main.bicep(3,1) : Error BCP007' >&2; exit 1",
            r"main.bicep: main.bicep\(3,1\) : Error BCP007",
        ),
        (
            "echo '{}'; echo 'main.bicep(3,1) : Warning BCP318' >&2",
            r"main.bicep: main.bicep\(3,1\) : Warning BCP318",
        ),
        ("exit 134", "main.bicep: bicep ended with 134"),
    ],
)
def test_why_there_is_no_template_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, message: str
) -> None:
    """No compiler, an error, a warning, and a compiler that died without a word; nothing is written."""
    compiler(monkeypatch, tmp_path, script)

    with pytest.raises(arm.NotCompiled, match=message):
        arm.build(tmp_path / "dist")
    assert [] == [*tmp_path.glob("dist/*")]
