"""Every setting stands wherever settings are listed."""

from __future__ import annotations

import json
import re
from pathlib import Path

from shared.settings import NAMES, read_settings

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]


def test_sample() -> None:
    """The sample lists our settings, all of them, besides the one that tells the host which worker to start."""
    expected = {"FUNCTIONS_WORKER_RUNTIME", *NAMES}

    assert expected == SAMPLE.keys()


def test_sample_is_safe() -> None:
    """An app started with the sample as it is comments on no incident."""
    settings = read_settings({**SAMPLE, "WEBSITE_HOSTNAME": "localhost:7071"})

    assert settings.comments == "off"


def test_readme() -> None:
    """The README's table of settings has a row for each, and for no other."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^#+ Settings\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)

    assert section is not None

    first_cells = re.findall(r"^\| *(`[^|]*)\|", section[1], re.MULTILINE)
    listed = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(NAMES) == sorted(listed)
