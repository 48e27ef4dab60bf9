"""What a fuzz target is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis import strategies as st


class Target(NamedTuple):
    """
    A strategy, and the function that takes what it draws and asserts what holds for any input.

    The function returns what became of the input, in a word or two, so that a run can tell how much it tried of each.
    """

    data: st.SearchStrategy[Any]
    check: Callable[[Any], str]
