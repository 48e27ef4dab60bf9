"""Whether there is a compiler that the tests can ask: what it says of one that there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bicep import missing

CURRENT = 'if [ "$1" = --version ]; then echo "Bicep CLI version 0.49.2 (abc)"; exit; fi'


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "bicep is not installed"),
        ("echo 'Bicep CLI version 0.36.177 (abc)'", "bicep is too old: Bicep CLI version 0.36.177 (abc)"),
        ("exit 3", "bicep cannot fetch the registry's modules"),
        (f"{CURRENT}; echo 'BCP192: Unable to restore' >&2; exit 1", "BCP192: Unable to restore"),
        (f"{CURRENT}; exec sleep 20", "bicep does not have the registry's modules within 0.5 seconds"),
        (f'{CURRENT}; [ "$1" = restore ]', ""),
    ],
    ids=["none", "old", "broken", "not restored", "slow", "fit"],
)
def test_a_compiler_that_cannot_fetch_the_modules_counts_as_none(
    script: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told why, within the limit that is given; templates with an error in them are no reason."""
    if script is not None:
        (tmp_path / "bicep").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bicep").chmod(0o755)
    (tmp_path / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(tmp_path))

    found = missing(0.5 if "0.5" in said else 60)

    assert said in found
    assert bool(said) == bool(found)
