"""What is known of an ordinary fleet: people, weaknesses, settings and certificates, and that they fit what happens in it."""

from __future__ import annotations

import pytest

from sandbox.telemetry.engine import Engine
from shared.catalog.load import load_hunts
from shared.kql.write import fleet_query
from tests.support.ordinary import END, hunt


def devices_and_most(engine: Engine, name: str) -> tuple[int, int]:
    """Return for how many devices a shipped hunt has rows, and how many it has for one at most."""
    chosen = load_hunts().by_name[name]
    counts = dict[str, int]()
    for row in hunt(engine, fleet_query(chosen.query, end=END, applies_to=chosen.applies_to)):
        counts[row["DeviceId"]] = counts.get(row["DeviceId"], 0) + 1
    return len(counts), max(counts.values())


@pytest.mark.parametrize(
    "name", ["device-people", "device-vulnerabilities", "device-weak-settings", "macos-new-destinations"]
)
def test_background_of_a_device_is_a_few_rows(ordinary: Engine, name: str) -> None:
    """Some devices have something to show, none of them a page of it."""
    devices, most = devices_and_most(ordinary, name)

    assert 0 < devices < 100
    assert most <= 10


def test_whoever_signs_in_to_windows_is_known(ordinary: Engine) -> None:
    """An account has the SID of one person of this name; one for administration has a job in IT and a role."""
    people = {row["OnPremSid"]: row for row in hunt(ordinary, "IdentityInfo")}
    seen = hunt(
        ordinary,
        "DeviceLogonEvents | where LogonType == 'Interactive' or AccountName startswith 'adm-' | where AccountDomain == 'contoso'",
    )

    assert {row["AccountSid"]: row["AccountName"] for row in seen}.items() <= {
        sid: row["AccountName"] for sid, row in people.items()
    }.items()
    administrators = [row for row in people.values() if row["AccountName"].startswith("adm-")]
    assert {"IT"} == {row["Department"] for row in administrators}
    assert all(row["AssignedRoles"] for row in administrators)


def test_a_program_has_its_makers_certificate(ordinary: Engine) -> None:
    """That of Windows is Microsoft's, in a catalogue; 7-Zip has none, as in life."""
    query = """
    DeviceProcessEvents | where FileName in ("svchost.exe", "7zG.exe", "updater.exe")
    | join kind=inner DeviceFileCertificateInfo on DeviceId, SHA1 | distinct FileName, IsSigned, SignatureType, Signer
    """

    assert {
        ("svchost.exe", 1, "Catalog", "Microsoft Windows"),
        ("updater.exe", 1, "Embedded", "Google LLC"),
        ("7zG.exe", 0, "", ""),
    } == {tuple(row.values()) for row in hunt(ordinary, query)}


def test_what_is_weak_is_in_the_knowledge_base(ordinary: Engine) -> None:
    """A vulnerability has a score, and a setting a name, by the ids that devices have."""
    for table, column in [
        ("DeviceTvmSoftwareVulnerabilities", "CveId"),
        ("DeviceTvmSecureConfigurationAssessment", "ConfigurationId"),
    ]:
        assert hunt(ordinary, f"{table} | take 1")
        assert [] == hunt(ordinary, f"{table} | join kind=leftanti {table}KB on {column}")


def test_copies_follow_the_drive_that_they_go_to(ordinary: Engine) -> None:
    """A stick is mounted before something is copied to it, and unmounted afterwards."""
    query = """
    DeviceEvents | where ActionType == "UsbDriveMounted" and AdditionalFields has "SanDisk" | project DeviceId, Mounted = Timestamp
    | join kind=inner (DeviceEvents | where ActionType == "UsbDriveUnmounted" and AdditionalFields has "SanDisk"
        | project DeviceId, Unmounted = Timestamp) on DeviceId
    | join kind=inner (DeviceFileEvents | where FolderPath startswith @"E:\\talk-") on DeviceId
    | project InBetween = Timestamp > Mounted and Timestamp < Unmounted
    """

    assert {1} == {row["InBetween"] for row in hunt(ordinary, query)}


def test_a_mails_attachment_is_the_file_that_is_saved(ordinary: Engine) -> None:
    """Its hash leads from the mail to the device."""
    query = "EmailAttachmentInfo | where FileName endswith '.pdf' | join kind=inner DeviceFileEvents on SHA256 | where FileName == FileName1"

    assert hunt(ordinary, query)
    assert [] == hunt(ordinary, "EmailAttachmentInfo | where isempty(SHA256)")
