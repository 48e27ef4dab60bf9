"""
Write the bill of materials of the deployed app: all that its lock names, with versions, hashes, and what wants what.

    python -m infra.sbom dist/outrider.cdx.json

It is CycloneDX 1.6, as JSON. The same lock makes the same file, byte for byte. A package that is locked twice, for
two ranges of Python, is there twice; the property `outrider:marker` says for which.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from shared.version import VERSION

from . import lock

if TYPE_CHECKING:
    from datetime import datetime

ROOT = Path(__file__).parent.parent
_APP = "outrider"


def write(
    target: Path,
    *,
    source: Path = ROOT / "requirements.txt",
    package: Path | None = None,
    when: datetime | None = None,
) -> None:
    """
    Write the bill of the lock *source* to *target*, whose folder is made if it is missing.

    The app's own hash in it is that of *package*, the zip that is deployed; *when* is the time of the release.
    """
    packages = lock.read(source)
    components = {each: _component(each) for each in packages}
    app = Component(
        type=ComponentType.APPLICATION,
        bom_ref=_APP,
        name=_APP,
        version=VERSION,
        licenses=[LicenseFactory().make_with_expression("MIT")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest(package))] if package else (),
    )
    metadata = BomMetaData(component=app, tools=ToolRepository(components=[this_component()]))
    metadata.timestamp = when  # not that of the call, which would be another each time
    seed = f"{VERSION} {when} {digest(package) if package else ''} {digest(source)}"
    bom = Bom(
        components=components.values(), metadata=metadata, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, seed)
    )
    bom.register_dependency(app, [components[each] for each in packages if each.direct])
    for wanting in packages:
        wanted = [components[each] for each in packages if wanting.name in each.wanted_by]
        bom.register_dependency(components[wanting], wanted)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def digest(file: Path) -> str:
    """Return the SHA-256 of *file*, in hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _component(package: lock.Locked) -> Component:
    link = PackageURL("pypi", name=package.name, version=package.version)
    marker = package.requirement.marker
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=link.to_string(),
        name=package.name,
        version=package.version,
        purl=link,
        hashes=[
            HashType(alg=HashAlgorithm.SHA_256, content=each.removeprefix("sha256:"))
            for each in package.hashes
        ],
        properties=[Property(name="outrider:marker", value=str(marker))] if marker else (),
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
