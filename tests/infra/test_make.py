"""What make asks of pytest where tools are missing."""

from __future__ import annotations

import re
import subprocess

import pytest
from _pytest.mark.expression import Expression

from tests.support.deployed import ROOT

TOOLS = {
    "node": "HAS_NODE", "browser": "HAS_CHROMIUM", "azurite": "HAS_AZURITE", "bicep": "HAS_BICEP", "powershell": "HAS_POWERSHELL",
}  # fmt: skip


@pytest.mark.parametrize(
    "missing", [set(), {"powershell"}, {"bicep", "powershell"}, {"node", "azurite"}, {*TOOLS}], ids=len
)
def test_what_needs_a_missing_tool_is_left_out_and_nothing_else(missing: set[str]) -> None:
    """However many tools are missing, pytest is given an expression that it can read."""
    has = [f"{variable}={'' if tool in missing else 'yes'}" for tool, variable in TOOLS.items()]
    command = ["make", "--dry-run", "--always-make", "suite", *has]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (asked,) = re.findall(r'pytest .* -m "(.*)"', said)
    left = {
        tool
        for tool in TOOLS
        if asked and not Expression.compile(asked).evaluate(lambda mark, *_, tool=tool, **__: mark == tool)
    }

    assert missing == left
    assert not asked or Expression.compile(asked).evaluate(lambda mark, **_: mark == "fault")
