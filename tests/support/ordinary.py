"""A fleet in which nothing but ordinary life happens, and what a query finds there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.telemetry.engine import Engine

END = datetime(2026, 3, 11, 12, tzinfo=UTC)  # a Wednesday


def hunt(engine: Engine, query: str) -> list[dict[str, Any]]:
    """Run *query* over all telemetry, and return its rows."""
    return engine.hunt(query, start=END - timedelta(days=30), end=END, now=END)[1]
