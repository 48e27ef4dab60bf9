"""The workflows: they have the rights that they need, run what can be named by its hash, and all pins are watched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements", "sandbox/requirements", "sandbox/worker", "requirements-dev", ".ci/node")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One workflow, as GitHub reads it."""
    # YAML 1.1 reads "on" as true.
    return yaml.safe_load(request.param.read_text("utf-8").replace("\non:\n", '\n"on":\n'))


def test_actions_are_pinned_to_commits(workflow: dict[str, Any]) -> None:
    """A tag can be moved, a commit cannot."""
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]

    assert used
    assert [] == [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)]


def test_jobs_have_the_rights_that_they_name_and_no_others(workflow: dict[str, Any]) -> None:
    """Whatever the repository's default is; and what a job checks out holds no token afterwards."""
    jobs = workflow["jobs"].values()
    checkouts = [step for job in jobs for step in job["steps"] if "checkout@" in step.get("uses", "")]

    assert {} == workflow["permissions"]
    assert all("permissions" in job and "timeout-minutes" in job for job in jobs)
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_nothing_of_an_event_is_written_into_a_script(workflow: dict[str, Any]) -> None:
    """Its texts are their authors': a script reads them from its environment, as data."""
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]

    assert [] == [script for script in scripts if "${{" in script]


def test_what_signs_and_publishes_installs_nothing(workflow: dict[str, Any]) -> None:
    """A package that is not what it seems meets no right but that of reading the sources."""
    trusted = [job for job in workflow["jobs"].values() if "write" in job["permissions"].values()]
    steps = [step for job in trusted for step in job["steps"]]

    assert [] == [step for step in steps if re.search(r"checkout@|setup-", step.get("uses", ""))]
    assert [] == [step for step in steps if re.search(r"\b(make|pip|npm|az)\b", step.get("run", ""))]


def test_a_tag_makes_the_release_that_the_make_target_makes() -> None:
    """The workflow adds the provenance of each file, and nothing else to them."""
    text = (ROOT / ".github/workflows/release.yml").read_text("utf-8")

    assert '- run: make release TAG="$GITHUB_REF_NAME"\n' in text
    assert "subject-path: release/*\n" in text
    assert " notes.md release/*\n" in text


def test_every_workflow_installs_the_same_bicep() -> None:
    """What is released was compiled by the compiler that the checks had."""
    texts = [path.read_text("utf-8") for path in WORKFLOWS]
    versions = {found for text in texts for found in re.findall(r"az bicep install(.*)", text)}

    assert {" --version v0.49.2"} == versions


def test_known_weaknesses_are_looked_for_without_a_change_of_ours() -> None:
    """CI asks for them at each change and once a week, by the pip-audit of the lock."""
    ci = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")

    assert "- run: make audit\n" in ci
    assert "  schedule:\n    - cron:" in ci


def test_every_pin_is_watched() -> None:
    """Dependabot reads the locks, from the root one folder down, each package.json, and the workflows."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))["updates"]
    watched = {
        each["package-ecosystem"]: each.get("directories", [each.get("directory")]) for each in updates
    }
    locks = re.findall(r"call LOCK,[\d.]+,([^)]+)\)", (ROOT / "Makefile").read_text("utf-8"))
    packages = ROOT.glob("*/*/package.json")

    assert {"uv", "npm", "github-actions"} == watched.keys()
    assert ["/"] == watched["uv"]
    assert {*LOCKS} == {*locks}
    assert all(name.count("/") <= 1 for name in locks)
    assert {f"/{path.parent.relative_to(ROOT).as_posix()}" for path in packages} == {*watched["npm"]}
