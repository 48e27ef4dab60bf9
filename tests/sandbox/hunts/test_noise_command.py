"""`python -m sandbox hunts noise`, as a hunt's author runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.__main__ import main
from shared.catalog.load import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("windows", ["0", "-1", "all"])
def test_no_window_is_refused(windows: str, capsys: pytest.CaptureFixture[str]) -> None:
    """None asked would read as no noise."""
    with pytest.raises(SystemExit):
        main([*FLEET, f"--windows={windows}"])

    assert f"'{windows}' is no whole number from 1" in capsys.readouterr().err


def test_a_file_that_is_no_hunt_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its problem is said, and the exit code is 1: no line must not read as no noise."""
    file = tmp_path / "broken.yaml"
    file.write_text("name: Broken\n", encoding="utf-8")

    assert 1 == main([*FLEET, str(file)])
    assert "broken.yaml" in capsys.readouterr().out
