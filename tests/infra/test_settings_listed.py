"""The lists of settings, in the sample file and in the README, are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.settings import NAMES, read_settings

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]


def test_the_sample_lists_every_setting() -> None:
    """Besides those of the app, it has only two for the host: which worker to start, and no welcome page."""
    expected = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsDisableHomepage", *NAMES}

    assert expected == SAMPLE.keys()


def test_the_unchanged_sample_writes_no_comments() -> None:
    """An app that is started with it leaves incidents as they are."""
    settings = read_settings({**SAMPLE, "WEBSITE_HOSTNAME": "localhost:7071"})

    assert settings.comments == "off"


def test_the_readme_lists_every_setting() -> None:
    """Its table of settings has a row for each setting, and no other rows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^#+ Settings\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)

    assert section is not None

    first_cells = re.findall(r"^\| *(`[^|]*)\|", section[1], re.MULTILINE)
    listed = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(NAMES) == sorted(listed)


@pytest.mark.fault(
    "H10", before="the root of the app showed Azure's welcome page: nothing set AzureWebJobsDisableHomepage"
)
def test_the_root_shows_no_welcome_page() -> None:
    """
    On a developer's machine AzureWebJobsDisableHomepage is true; deployed, too (the law of settings).

    "App settings reference for Azure Functions", Microsoft Learn: it is false by default.
    """
    assert "true" == SAMPLE["AzureWebJobsDisableHomepage"]
