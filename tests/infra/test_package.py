"""The deployment package: it has what the app needs and nothing else, is reproducible, and works."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from infra import installed, package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a package that was built from the sources as they are."""
    target = tmp_path_factory.mktemp("dist") / "outrider.zip"
    package.build(target)
    return target


def test_the_package_holds_the_app_and_nothing_else(built: Path) -> None:
    """That is its modules and hunts, and what the host and the remote build read; no sandbox and no tests."""
    names = set(package.weights(built))
    top = {name.split("/")[0] for name in names}
    sources = {
        path.relative_to(ROOT).as_posix()
        for folder in ("functions", "shared")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
        # What a hunt's author and editor need, the app does not.
        if not path.name.endswith((".cases", ".schema.json"))
    }

    assert {"function_app.py", "host.json", "requirements.txt", "functions", "shared"} == top
    assert sources == names - {"function_app.py", "host.json", "requirements.txt"}


def test_the_package_without_its_hunts_and_hashes_is_under_450_kilobytes(built: Path) -> None:
    """It must stay small, because a cold start reads it; hunts, a kilobyte each, may be as many as there are."""
    weights = package.weights(built)
    apart = [
        weight
        for name, weight in weights.items()
        if name.startswith("shared/hunts/") or name == "requirements.txt"
    ]

    assert len(apart) > 1
    assert built.stat().st_size - sum(apart) < 450_000


def test_the_same_sources_make_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """The times at which the files were written do not matter."""
    copy = tmp_path / "copy"
    with zipfile.ZipFile(built) as opened:
        opened.extractall(copy)
    (copy / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    (copy / "function_app.py").touch()
    package.build(tmp_path / "again.zip", copy)

    assert built.read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_funcignore_is_read_as_git_reads_it(tmp_path: Path) -> None:
    """It can name a folder with all below it, a pattern at any depth, and an exception."""
    (tmp_path / ".funcignore").write_text(".*\n/sandbox/\n*.md\n!KEEP.md\n")
    for name in (
        "app.py",
        "sandbox/host.py",
        "shared/sandbox/kept.py",
        "a/README.md",
        "a/KEEP.md",
        ".git/config",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    package.build(tmp_path / "dist.zip", tmp_path)

    assert {"a/KEEP.md", "app.py", "shared/sandbox/kept.py"} == set(package.weights(tmp_path / "dist.zip"))


def test_required_packages_are_those_of_the_lock() -> None:
    """The heaviest comes first, and what only the sandbox needs is not among them."""
    required = installed.sizes(ROOT / "requirements.txt")

    assert next(iter(required)) == "msgraph-sdk"
    assert {"azure-core", "opentelemetry-sdk", "httpx"} <= required.keys()
    assert "duckdb" not in required


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("tenacity==1.0", r"tenacity==1\.0 is wanted, and \S+ is installed"),
        ("no-such==1.0", r"no-such==1\.0 is wanted, and not installed"),
    ],
)
def test_an_environment_that_is_not_the_locks_is_told(tmp_path: Path, pin: str, problem: str) -> None:
    """What stands in the lock is not what is here, so nothing that is measured here would be true of it."""
    (tmp_path / "lock.txt").write_text(f"{pin} \\\n    --hash=sha256:0\n")

    with pytest.raises(installed.NotInstalled, match=problem):
        installed.sizes(tmp_path / "lock.txt")


def test_the_unpacked_package_enriches_an_incident(built: Path) -> None:
    """Without the rest of the project, it starts in the local host, is healthy and does a run."""
    package.check(built)


def without(built: Path, target: Path, name: str, *, part: str = "") -> Path:
    """Write the package to *target* without the file *name*, or without what *part* matches in it."""
    with zipfile.ZipFile(built) as whole, zipfile.ZipFile(target, "w") as broken:
        for each in whole.namelist():
            if each != name:
                broken.writestr(each, whole.read(each))
            elif part:
                kept, count = re.subn(part, "", whole.read(each).decode(), flags=re.DOTALL | re.MULTILINE)
                assert count == 1
                broken.writestr(each, kept)
    return target


def test_a_package_without_a_module_is_not_fit(built: Path, tmp_path: Path) -> None:
    """The check ends when the app does, says why, and does not find the missing module in the project instead."""
    broken = without(built, tmp_path / "broken.zip", "shared/kql/write.py")

    with pytest.raises(package.PackageFailed) as error:
        package.check(broken)

    assert re.match(r"/api/health: the process ended \(\d+\)", str(error.value))
    assert re.search(r"cannot import name 'write'|No module named 'shared.kql.write'", str(error.value))


@pytest.mark.fault("S3", before="the package was fit, by the tenacity of the development environment")
def test_a_package_whose_requirements_lack_one_is_not_fit(built: Path, tmp_path: Path) -> None:
    """The app gets what its own requirements.txt names, and no package that is only here for other reasons."""
    broken = without(built, tmp_path / "broken.zip", "requirements.txt", part=r"^tenacity==.*?(?=^[a-z])")

    with pytest.raises(package.PackageFailed, match="No module named 'tenacity'"):
        package.check(broken)


def test_make_package_builds_into_an_ignored_folder() -> None:
    """`make package` writes to dist/, which is listed in .gitignore."""
    printed = subprocess.run(
        ["make", "-n", "package"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "python -m infra.package dist/outrider.zip" in printed
    assert "dist/" in (ROOT / ".gitignore").read_text().splitlines()
