"""
Read what happens in an ordinary fleet: the tables `<platform>/*.tsv`, and the programs that they name.

A line that begins with the name of a table of Advanced Hunting begins a section: the names after it are the columns of
the lines below. A column is one of Defender's, or one of these:

- `on`: whom it happens to, a role of `roles.tsv`
- `rate`: how often a day and device; `2@3` is twice a day in the hour after three o'clock
- `by`, `by_command`, `by_account`: the program that does it, its command line ('' = its path), whose it is
- `program`, `command`, `account`: the same of the process that starts; for other tables, the account that acts
- `story`, `after`: what happens together has one story and one rate; `after` is in seconds from its beginning, which is in
  the hours that people work if a person has to do with any of it

Programs stand in `<platform>/programs.tsv`; others are in /usr/bin, or are named by their path. What differs from time to
time is in braces (`writing.FILLED`); `{base64:…}` is a PowerShell command as -EncodedCommand takes it. `#` begins a comment.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
_PLATFORMS = ("windows", "linux", "mac")
_HOME = {"windows": "", "linux": "systemd", "mac": "launchd"}
#: Who runs what lets others in.
_WHOSE = {"lsass": "system", "sshd": "root", "loginwindow": "root", "gnome": "gdm"}
_ENCODED = re.compile(r"\{base64:(.*?)\}(?=[\s\"']|$)")
_MOST = 48  # times a day
_PEOPLE = ("user", "admin")


class Program(NamedTuple):
    """A program: its path, the file name of its usual parent, and what its version information says."""

    path: str
    parent: str = ""
    company: str = ""
    product: str = ""
    original: str = ""

    @property
    def file(self) -> str:
        """The file's name."""
        return re.split(r"[/\\]", self.path)[-1]

    def columns(self, prefix: str) -> dict[str, str | int]:
        """Return the columns that describe the file, each with *prefix* before its name."""
        company = self.company
        is_windows = self.product == "Microsoft® Windows® Operating System"
        digest = hashlib.sha256(self.path.encode()).hexdigest()
        version = "10.0.26100.1" if is_windows else f"{int(digest[:2], 16) % 30 + 1}.{int(digest[2], 16)}.0"
        return {
            f"{prefix}file": self.file,
            f"{prefix}path": "" if self.path == self.file else self.path,
            f"{prefix}parent": self.parent,
            f"{prefix}company": company,
            f"{prefix}product": self.product,
            f"{prefix}original": (self.original or self.file) if company else "",
            f"{prefix}version": version if company else "",
            f"{prefix}sha1": hashlib.sha1(self.path.encode(), usedforsecurity=False).hexdigest(),
            f"{prefix}sha256": digest,
            f"{prefix}md5": hashlib.md5(self.path.encode(), usedforsecurity=False).hexdigest(),
            f"{prefix}size": 20_000 + int(digest[:5], 16),
        }


class Patterns(NamedTuple):
    """What happens in one table of Advanced Hunting; *columns* are those of Defender's that its sections name."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | int | float], ...]


@cache
def programs(platform: str) -> dict[str, Program]:
    """Return the programs of "windows", "linux" or "mac", by the name that patterns use."""
    return {name: Program(*fields) for name, *fields in lines(FOLDER / platform / "programs.tsv")}


def program(platform: str, name: str) -> Program:
    """Return the program *name*, which is a path if it is not known. Raises KeyError where that cannot be."""
    known = programs(platform)
    if name in known:
        return known[name]
    if "/" in name or "\\" in name:
        return Program(name, _HOME[platform])
    if platform == "windows":
        raise KeyError(f"windows/programs.tsv has no {name}")
    return Program(f"/usr/bin/{name}", "bash" if platform == "linux" else "zsh")


@cache
def patterns() -> tuple[Patterns, ...]:
    """Return all patterns. Raises ValueError for a line that cannot be used, and KeyError for an unknown program."""
    columns: dict[str, dict[str, None]] = {}
    rows: dict[str, list[dict[str, str | int | float]]] = {}
    for platform in _PLATFORMS:
        for file in sorted((FOLDER / platform).glob("*.tsv")):
            if file.name == "programs.tsv":
                continue
            for header, found in read(file, platform):
                columns.setdefault(header[0], {}).update(
                    (name, None) for name in header[1:] if name[:1].isupper()
                )
                rows.setdefault(header[0], []).extend(found)
    by_people = {row["story"] for found in rows.values() for row in found if row["account"] in _PEOPLE}
    for row in (row for found in rows.values() for row in found):
        row["by_people"] = row["story"] in by_people
    return tuple(Patterns(table, tuple(columns[table]), tuple(rows[table])) for table in rows)


@cache
def roles() -> tuple[tuple[str, str, int, int], ...]:
    """Return who has which role: (role, kind of device, of how many, which one of these)."""
    return tuple((role, kind, int(of), int(which)) for role, kind, of, which in lines(FOLDER / "roles.tsv"))


def read(file: Path, platform: str) -> list[tuple[list[str], list[dict[str, str | int | float]]]]:
    """Return the sections of a file, each as its header and its rows. Raises as `patterns` does."""
    found: list[tuple[list[str], list[dict[str, str | int | float]]]] = []
    for number, cells in enumerate(lines(file)):
        if cells[1] == "on":
            found.append((cells, []))
            continue
        header, rows = found[-1]
        if len(cells) >= len(header):
            raise ValueError(f"{file.name}: {len(cells)} cells, more than the section has: {cells}")
        row = dict(zip_longest(header[1:], cells, fillvalue=""))
        story = row.get("story") or f"{platform}/{file.stem}/{number}"
        rows.append(_pattern({**row, "story": story, "platform": platform}, platform))
    return found


def _pattern(row: dict[str, str], platform: str) -> dict[str, str | int | float]:
    row = {name: _ENCODED.sub(_encoded, cell) for name, cell in row.items()}
    rate, _, hour = row.pop("rate").partition("@")
    times = max(1, min(_MOST, -int(-float(rate) // 1)))
    pattern: dict[str, str | int | float] = {
        **row,
        "times": times,
        "chance": float(rate) / times,
        "hour": int(hour) if hour else -1,
        "after": int(row.get("after") or 0),
        "account": row.get("account", ""),
        "by_account": row.get("by_account") or _WHOSE.get(row.get("by", "")) or row.get("account", ""),
    }
    if by := row.get("by"):
        pattern |= program(platform, by).columns("by_")
        pattern["by_command"] = row.get("by_command") or program(platform, by).path
    if started := row.get("program"):
        pattern |= program(platform, started).columns("own_")
        pattern["command"] = row.get("command") or program(platform, started).path
    return pattern


def _encoded(found: re.Match[str]) -> str:
    return base64.b64encode(found[1].encode("utf-16-le")).decode()


def lines(file: Path) -> list[list[str]]:
    """Return the cells of each line of a table, but for empty lines and comments."""
    text = file.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in text if line.strip() and not line.startswith("#")]
