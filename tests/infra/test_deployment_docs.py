"""DEPLOYMENT.md and azure.yaml agree with the templates, the settings and the project's files."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from shared import settings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "DEPLOYMENT.md").read_text("utf-8")
MAIN = (ROOT / "infra" / "main.bicep").read_text("utf-8")
PARAMETERS = (ROOT / "infra" / "main.bicepparam").read_text("utf-8")


def test_azd_deploys_this_folder_as_the_function_app() -> None:
    """The service is named as the template tags the app, and azd must be new enough to read .funcignore."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    tags = re.findall(
        r"'azd-service-name': '(\w+)'", (ROOT / "infra/modules/function-app.bicep").read_text("utf-8")
    )
    service = {"project": ".", "host": "function", "language": "python", "remoteBuild": True}

    assert dict.fromkeys(tags, service) == project["services"]
    assert {"azd": ">= 1.23.13"} == project["requiredVersions"]
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()


def test_the_guide_names_only_what_exists() -> None:
    """Parameters and outputs that it names are in main.bicep, and settings are settings of the app."""
    known = set(re.findall(r"^(?:param|output) (\w+)", MAIN, re.MULTILINE))
    named = set(re.findall(r"`([a-z]+[A-Z]\w*)`", GUIDE)) | set(re.findall(r"<([a-z]+[A-Z]\w*)>", GUIDE))
    screaming = set(re.findall(r"`([A-Z]+_?[A-Z_]+)`", GUIDE)) - set(re.findall(r"OUTRIDER_\w+", GUIDE))

    assert set() == named - known
    assert set() == screaming - set(settings.NAMES)


def test_the_guide_lists_every_variable_of_the_parameter_file() -> None:
    """Each stands beside its parameter, and the guide names no other variable."""
    read = dict(re.findall(r"param (\w+) = .*?'(OUTRIDER_\w+)'", PARAMETERS))
    listed = dict(re.findall(r"^\| `(OUTRIDER_\w+)` \| `(\w+)` \|", GUIDE, re.MULTILINE))

    assert {variable: name for name, variable in read.items()} == listed
    assert set(listed) == set(re.findall(r"OUTRIDER_\w+", GUIDE))


def test_every_file_and_heading_the_guide_links_exists() -> None:
    """So does every file below infra/ that it mentions or runs."""
    links = re.findall(r"\]\((?!https:)([^)#]*)(?:#([\w-]+))?\)", GUIDE)
    files = {path for path, _ in links if path} | set(re.findall(r"\binfra/[\w./-]+\.\w+", GUIDE))
    headings = {
        re.sub(r"[^\w -]", "", line).strip().replace(" ", "-").lower()
        for line in re.findall(r"^#+ (.+)", GUIDE, re.MULTILINE)
    }

    assert [] == [path for path in sorted(files) if not (ROOT / path).is_file()]
    assert set() == {heading for path, heading in links if heading and not path} - headings


def test_the_arithmetic_of_the_cost_example_is_right() -> None:
    """The seconds, executions and dollars in the guide are calculated again here."""
    seconds = 2 * (43_200 + 1_500 * 20)

    assert 60 * 24 * 30 == 43_200
    assert f"= {seconds:,} GB-s; {seconds - 100_000:,} of them paid" in GUIDE
    assert f"= ${(seconds - 100_000) * 0.000026:.2f}" in GUIDE
    assert f"43,200 + 1,500 × 8 = {43_200 + 1_500 * 8:,} executions" in GUIDE
    polls = 6 * 60 * 60 * 24 * 30 * 10 // 4
    assert '"maxPollingInterval": "00:00:00.400"' in (ROOT / "host.json").read_text(encoding="utf-8")
    assert (
        f"6 × {polls // 6:,} = {polls:,} operations: at $0.004 for 10,000, ${polls * 0.004 / 10_000:.2f}"
        in GUIDE
    )
