"""Fixtures for the tests of the selftest."""

from __future__ import annotations

from tests.support.surroundings import address, around

__all__ = ["address", "around"]
