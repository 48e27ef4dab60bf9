"""Fixtures for the tests of the sandbox's Functions host and queue service."""

from __future__ import annotations

from tests.support.account import account, clock, queue, service
from tests.support.sample import app, worker

__all__ = ["account", "app", "clock", "queue", "service", "worker"]
