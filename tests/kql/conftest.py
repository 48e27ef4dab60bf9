"""Each test reads its queries itself, whatever others have read before."""

from __future__ import annotations

import pytest

from shared.kql.read import read_query


@pytest.fixture(autouse=True)
def _nothing_is_read_yet() -> None:
    """Forget the readings that are kept."""
    read_query.cache_clear()
