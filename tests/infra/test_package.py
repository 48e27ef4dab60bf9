"""The package: what is deployed and nothing else, the same each time, and able to do its work."""

from __future__ import annotations

import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from infra import package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the sources as they are."""
    target = tmp_path_factory.mktemp("dist") / "outrider.zip"
    package.build(target)
    return target


def test_contents(built: Path) -> None:
    """It holds the app's modules and hunts, with what the host and the remote build read; no sandbox, no test."""
    names = set(package.weights(built))
    top = {name.split("/")[0] for name in names}
    sources = {
        path.relative_to(ROOT).as_posix()
        for folder in ("functions", "shared")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {"function_app.py", "host.json", "requirements.txt", "functions", "shared"} == top
    assert sources == names - {"function_app.py", "host.json", "requirements.txt"}


def test_small(built: Path) -> None:
    """It stays small: a cold start reads it."""
    assert built.stat().st_size < 300_000


def test_reproducible(built: Path, tmp_path: Path) -> None:
    """The same sources make the same bytes, whenever they were written."""
    copy = tmp_path / "copy"
    with zipfile.ZipFile(built) as opened:
        opened.extractall(copy)
    (copy / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    (copy / "function_app.py").touch()
    package.build(tmp_path / "again.zip", copy)

    assert built.read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_ignored(tmp_path: Path) -> None:
    """`.funcignore` is read as Git reads such files: a folder with all below it, a pattern anywhere, an exception."""
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


def test_requirements() -> None:
    """The weight of what Azure adds counts requirements with all they draw in, and none for another Python."""
    required = package.required()

    assert next(iter(required)) == "msgraph-sdk"
    assert {"azure-core", "opentelemetry-sdk", "httpx"} <= required.keys()
    assert "duckdb" not in required


def test_works(built: Path) -> None:
    """Unpacked, on its own, it starts in the local host, is healthy, and enriches an incident."""
    package.check(built)


def test_unfit(built: Path, tmp_path: Path) -> None:
    """A package that lacks a module is not fit to be deployed, also where that module lies beside it."""
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(built) as whole, zipfile.ZipFile(broken, "w") as part:
        for name in whole.namelist():
            if name != "shared/kql/write.py":
                part.writestr(name, whole.read(name))
    started = time.monotonic()

    with pytest.raises(
        package.NotFit, match=r"cannot import name 'write'|No module named 'shared.kql.write'"
    ):
        package.check(broken)

    assert time.monotonic() - started < 20


def test_make() -> None:
    """`make package` builds it where Git does not look."""
    printed = subprocess.run(
        ["make", "-n", "package"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "python -m infra.package dist/outrider.zip" in printed
    assert "dist/" in (ROOT / ".gitignore").read_text().splitlines()
