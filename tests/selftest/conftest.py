"""Fixtures for the tests of the self-test."""

from __future__ import annotations

from tests.support.surroundings import address, around

__all__ = ["address", "around"]
