"""Fixtures for tests that judge or run KQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shared.catalog.load import Catalog, load_hunts

from .kql_judge import Judge, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Microsoft's parser. Where it is missing, tests are skipped, but in CI they fail."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    found = Judge()
    yield found
    found.close()


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The hunts that come with the app."""
    return load_hunts()
