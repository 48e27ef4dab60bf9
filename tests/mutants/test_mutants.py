"""The tool that breaks the code: what it changes, what it draws, and what it says of a test that notices nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.__main__ import draw, stale
from tests.mutants.running import Changed
from tests.mutants.sources import Mutant, mutants

ROOT = Path(__file__).parents[2]
SMALL = '''
"""Say which numbers are small."""

LIMIT = 3

def is_small(n: int) -> bool:
    """Tell whether *n* is small."""
    return n < LIMIT

def shown(n: int) -> str:
    """Show *n*."""
    return str(n)
'''
#: No test runs a line of it: it is there before the first begins.
TABLE = "LARGEST = 9"
CHECK = """
from small import is_small, shown
from table import LARGEST

def test_small():
    assert is_small(2) and not is_small(3) and LARGEST == 9

def test_shown():
    shown(5)
"""


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("a < b", ["comparison: a < b → a <= b"]),
        ("a == b != c", ["comparison: a == b != c → a != b != c", "comparison: a == b != c → a == b == c"]),
        ("a in b", ["comparison: a in b → a not in b"]),
        ("a is not b", ["comparison: a is not b → a is b"]),
        ("a and b", ["boolean: a and b → a or b"]),
        ("x = not a", ["sign: not a → a"]),
        ("x = -a", ["sign: -a → a"]),
        ("x = a + b", ["arithmetic: a + b → a - b"]),
        ("x = min(a, b)", ["function: min(a, b) → max(a, b)"]),
        ("x = a.lower()", ["method: a.lower() → a"]),
        ("x = 7", ["constant: 7 → 6", "constant: 7 → 8"]),
        ("x = True", ["constant: True → False"]),
        ("x = 'a', ''", ["constant: 'a' → 'other'", "constant: '' → 'x'"]),
        ("x = a if b else c", ["condition: b → False", "condition: b → True"]),
        ("x = [a for a in b if a]", ["condition: a → False", "condition: a → True"]),
        ("while a:\n    pass", ["condition: a → False"]),
        ("a()", ["statement: a() → nothing"]),
        ("x = a(b, c=d)", ["keyword: c=d → nothing"]),
        ("x = a[b:c]", ["slice: b:c → :c", "slice: b:c → b:"]),
        ("a.b = c", ["statement: a.b = c → nothing"]),
        ("@cache\ndef f() -> None:\n    pass", ["decorator: cache → nothing"]),
        ("def f(a: int) -> int:\n    return a", ["return: return a → return 0"]),
        ("def f(a: A) -> A:\n    return a", ["return: return a → return None"]),
        ("def f(a: bool) -> bool:\n    return a", ["return: return a → return not a"]),
        ("def f(a: int) -> None:\n    a = b", ["statement: a = b → nothing"]),
        ("def f():\n    yield a", ["statement: yield a → yield from ()"]),
        ("for a in b:\n    continue", ["statement: continue → nothing"]),
        ("a += b", ["arithmetic: a += b → a -= b", "statement: a += b → nothing"]),
    ],
)  # fmt: skip
def test_each_operator_makes_its_mutants(source: str, changes: list[str]) -> None:
    """Each is named by what it does, and compiles."""
    found = mutants("small.py", source)

    assert changes == [mutant.change for mutant in found]
    assert all(mutant.compiled() for mutant in found)


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "from a import b",
        "x: Literal['a'] = b",
        "if TYPE_CHECKING:\n    x = 1",
        "__all__ = ['a']",
        "log.info('found %d', 7)",
        "raise ValueError(f'{a} is not 7')",
        "assert a == 7",
        "class A(Struct, frozen=True):\n    x: int",
        "def f(a: Literal['a']) -> tuple[int, ...]:\n    '''A docstring.'''",
    ],
)
def test_what_no_test_should_hold_is_left_alone(source: str) -> None:
    """Docstrings, annotations, log lines, errors and imports have no mutants."""
    assert [] == mutants("small.py", source)


def loaded(mutant: Mutant) -> ModuleType:
    """Return the module that a mutant is."""
    module = ModuleType("small")
    Changed("small", mutant.compiled()).exec_module(module)
    return module


def test_a_mutant_is_named_by_its_place_and_changes_nothing_else() -> None:
    """Compiling one leaves the others as they were."""
    found = mutants("small.py", SMALL)
    first = next(mutant for mutant in found if mutant.operator == "comparison")
    other = next(mutant for mutant in found if mutant.after == "4")

    assert "small.py:8:12 comparison: n < LIMIT → n <= LIMIT" == first.name
    assert ("return n < LIMIT", range(8, 9), False) == (first.text, first.lines, first.imported)
    assert [(True, False), (True, True)] == [
        (loaded(mutant).is_small(3), loaded(mutant).LIMIT == 4) for mutant in (first, other)
    ]


def some(file: str, lines: int) -> list[Mutant]:
    """Return the mutants of a file with so many lines, two of each."""
    return mutants(file, "\n".join(f"x{n} = {n}" for n in range(lines)))


def test_a_sample_is_fair_and_always_the_same() -> None:
    """By its seed; each file has its share, and a line less in one changes little."""
    every = some("a.py", 30) + some("b.py", 10)
    names = {mutant.name for mutant in draw(every, 20, "1")}
    without = {mutant.name for mutant in draw(every[:-2], 20, "1")}

    assert (15, 5) == (
        sum(name.startswith("a") for name in names),
        sum(name.startswith("b") for name in names),
    )
    assert (
        names
        == {mutant.name for mutant in draw(every, 20, "1")}
        != {mutant.name for mutant in draw(every, 20, "2")}
    )
    assert len(names & without) >= 18
    assert 80 == len(draw(every, 200, "1"))


def test_a_reason_without_its_mutant_is_stale() -> None:
    """Its line has changed, or its file is gone."""
    every = some("tests/mutants/operators.py", 3)
    kept, *rest = every[0].key
    gone, changed = ("tests/gone.py", *rest), (kept, "x = 9", *rest[1:])

    assert ["tests/gone.py: x0 = 0: 6: constant: 0 → -1", f"{kept}: x = 9: 6: constant: 0 → -1"] == stale(
        dict.fromkeys(((kept, *rest), gone, changed), "because"), every
    )


def test_a_survivor_is_listed_and_the_rest_counted(tmp_path: Path) -> None:
    """In a small project, one of whose lines no test holds."""
    (tmp_path / "small.py").write_text(SMALL, encoding="utf-8")
    (tmp_path / "table.py").write_text(TABLE, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]", encoding="utf-8")
    (tmp_path / "test_small.py").write_text(CHECK, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "tests.mutants",
        "small.py",
        "table.py",
        "--tests",
        "test_small.py",
        "--share",
        "90",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    survived = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("survived")]

    assert 1 == done.returncode, done.stdout + done.stderr
    assert ["small.py:12:5 return: return str(n) → return ''"] == survived
    assert "no reason is given" in done.stdout
    assert "85.7 % killed: 6 of 7" in done.stdout
    assert SMALL == (tmp_path / "small.py").read_text(encoding="utf-8")
