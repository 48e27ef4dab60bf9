"""Problems of a query, each with its place."""

from __future__ import annotations

from shared.kql.lexer import Bracketed, Token
from shared.kql.problem import Problem, Problems


def test_each_problem_is_told_once_with_its_place() -> None:
    """Lines and columns count from 1, and of an offset and a node alike."""
    found = Problems("\nbc\n\nef")
    for where in (0, 1, 2, 3, 4, Token("name", "ef", 5), Bracketed("(", [], 6), 6, 6):
        found.add(where, "x")

    assert [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2)] == [each[:2] for each in found.all]
    assert Problem(4, 2, "x") == found.all[-1]
    assert "query line 4, column 2: x" == str(found.all[-1])


def test_a_hundred_problems_are_told() -> None:
    """More would be read by nobody; the first are kept."""
    found = Problems("a")
    for number in range(120):
        found.add(0, str(number))

    assert [str(number) for number in range(100)] == [problem.text for problem in found.all]
