"""The schemas that editors check hunt files and cases by are those of the loader."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
import yaml

from sandbox.hunts.cases import cases_file
from sandbox.hunts.keys import CASES_SCHEMA, SCHEMA, modeline
from sandbox.hunts.schema import cases_schema, hunt_schema
from shared.catalog.load import SHIPPED, hunt_files
from shared.catalog.source import read_source

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(hunt_files(SHIPPED))


@pytest.mark.parametrize(
    ("file", "schema"), [(SCHEMA, hunt_schema()), (CASES_SCHEMA, cases_schema())], ids=["hunt", "cases"]
)
def test_the_file_holds_what_the_loader_takes(file: Path, schema: dict[str, object]) -> None:
    """`UPDATE_GOLDEN=1` writes it anew."""
    text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_hunt_and_its_cases_are_valid(file: Path) -> None:
    """As the loader reads them, and as an editor does, to which a version may be a number."""
    text = file.read_text(encoding="utf-8")
    cases = yaml.safe_load(cases_file(file).read_text(encoding="utf-8"))

    jsonschema_rs.validate(hunt_schema(), read_source(file).content)
    jsonschema_rs.validate(hunt_schema(), yaml.safe_load(text))
    jsonschema_rs.validate(cases_schema(), json.loads(json.dumps(cases, default=str)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_file_names_the_schema_by_a_path_that_is_there(file: Path) -> None:
    """Relative to itself, since nobody knows where a copy of the project is published."""
    assert file.read_text(encoding="utf-8").startswith(f"{modeline(file)}\n")
    assert (file.parent / modeline(file).partition("=")[2]).resolve() == SCHEMA
