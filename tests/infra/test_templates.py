"""What can be said of the templates without a compiler; `test_compiled.py` and `test_predicted.py` say the rest."""

from __future__ import annotations

import re

from tests.support.bicep import LEAST
from tests.support.templates import ROOT, TEMPLATES, text


def test_the_app_runs_on_the_pinned_python() -> None:
    """The templates choose Python 3.13, for which the app's requirements pin versions."""
    runtime = re.search(r"name: 'python'\n +version: '([\d.]+)'", text("modules/function-app.bicep"))

    assert runtime is not None
    assert runtime[1] == "3.13"
    assert 'python_version >= "3.13"' in (ROOT / "requirements.in").read_text(encoding="utf-8")


def test_every_resource_version_is_in_the_review() -> None:
    """The review in `infra/README.md` lists resource types by version, modules from the registry, and no others."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    used = set(re.findall(r"'(Microsoft\.[\w./]+@[\w.-]+|br/public:[\w./:-]+)'", everything))
    listed = re.findall(
        r"^\| `(Microsoft\.[\w./]+@[\w.-]+|br/public:[^`]+)` \|", text("README.md"), re.MULTILINE
    )

    assert used == set(listed)


def test_the_workflow_installs_a_compiler_that_the_tests_know() -> None:
    """A version is pinned, so that a red run means a change of ours; it is not older than the tests take."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    pinned = re.findall(r"az bicep install --version v(\d+)\.(\d+)\.\d+$", workflow, re.MULTILINE)

    assert pinned
    assert [] == [version for version in pinned if tuple(map(int, version)) < LEAST]
    assert f"Bicep {LEAST[0]}.{LEAST[1]} or newer" in (ROOT / "Makefile").read_text(encoding="utf-8")
