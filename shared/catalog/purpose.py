"""What a hunt is for and what it needs: its tables, and the products that fill them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.kql.read import read_query
from shared.kql.tables import LOOKUPS, OF_SENTINEL, UNSCOPABLE
from shared.model.hunt import FAMILIES

if TYPE_CHECKING:
    from shared.model.hunt import Hunt

_ENDPOINT = "Microsoft Defender for Endpoint Plan 2"
_VULNERABILITIES = "Microsoft Defender Vulnerability Management"
_OFFICE = "Microsoft Defender for Office 365 Plan 2"
_IDENTITY = "Microsoft Defender for Identity"
_CLOUD_APPS = "Microsoft Defender for Cloud Apps"
_CLOUD = "Microsoft Defender for Cloud"
_ENTRA = "Microsoft Entra ID P2"
_SENTINEL = "Microsoft Sentinel in the Defender portal"
_ANY = "any Defender product"
_UNKNOWN = "a product that Microsoft does not name"

_BY_NAME = {
    "AADSignInEventsBeta": _ENTRA,
    "AADSpnSignInEventsBeta": _ENTRA,
    "AlertEvidence": _ANY,
    "AlertInfo": _ANY,
    "BehaviorEntities": _CLOUD_APPS,
    "BehaviorInfo": _CLOUD_APPS,
    "CampaignInfo": _OFFICE,
    "CloudAppEvents": _CLOUD_APPS,
    "CloudAuditEvents": _CLOUD,
    "CloudDnsEvents": _CLOUD,
    "CloudProcessEvents": _CLOUD,
    "CloudStorageAggregatedEvents": _CLOUD,
    "DataSecurityBehaviors": "Microsoft Purview",
    "DataSecurityEvents": "Microsoft Purview",
    "DeviceBaselineComplianceAssessment": _VULNERABILITIES,
    "DeviceBaselineComplianceAssessmentKB": _VULNERABILITIES,
    "DeviceBaselineComplianceProfiles": _VULNERABILITIES,
    "DeviceTvmBrowserExtensions": _VULNERABILITIES,
    "DeviceTvmBrowserExtensionsKB": _VULNERABILITIES,
    "DeviceTvmCertificateInfo": _VULNERABILITIES,
    "DeviceTvmHardwareFirmware": _VULNERABILITIES,
    "DisruptionAndResponseEvents": _ANY,
    "EntraIdSignInEvents": _ENTRA,
    "EntraIdSpnSignInEvents": _ENTRA,
    "FileMaliciousContentInfo": _OFFICE,
    "IdentityInfo": f"{_IDENTITY}, or {_SENTINEL} with UEBA",
    "IdentityLogonEvents": f"{_IDENTITY}, and {_CLOUD_APPS} for sign-ins to online services",
    "OAuthAppInfo": f"{_CLOUD_APPS} (app governance)",
    "UrlClickEvents": _OFFICE,
}
#: How names of tables begin: all tables with such a name that have none of their own above.
_BY_BEGINNING = {
    "Device": _ENDPOINT,
    "Email": _OFFICE,
    "ExposureGraph": _ANY,
    "IdentityDirectoryEvents": _IDENTITY,
    "IdentityEvents": _IDENTITY,
    "IdentityQueryEvents": _IDENTITY,
    "Message": _OFFICE,
}
_KINDS = {
    "device": "devices",
    "ip": "IP addresses",
    "url": "URLs",
    "domain": "domains",
    "fileHash": "file hashes",
}
_FAMILY = {"windows": "Windows"}


class Need(NamedTuple):
    """A product, and the tables of a hunt that it fills."""

    product: str
    tables: tuple[str, ...]


def product_of(table: str) -> str:
    """
    Return the product that has to be licensed and deployed for a table to have rows, in words.

    From the table's own page in Microsoft's Advanced Hunting schema reference, which says whose records fill it. Advanced
    Hunting needs Plan 2 of Defender for Endpoint (Defender for Servers has it, Defender for Business does not) and of
    Defender for Office 365; all of Defender's products but that for Cloud are part of Microsoft 365 E5.
    """
    if table in OF_SENTINEL:
        return _SENTINEL
    beginning = next((each for each in _BY_BEGINNING if table.startswith(each)), "")
    return _BY_NAME.get(table) or _BY_BEGINNING.get(beginning, _UNKNOWN)


def tables_of(hunt: Hunt) -> tuple[str, ...]:
    """Return the tables that a hunt reads; where its query does not say for certain which, those that it names."""
    return _tables(hunt.query, scoped=hunt.entity == "device")


def needs_of(hunt: Hunt) -> tuple[Need, ...]:
    """Return the products that fill a hunt's tables, each with the tables."""
    by_product: dict[str, list[str]] = {}
    for table in tables_of(hunt):
        by_product.setdefault(product_of(table), []).append(table)
    return tuple(Need(product, tuple(tables)) for product, tables in by_product.items())


def entities(hunt: Hunt) -> tuple[str, ...]:
    """Return what a hunt is for, a word for each: `devices`, `IP addresses`."""
    return tuple(_KINDS.get(kind, kind) for kind in (hunt.kinds or (hunt.entity,)))


def systems(hunt: Hunt) -> tuple[str, ...]:
    """Return the systems that a hunt is for, by family, each once; none where it is for all."""
    found = {}
    for platform in hunt.applies_to.os_platform:
        family = next((each for each in FAMILIES if platform.lower().startswith(each)), "")
        found[family or platform.lower()] = _FAMILY.get(family, platform)
    return tuple(found.values())


def purpose(hunt: Hunt) -> str:
    """Return what a hunt is for, in words: `Linux or macOS devices (server)`, `IP addresses, URLs`."""
    applies = hunt.applies_to
    types = f" ({' or '.join(applies.device_type).lower()})" if applies.device_type else ""
    return f"{' or '.join(applies.os_platform)} {', '.join(entities(hunt))}{types}".strip()


@lru_cache(maxsize=1024)
def _tables(query: str, *, scoped: bool) -> tuple[str, ...]:
    reading = read_query(query, scoped=scoped)
    if reading.reads is not None:
        return tuple(sorted(reading.reads))
    return tuple(sorted({*reading.tables, *((LOOKUPS | UNSCOPABLE) & reading.names)}))
