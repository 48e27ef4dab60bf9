"""The tables that hunts read: each is held to the devices by a column that it has, and to the window where it has events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.telemetry.engine import Engine, tables
from shared.kql.batch import batch_query
from shared.kql.read import read_query
from shared.kql.tables import BY_ALERT, BY_NAME, LOOKUPS, NAMELESS, SCOPABLE, STANDING, UNTIMED, WITH_A_NAME
from shared.kql.write import device_leg, fleet_query
from shared.model.entity import Device
from shared.model.hunt import AppliesTo
from tests.support.batches import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kql_judge import Judge

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINE, OTHER = "a" * 40, "b" * 40
DEVICE, NAMED = Device(MINE), Device(name="srv-1")
WINDOW = "Timestamp between"


def test_what_is_known_of_each_table_is_what_its_schema_says() -> None:
    """It has the columns by which it is held, and no look-up has any of them."""
    schema = tables()

    assert SCOPABLE | UNTIMED - {"ExposureGraphEdges", "ExposureGraphNodes"} <= schema.keys()
    for table, columns in schema.items():
        known = {
            "DeviceId": SCOPABLE - BY_ALERT - BY_NAME,
            "DeviceName": SCOPABLE - BY_ALERT - NAMELESS | WITH_A_NAME,
        }
        if table in SCOPABLE | LOOKUPS:
            assert {name for name, where in known.items() if table in where} == known.keys() & columns.keys()
            assert (table in UNTIMED) == ("Timestamp" not in columns)
    assert all("AlertId" in schema[table] for table in BY_ALERT)


@pytest.mark.node
@pytest.mark.parametrize("kind", [AppliesTo(), AppliesTo(os_platform=("Linux",))], ids=["any", "Linux"])
@pytest.mark.parametrize("devices", [[NAMED], [DEVICE, Device(OTHER), NAMED]], ids=["name", "both"])
def test_each_table_with_devices_is_read_through_the_scope(
    devices: list[Device], kind: AppliesTo, judge: Judge
) -> None:
    """Whether devices are known by id or by name, whatever kind of device a hunt is for; and it is held to its window."""
    every = f"union {', '.join(sorted(SCOPABLE))}"
    query = device_leg(every, devices, take=5, end=END, start=START, applies_to=kind).query
    verdict = judge(query)

    assert [] == verdict.diagnostics
    assert {name for name, _ in verdict.reads} == SCOPABLE
    for name, offset in verdict.reads:
        line = query[offset:].partition("\n")[0]
        assert line.startswith(f"{name} | where ")
        assert (WINDOW in line) == (name not in STANDING)
        assert any(
            each in line for each in ("_DeviceIds", "DeviceName =~", "_AlertIds", "_NamedIds", "_DeviceNames")
        )
    assert [] == judge(fleet_query(every, end=END, applies_to=kind, prefixes=["0", ""])).diagnostics


LEAKING = [
    "IdentityInfo",
    "IdentityInfo | where AccountUpn has 'a'",
    "union IdentityInfo, DeviceInfo",
    "DeviceInfo | union (DeviceTvmSoftwareVulnerabilitiesKB)",
    "let People = IdentityInfo | take 5; People | where AccountName != ''",
    "let People = () { IdentityInfo }; DeviceInfo | union (People())",
    "let People = (T: (*)) { T | union IdentityInfo }; DeviceInfo | invoke People()",
    "let Same = (T: (*)) { T }; Same(IdentityInfo)",
    "let Same = (T: (*)) { T | take 5 }; DeviceInfo | join kind=rightouter (Same(IdentityInfo)) on DeviceName",
    "materialize(IdentityInfo)",
    "DeviceLogonEvents | join kind=rightouter (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join kind=fullouter (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join kind=rightanti (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join kind=rightsemi (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join hint.kind=inner kind=fullouter (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join kind=inner kind=fullouter (IdentityInfo) on AccountName",
    "IdentityInfo | join kind=leftouter (DeviceLogonEvents) on AccountName",
    "IdentityInfo | join kind=leftanti (DeviceLogonEvents) on AccountName",
    "IdentityInfo | lookup (DeviceLogonEvents) on AccountName",
    "IdentityInfo | join kind=inner (DeviceTvmInfoGatheringKB) on $left.AccountName == $right.FieldName",
    "datatable (AccountName: string) ['a'] | join kind=inner (IdentityInfo) on AccountName",
    "print AccountName = 'a' | join kind=leftouter (IdentityInfo) on AccountName",
    "let Add = (T: (AccountName: string)) { T | join kind=inner (IdentityInfo) on AccountName }; Add(datatable (AccountName: string) ['a'])",
    "DeviceInfo | mv-apply x = todynamic('[1]') on (union IdentityInfo)",
    "DeviceInfo | where DeviceName == IdentityInfo",
    "EmailEvents | where Subject has 'a'",
    "UrlClickEvents | join (EmailEvents) on NetworkMessageId",
    "let Users = DeviceInfo | project LoggedOnUsers; EmailAttachmentInfo | where RecipientEmailAddress in (Users)",
    "print Subjects = toscalar(EmailEvents | summarize make_set(Subject))",
    "let Subjects = tostring(toscalar(EmailEvents | summarize make_set(Subject))); union DeviceInfo, (print Subjects)",
    "let Subjects = () { strcat('a', toscalar(EmailEvents | count)) }; union DeviceInfo, (print Subjects())",
    "let Told = (s: string) { print s }; Told(tostring(toscalar(EmailEvents | count)))",
    "range a from 1 to toscalar(EmailEvents | count) step 1",
    "datatable (Subject: string) ['x'] | where Subject in (EmailEvents | project Subject)",
]
HELD = [
    "EmailEvents | where ThreatTypes has 'Phish' | join kind=inner (IdentityLogonEvents | project AccountUpn, DeviceName) on $left.RecipientEmailAddress == $right.AccountUpn",
    "let Mails = EmailAttachmentInfo | project SHA256, Subject = FileName; DeviceFileEvents | where Timestamp > ago(7d) | join Mails on SHA256",
    "DeviceEvents | where RemoteUrl in (UrlClickEvents | where IsClickedThrough | project Url)",
    "let Clicked = isnotempty(toscalar(UrlClickEvents | count)); DeviceEvents | where Clicked",
    "let By = (Who: string) { DeviceLogonEvents | where AccountName == Who }; By(tostring(toscalar(EmailEvents | project RecipientEmailAddress | take 1)))",
    "DeviceLogonEvents | extend UrlClickEvents = 1 | lookup (EntraIdSignInEvents | where TimeGenerated > ago(1d) | project AccountName = AccountUpn, Country) on AccountName",
    "union (IdentityQueryEvents | project Timestamp, DeviceName, DeviceId = ''), (DeviceNetworkEvents | project Timestamp, DeviceName, DeviceId)",
    "DeviceLogonEvents | join kind=inner (IdentityInfo | distinct AccountName, Department) on AccountName",
    "DeviceLogonEvents | join IdentityInfo on AccountName",
    "DeviceLogonEvents | join kind=leftouter (IdentityInfo) on AccountName",
    "DeviceLogonEvents | join kind=leftanti (IdentityInfo) on AccountName",
    "DeviceLogonEvents | lookup kind=leftouter (IdentityInfo | project AccountName, City) on AccountName",
    "DeviceLogonEvents | where AccountName in (IdentityInfo | where Department == 'Sales' | project AccountName)",
    "DeviceLogonEvents | where AccountName has_any ((IdentityInfo | distinct AccountName))",
    "DeviceLogonEvents | where AccountName == toscalar(IdentityInfo | project AccountName | take 1)",
    "let Names = toscalar(IdentityInfo | summarize make_set(AccountName)); DeviceLogonEvents | where AccountName in (Names)",
    "let People = materialize(IdentityInfo | take 5); DeviceLogonEvents | join kind=inner People on AccountName",
    "IdentityInfo | join kind=inner (DeviceLogonEvents) on AccountName",
    "IdentityInfo | join kind=rightouter (DeviceLogonEvents) on AccountName",
    "DeviceTvmSoftwareVulnerabilitiesKB | where VulnerabilitySeverityLevel == 'High' | join kind=inner (DeviceTvmSoftwareVulnerabilities) on CveId",
    "DeviceTvmSecureConfigurationAssessment | join kind=leftouter (DeviceTvmSecureConfigurationAssessmentKB) on ConfigurationId",
    "AlertInfo | where Severity == 'High' | join (AlertEvidence | where EntityType == 'Machine') on AlertId",
    "AlertInfo | where Title has 'a'",
    "DeviceInfo | join kind=inner (DeviceTvmSoftwareInventory | join kind=leftouter (DeviceTvmSoftwareVulnerabilitiesKB) on $left.SoftwareName == $right.CveId) on DeviceId",
]  # fmt: skip


@pytest.mark.parametrize("query", LEAKING)
def test_no_row_is_of_a_look_up_alone(query: str) -> None:
    """Such a hunt is refused where it names the look-up, with what to write; without a scope it is not."""
    found = read_query(query, scoped=True).problems

    assert found
    assert all("about no device" in one.text or "put it in brackets" in one.text for one in found)
    assert min(query.find(table) for table in LOOKUPS if table in query) < found[0].column
    assert () == read_query(query, scoped=False).problems


@pytest.mark.node
def test_a_look_up_adds_to_the_rows_of_devices(judge: Judge) -> None:
    """Bound, such hunts have no error, in one call, and read all tables but the look-ups through the scope."""
    legs = {f"hunt-{n}": device_leg(query, [DEVICE], take=5, end=END) for n, query in enumerate(HELD)}
    batch = batch_query(legs)
    verdict = judge(batch)

    assert [] == verdict.diagnostics
    for table, offset in verdict.reads:
        assert table in LOOKUPS or batch[offset:].startswith(f"{table} | where ")


ROWS = [
    ("DeviceTvmSoftwareVulnerabilities", "SoftwareName", ["of-0"]),
    ("DeviceTvmSoftwareVulnerabilities | extend TimeGenerated = now()", "SoftwareName", ["of-0"]),
    ("DeviceTvmBrowserExtensions", "ExtensionName", ["of-0"]),
    ("DeviceTvmInfoGathering", "DeviceId", [MINE]),
    ("AlertInfo", "AlertId", ["alert-0"]),
    ("AlertInfo | join kind=inner (AlertEvidence | where EntityType == 'Machine') on AlertId", "DeviceId", [MINE]),
    ("DeviceLogonEvents | join kind=inner (IdentityInfo) on AccountName", "AccountName", ["user-0"]),
    ("DeviceLogonEvents | lookup (IdentityInfo | project AccountName, City) on AccountName", "City", ["Rome"]),
    ("DeviceTvmSoftwareVulnerabilitiesKB | join kind=inner (DeviceTvmSoftwareVulnerabilities) on CveId", "SoftwareName", ["of-0"]),
    ("AlertEvidence | where EntityType == 'User'", "AccountName", ["user-0"]),
    ("AlertEvidence | where EntityType in ('Machine', 'Ip') | sort by RemoteIP asc", "RemoteIP", ["", "192.0.2.0"]),
    ("EmailEvents | join kind=inner (DeviceLogonEvents) on $left.RecipientObjectId == $right.AccountName", "Subject", ["to-0"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def fleet() -> Iterator[Engine]:
    """An engine with two devices, an alert on each, software on each, which is found out long ago or has no time."""
    engine = Engine()
    for number, device in enumerate((MINE, OTHER)):
        row = {"DeviceId": device, "DeviceName": f"srv-{number + 1}.contoso.com"}
        now = {"Timestamp": END}
        engine.load("DeviceInfo", [row | now])
        engine.load("DeviceLogonEvents", [row | now | {"AccountName": f"user-{number}"}])
        engine.load("IdentityInfo", [{"Timestamp": START, "AccountName": f"user-{number}", "City": "Rome"}])
        engine.load("AlertInfo", [now | {"AlertId": f"alert-{number}", "Title": "a"}])
        alert = now | {"AlertId": f"alert-{number}"}
        # One alert may have the evidence of several devices, and what is about none.
        other = {"DeviceId": "c" * 40, "DeviceName": "srv-3.contoso.com", "EntityType": "Machine"}
        evidence = [
            row | {"EntityType": "Machine"},
            other,
            {"EntityType": "User", "AccountName": f"user-{number}"},
        ]
        evidence += [
            {"EntityType": "Ip", "RemoteIP": f"192.0.2.{number}"},
            {"EntityType": "Ip", "DeviceName": "srv-4", "RemoteIP": "192.0.2.9"},
        ]
        engine.load("AlertEvidence", [alert | each for each in evidence])
        # Two mails are of the window, and one is of the day before.
        engine.load(
            "EmailEvents",
            [
                now | {"RecipientObjectId": f"user-{number}", "Subject": f"to-{number}"},
                {"Timestamp": START, "RecipientObjectId": "user-0", "Subject": "old"},
            ],
        )
        engine.load(
            "DeviceTvmSoftwareVulnerabilities", [row | {"CveId": "CVE-1", "SoftwareName": f"of-{number}"}]
        )
        engine.load("DeviceTvmBrowserExtensions", [{"DeviceId": device, "ExtensionName": f"of-{number}"}])
        engine.load("DeviceTvmInfoGathering", [row | {"Timestamp": START}])
    engine.load("DeviceTvmSoftwareVulnerabilitiesKB", [{"CveId": "CVE-1", "CvssScore": 9.9}])
    yield engine
    engine.close()


@pytest.mark.parametrize("device", [DEVICE, NAMED], ids=["by id", "by name"])
def test_the_rows_are_the_devices(device: Device, fleet: Engine) -> None:
    """What has no events is there whatever the window, and no row of another device comes with a look-up, in one call."""
    legs = {query: device_leg(query, [device], take=5, end=END, start=END) for query, _, _ in ROWS}
    # Beside them, the same hunts for the other device.
    others = {f"{name} too": device_leg(name, [Device(OTHER)], take=5, end=END, start=END) for name in legs}
    rows = apart(fleet.hunt(batch_query(others | legs), start=START, end=END, now=END)[1])

    assert [values for _, _, values in ROWS] == [
        [row[column] for row in rows.get(query, [])] for query, column, _ in ROWS
    ]
