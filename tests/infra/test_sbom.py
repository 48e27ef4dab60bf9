"""The bill of materials: it lists all that the lock lists, is CycloneDX, and is the same each time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cyclonedx.schema
import jsonschema_rs
import pytest

from infra import lock, sbom
from shared.version import VERSION

ROOT = Path(__file__).parents[2]
RELEASED = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the place of the zip that is deployed."""
    path = tmp_path_factory.mktemp("dist") / "outrider.zip"
    path.write_bytes(b"a package")
    return path


@pytest.fixture(scope="module")
def bill(package: Path) -> dict[str, Any]:
    """The bill of the app, as a release has it."""
    sbom.write(package.with_name("bill.json"), package=package, when=RELEASED)
    return json.loads(package.with_name("bill.json").read_bytes())


def test_all_that_the_lock_lists_is_there(bill: dict[str, Any]) -> None:
    """By name, version and address, with the hashes of all its files, for every Python that the lock is for."""
    packages = lock.read(ROOT / "requirements.txt")
    listed = {
        (each["name"], each["version"], each["purl"]): {found["content"] for found in each["hashes"]}
        for each in bill["components"]
    }

    assert len(packages) == len(bill["components"])
    assert listed == {
        (each.name, each.version, f"pkg:pypi/{each.name}@{each.version}"): {
            digest.removeprefix("sha256:") for digest in each.hashes
        }
        for each in packages
    }


def test_the_app_is_named_with_its_version_package_and_day(bill: dict[str, Any], package: Path) -> None:
    """Whoever has the zip finds by its hash whether the bill is its own."""
    app = bill["metadata"]["component"]

    assert ("outrider", VERSION, "application") == (app["name"], app["version"], app["type"])
    assert [{"alg": "SHA-256", "content": sbom.digest(package)}] == app["hashes"]
    assert RELEASED == datetime.fromisoformat(bill["metadata"]["timestamp"])


def test_it_says_what_wants_what(bill: dict[str, Any]) -> None:
    """The app wants what requirements.in names; that wants the rest; and nothing is there that nothing wants."""
    wants = {each["ref"]: set(each.get("dependsOn", ())) for each in bill["dependencies"]}
    direct = {each.partition("@")[0] for each in wants["outrider"]}

    assert {"pkg:pypi/msgraph-sdk", "pkg:pypi/httpx", "pkg:pypi/azure-functions"} <= direct
    assert "pkg:pypi/aiohttp" not in direct
    [sdk] = [wanted for ref, wanted in wants.items() if ref.startswith("pkg:pypi/msgraph-sdk@")]
    assert {"pkg:pypi/msgraph-core", "pkg:pypi/azure-identity"} <= {each.partition("@")[0] for each in sdk}
    assert wants.keys() - {"outrider"} == set().union(*wants.values())


def test_what_is_locked_for_some_pythons_says_for_which(bill: dict[str, Any]) -> None:
    """Azure Functions has a line of versions for Python 3.13, and one for those before."""
    found = [each for each in bill["components"] if each["name"] == "azure-functions"]

    assert [["outrider:marker"], ["outrider:marker"]] == [
        [each["name"] for each in one["properties"]] for one in found
    ]
    assert {'python_full_version < "3.13"', 'python_full_version >= "3.13"'} == {
        each["value"] for one in found for each in one["properties"]
    }


def test_it_is_valid_by_the_schema_of_cyclonedx(bill: dict[str, Any]) -> None:
    """The schema comes with the library that writes it."""
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    read = {path.name: json.loads(path.read_bytes()) for path in folder.glob("*.schema.json")}
    known = [(f"http://cyclonedx.org/schema/{name}", schema) for name, schema in read.items()]
    schema = read["bom-1.6.SNAPSHOT.schema.json"]
    validator = jsonschema_rs.validator_for(schema, registry=jsonschema_rs.Registry(known))

    assert [] == [error.message for error in validator.iter_errors(bill)]
    assert "1.6" == bill["specVersion"]


def test_the_same_lock_makes_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """No time of the call and no random number is in it."""
    for name in ("one.json", "two.json"):
        sbom.write(tmp_path / name, package=package)

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert "timestamp" not in json.loads((tmp_path / "one.json").read_bytes())["metadata"]
