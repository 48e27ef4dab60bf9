"""`python -m sandbox hunts noise`, as a hunt's author runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.__main__ import main
from shared.catalog.load import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FLEET = ["hunts", "noise", "--devices", "40", "--days", "1"]


def test_it_says_what_a_hunt_returns_and_finds(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a hunt, and the intrusions that none finds; baselines are no findings, and are left out."""
    (file,) = SHIPPED.rglob("archive-then-upload.yaml")
    (baseline,) = SHIPPED.rglob("linux-server-egress-baseline.yaml")

    assert 0 == main([*FLEET, str(file), str(baseline)])
    shown = capsys.readouterr().out
    (line,) = (text for text in shown.splitlines() if text.startswith("archive-then-upload"))
    assert "exfiltration" == line.split()[-1]
    assert "linux-server-egress-baseline" not in shown
    assert "\nFound by none of them: download, miner, ransom, spread, stealer, webshell, windows\n" in shown


def test_a_file_that_is_no_hunt_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its problem is said, and the exit code is 1: no line must not read as no noise."""
    file = tmp_path / "broken.yaml"
    file.write_text("name: Broken\n", encoding="utf-8")

    assert 1 == main([*FLEET, str(file)])
    assert "broken.yaml" in capsys.readouterr().out
