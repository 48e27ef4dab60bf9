"""
Translations that outlive their process, in a folder of the user's cache.

The first process that hunts for an incident needs half a minute for it, most of which is duckdb-kql's parser; the next ones
read what it wrote. What cannot be read or written is translated anew: the folder makes nothing but speed.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def read(key: str) -> tuple[str, dict[str, Any]] | None:
    """Return the SQL and the parameters that were kept under *key*; None if there are none."""
    with suppress(OSError, ValueError, TypeError):
        sql, parameters = json.loads(_file(key).read_text(encoding="utf-8"))
        if isinstance(sql, str) and isinstance(parameters, dict):
            return sql, parameters
    return None


def write(key: str, sql: str, parameters: dict[str, Any]) -> None:
    """Keep SQL with its parameters under *key*, unless one of them is a value that JSON has not."""
    with suppress(OSError, TypeError):
        text = json.dumps([sql, parameters])
        file = _file(key)
        # Another process may be reading it.
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)


def _file(key: str) -> Path:
    return _folder() / sha256(key.encode()).hexdigest()


@cache
def _folder() -> Path:
    """Return the folder of translations by this very code; those by other versions are deleted."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outrider" / "kql"
    code = sha256(f"{version('duckdb')} {version('duckdb-kql')}".encode())
    for file in sorted([*_HERE.glob("*.py"), *_HERE.glob("*.json")]):
        code.update(file.read_bytes())
    mine = base / code.hexdigest()[:16]
    if not mine.exists():
        mine.mkdir(parents=True)
        for other in base.iterdir():
            if other != mine:
                shutil.rmtree(other, ignore_errors=True)
    return mine
