"""Fixtures for the tests of the watch."""

from __future__ import annotations

from tests.support.quiet import app

__all__ = ["app"]
