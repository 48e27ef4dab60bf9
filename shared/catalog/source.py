"""A hunt file's YAML, and the line and column of everything in it: problems read `my-hunt.yaml:12:5: …`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import HuntError

from .document import LONGEST, Unreadable, content_of, items_of, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from yaml import Mark, Node

    from .indentation import Spot

    Step = str | int

# msgspec names the place within a value that is wrong: "Expected `str`, got `int` - at `$[1].kind`".
_WITHIN = re.compile(r" - at `\$(?P<steps>.*)`$")
_STEP = re.compile(r"\[(\d+)\]|\.([^.\[]+)")


class Source(NamedTuple):
    """
    The content of a hunt file, and the YAML node at its root, from which lines and columns are read.

    They count from 1, as in editors.
    """

    file: Path
    lines: list[str]
    content: dict[str, Any]
    root: Node

    def problem(self, path: tuple[Step, ...], text: str, *, at_key: bool = False) -> str:
        """
        Return a problem's text, with the place of the value at *path*, or of its key.

        For what is missing from the file, the place is that of the mapping or list that should hold it. If
        *text* is an error of msgspec's that names an item inside the value, the place is that item's.
        """
        if within := _WITHIN.search(text):
            path += tuple(int(n) if n else key for n, key in _STEP.findall(within["steps"]))
            text = text[: within.start()]
        mark = self._find(path, at_key=at_key).start_mark
        return place(self.file, f"{_dotted(path)}: {text}" if path else text, mark.line + 1, mark.column + 1)

    def problem_within(self, path: tuple[Step, ...], line: int, column: int, text: str) -> str:
        """Return a problem's text, for *line* and *column* (from 1) of the string at *path*."""
        node = self._find(path)
        first = node.start_mark
        text = f"{_dotted(path)}: {text}"
        # Only a literal block keeps its lines as they are; for other strings, the place is where they begin.
        if getattr(node, "style", None) == "|":
            indent = _indent(self.lines[first.line + 1 :]) - _indent(node.value.splitlines())
            return place(self.file, text, first.line + line + 1, indent + column)
        return place(self.file, text, first.line + 1, first.column + 1)

    def lines_of(self, path: tuple[Step, ...]) -> range:
        """Return the lines (from 1) of the value at *path*, from that of its key."""
        return range(self._find(path, at_key=True).start_mark.line + 1, self._find(path).end_mark.line + 2)

    def _find(self, path: tuple[Step, ...], *, at_key: bool = False) -> Node:
        """Return the node at *path*, or the last node on the way to it that exists."""
        node = self.root
        for n, step in enumerate(path):
            for key, value in _children(node):
                if (key.value if isinstance(step, str) else key) == step:
                    node = key if at_key and n == len(path) - 1 else value
                    break
            else:
                break
        return node


def place(file: Path, text: str, line: int = 1, column: int = 1) -> str:
    """
    Return a problem's text with its place, `my-hunt.yaml:12:5: …`; by default the beginning of the file.

    It is one line of at most 600 characters, whatever the file or its name holds.
    """
    whole = f"{file.name}:{line}:{column}: {text}"[:600]
    return "".join(character if character.isprintable() else "?" for character in whole)


def read_source(file: Path) -> Source:
    """
    Read a file as YAML; every value in it is text, as it is written, a list, a mapping, or None.

    Raises HuntError where it cannot be read, is not YAML, is longer than 128 KB, or is not a mapping of keys to values.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(LONGEST + 1)
        text = raw.decode()
        root = read_document(text) if len(raw) <= LONGEST else None
    except OSError as error:
        raise _refused(file, None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _refused(file, None, "write the file in UTF-8") from error
    except Unreadable as error:
        raise _refused(file, error.mark, str(error)) from error
    if len(raw) > LONGEST:
        raise _refused(
            file, None, f"write at most {LONGEST // 1024} KB; tables of values do not belong in a hunt"
        )
    content = content_of(root) if root else None
    if root is None or not isinstance(content, dict):
        raise _refused(
            file,
            root.start_mark if root else None,
            "is not a mapping of keys to values: write name: and query: |, with the query indented below",
        )
    return Source(file, text.splitlines(), content, root)


def _refused(file: Path, mark: Mark | Spot | None, problem: str) -> HuntError:
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return HuntError(file, (place(file, problem, line, column),))


def _children(node: Node) -> list[tuple[Any, Node]]:
    """Return a mapping's keys and values, or a list's indexes and items."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    return list(enumerate(items_of(node))) if isinstance(node, yaml.SequenceNode) else []


def _indent(lines: list[str]) -> int:
    """Return the number of spaces before the first line that is not blank."""
    return next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)


def _dotted(path: tuple[Step, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
