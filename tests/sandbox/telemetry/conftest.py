"""A fleet with its ordinary life."""

from __future__ import annotations

import pytest

from sandbox.telemetry.engine import Engine
from sandbox.telemetry.generation import generate
from tests.support.ordinary import END


@pytest.fixture(scope="session")
def ordinary() -> Engine:
    """Return an engine with a fleet of a hundred devices over two working days."""
    engine = Engine()
    generate(engine, devices=100, days=2, end=END)
    return engine
