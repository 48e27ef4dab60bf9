"""The templates as Microsoft's compiler reads them, and what they would deploy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.support.bicep import Bicep
from tests.support.deployment_cases import CASES
from tests.support.predicted import Deployment, Templates


@pytest.fixture(scope="session")
def bicep() -> Iterator[Bicep]:
    """Yield the compiler. Where it is not installed, the test is skipped, but in the repository's workflow it fails."""
    if shutil.which("bicep") is None:
        if os.environ.get("GITHUB_ACTIONS"):
            pytest.fail("bicep is not installed")
        pytest.skip("bicep is not installed")
    with Bicep() as found:
        yield found


@pytest.fixture(scope="session")
def templates(bicep: Bicep, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Return a copy of the templates that is not changed."""
    return Templates(bicep, tmp_path_factory.mktemp("templates") / "infra")


@pytest.fixture(scope="session")
def deployment(templates: Templates) -> Callable[[str], Deployment]:
    """Return a function that predicts a case of `CASES`, by name, once."""
    return cache(lambda case: templates.deploy(CASES[case]))
