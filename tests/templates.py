"""The Bicep templates as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.fixtures_kql import judge  # noqa: F401  (a fixture)

ROOT = Path(__file__).parent.parent

INFRA = ROOT / "infra"

MODULES = sorted((INFRA / "modules").glob("*.bicep"))

TEMPLATES = [INFRA / "main.bicep", *MODULES, *sorted((INFRA / "playbooks").glob("*.bicep"))]


@cache
def text(name: str) -> str:
    """Read a template, by its path inside `infra/`."""
    return (INFRA / name).read_text(encoding="utf-8")
