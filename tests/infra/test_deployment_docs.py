"""DEPLOYMENT.md and azure.yaml say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from shared import settings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "DEPLOYMENT.md").read_text("utf-8")
MAIN = (ROOT / "infra" / "main.bicep").read_text("utf-8")
PARAMETERS = (ROOT / "infra" / "main.bicepparam").read_text("utf-8")


def test_azd() -> None:
    """Azd packages this folder as the function app that carries its service's name, with a version that honours .funcignore."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    tags = re.findall(
        r"'azd-service-name': '(\w+)'", (ROOT / "infra/modules/function-app.bicep").read_text("utf-8")
    )
    service = {"project": ".", "host": "function", "language": "python", "remoteBuild": True}

    assert dict.fromkeys(tags, service) == project["services"]
    assert {"azd": ">= 1.18.0"} == project["requiredVersions"]
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()


def test_guide_names() -> None:
    """Every parameter and output that the guide names is one of main.bicep, every setting one of the app's."""
    known = set(re.findall(r"^(?:param|output) (\w+)", MAIN, re.MULTILINE))
    named = set(re.findall(r"`([a-z]+[A-Z]\w*)`", GUIDE)) | set(re.findall(r"<([a-z]+[A-Z]\w*)>", GUIDE))
    screaming = set(re.findall(r"`([A-Z]+_?[A-Z_]+)`", GUIDE)) - set(re.findall(r"OUTRIDER_\w+", GUIDE))

    assert set() == named - known
    assert set() == screaming - set(settings.NAMES)


def test_guide_variables() -> None:
    """The guide names every variable that main.bicepparam reads, beside its parameter, and no other."""
    read = dict(re.findall(r"param (\w+) = .*?'(OUTRIDER_\w+)'", PARAMETERS))
    listed = dict(re.findall(r"^\| `(OUTRIDER_\w+)` \| `(\w+)` \|", GUIDE, re.MULTILINE))

    assert {variable: name for name, variable in read.items()} == listed
    assert set(listed) == set(re.findall(r"OUTRIDER_\w+", GUIDE))


def test_guide_files() -> None:
    """Every file of the project that the guide links to or runs is there, and so is every heading it points at."""
    links = re.findall(r"\]\((?!https:)([^)#]*)(?:#([\w-]+))?\)", GUIDE)
    files = {path for path, _ in links if path} | set(re.findall(r"\binfra/[\w./-]+\.\w+", GUIDE))
    headings = {
        re.sub(r"[^\w -]", "", line).strip().replace(" ", "-").lower()
        for line in re.findall(r"^#+ (.+)", GUIDE, re.MULTILINE)
    }

    assert [] == [path for path in sorted(files) if not (ROOT / path).is_file()]
    assert set() == {heading for path, heading in links if heading and not path} - headings


def test_guide_cost() -> None:
    """The arithmetic of the guide's example is right."""
    seconds = 2 * (43_200 + 1_500 * 20)

    assert 60 * 24 * 30 == 43_200
    assert f"= {seconds:,} GB-s; {seconds - 100_000:,} of them paid" in GUIDE
    assert f"= ${(seconds - 100_000) * 0.000026:.2f}" in GUIDE
    assert f"43,200 + 1,500 × 8 = {43_200 + 1_500 * 8:,} executions" in GUIDE
    assert f"6 × 1,296,000 = {6 * 1_296_000:,}" in GUIDE
