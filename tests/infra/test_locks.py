"""The locks: what is deployed, the sandbox and the checks are installed from, each package by version and hash."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra import lock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements", "sandbox/requirements", "sandbox/worker", "requirements-dev", ".ci/node")
SYSTEMS = {"Linux": ("linux", "posix"), "Darwin": ("darwin", "posix"), "Windows": ("win32", "nt")}
#: What markers ask for, where Python 3.11 to 3.13 runs on the three systems.
ENVIRONMENTS = [
    {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "platform_system": name,
        "sys_platform": platform,
        "os_name": kind,
    }
    for minor, (name, (platform, kind)) in product((11, 12, 13), SYSTEMS.items())
]


@pytest.fixture(params=ENVIRONMENTS, ids=lambda each: f"{each['python_version']}-{each['platform_system']}")
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """What a marker finds on one Python and system."""
    return request.param


def wanted(name: str) -> list[Requirement]:
    """Return what a `.in` file names, without the files that constrain it."""
    lines = (ROOT / f"{name}.in").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-c "))]


def locked(name: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the version of each package that a lock installs in *environment*. Fails where one has two."""
    counted = [each for each in lock.read(ROOT / f"{name}.txt") if each.counts_in(environment)]
    versions = {each.name: each.version for each in counted}

    assert len(counted) == len(versions)
    return versions


@pytest.mark.fault("S1", before="[] == ['azure-functions==1.26.0; …', 15 more items]")
@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_and_a_hash_for_each_of_its_files(name: str) -> None:
    """So pip takes what was tried, or nothing, and a package that is deployed again is the same app."""
    packages = lock.read(ROOT / f"{name}.txt")

    assert packages
    assert [] == [str(each.requirement) for each in packages if not each.version or not each.hashes]
    assert {"sha256"} == {digest.split(":")[0] for each in packages for digest in each.hashes}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_its_source_names(name: str, environment: dict[str, str]) -> None:
    """Whoever changes a `.in` file runs `make lock`; each line of it names one version, and nothing else is there but what they want."""
    versions = locked(name, environment)
    named = [each for each in wanted(name) if not each.marker or each.marker.evaluate(environment)]

    assert {str(each.specifier) for each in named} == {
        f"=={versions[canonicalize_name(each.name)]}" for each in named
    }
    assert versions.keys() - {canonicalize_name(each.name) for each in named} <= {
        each.name for each in lock.read(ROOT / f"{name}.txt") if each.wanted_by
    }


def test_the_locks_agree(environment: dict[str, str]) -> None:
    """They are installed one after the other into one environment: none changes what another one laid."""
    for one, other in combinations((locked(name, environment) for name in LOCKS), 2):
        shared = one.keys() & other.keys()

        assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_machine_and_no_index(name: str) -> None:
    """It is the same wherever it was written. Only wheels count, so that nothing runs before it is installed."""
    lines = (ROOT / f"{name}.txt").read_text("utf-8").splitlines()

    assert ["--only-binary :all:"] == [line for line in lines if line.startswith("-")]
    assert [] == [line for line in lines if re.search(r"://|@ |[ =]/", line)]


def test_each_lock_is_installed_by_itself_and_with_hashes() -> None:
    """One hash makes pip ask for one of everything in the call; and the app's lock comes first, so it is complete."""
    command = ["make", "-n", "VENV=dist/no-such", "dist/no-such/dev.stamp"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    calls = [line for line in printed.splitlines() if "pip install" in line]

    assert [
        ["requirements.txt"],
        ["sandbox/requirements.txt"],
        ["sandbox/worker.txt"],
        ["requirements-dev.txt"],
    ] == [re.findall(r"-r (\S+)", call) for call in calls]
    assert all("--require-hashes" in call for call in calls)


@cache
def homes() -> dict[str, str]:
    """Return, for each module that is installed here, by its dotted name, the package that it came with."""
    found = {}
    for each in importlib.metadata.distributions():
        name = canonicalize_name(each.name)
        for file in map(str, each.files or ()):
            if file.endswith(".py"):
                found[file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")] = name
    return found


def imported() -> Iterator[str]:
    """Yield what the deployed app imports, inside functions and for annotations too; `from a import b` is `a.b`."""
    sources = [path for folder in ("shared", "functions") for path in (ROOT / folder).rglob("*.py")]
    for path in (ROOT / "function_app.py", *sources):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home(module: str) -> str:
    """Return the package that a module, or a name in one, came with: the one of the longest name that is a module."""
    while module not in homes():
        module, dot, _ = module.rpartition(".")
        assert dot, "no package has it"
    return homes()[module]


@pytest.mark.fault("S2", before="set() == {'azure-core', 'httpx', 'microsoft-kiota-http', 'msgraph-core', …}")
def test_the_app_imports_only_what_it_pins_itself() -> None:
    """What comes with another package could go with it, or change its ways, without a line of ours."""
    ours = {"shared", "functions", "function_app", *sys.stdlib_module_names}
    used = {home(module) for module in imported() if module.partition(".")[0] not in ours}
    pinned = {canonicalize_name(each.name) for each in wanted("requirements")}

    assert set() == used - pinned
    # httpcore looks for it at each call, and looking in vain takes 0.6 ms.
    assert {"sniffio"} == pinned - used


def test_design_says_why_the_app_has_each_of_its_packages() -> None:
    """Under its own heading, by the name that pip knows it by."""
    reasons = (ROOT / "DESIGN.md").read_text("utf-8").split("## Dependencies of the deployed app")[1]

    assert [] == [each.name for each in wanted("requirements") if each.name not in reasons]
