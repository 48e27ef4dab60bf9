"""
What is known of the tables: which can be restricted to devices, how, and which time they have.

All of it is from Microsoft's Advanced Hunting schema reference.
"""

from __future__ import annotations

BY_ALERT = frozenset({"AlertInfo"})
"""The tables without DeviceId whose AlertId is that of AlertEvidence, and by it that of a device."""

BY_NAME = frozenset({"IdentityDirectoryEvents", "IdentityLogonEvents", "IdentityQueryEvents"})
"""The tables that have DeviceName and no DeviceId: Defender for Identity writes a device's full name or its short one."""

SCOPABLE = BY_ALERT | BY_NAME | {
    "AlertEvidence", "BehaviorEntities", "BehaviorInfo", "DataSecurityEvents", "DeviceBaselineComplianceAssessment",
    "DeviceEvents", "DeviceFileCertificateInfo", "DeviceFileEvents", "DeviceImageLoadEvents", "DeviceInfo", "DeviceLogonEvents",
    "DeviceNetworkEvents", "DeviceNetworkInfo", "DeviceProcessEvents", "DeviceRegistryEvents", "DeviceTvmBrowserExtensions",
    "DeviceTvmCertificateInfo", "DeviceTvmHardwareFirmware", "DeviceTvmInfoGathering", "DeviceTvmSecureConfigurationAssessment",
    "DeviceTvmSoftwareEvidenceBeta", "DeviceTvmSoftwareInventory", "DeviceTvmSoftwareVulnerabilities",
    "DisruptionAndResponseEvents",
}  # fmt: skip
"""The tables that can be restricted to devices: all but these few have DeviceId."""

NAMELESS = frozenset({
    "BehaviorInfo", "DeviceTvmBrowserExtensions", "DeviceTvmCertificateInfo", "DeviceTvmSoftwareEvidenceBeta",
})  # fmt: skip
"""Those of these that have DeviceId and no DeviceName."""

_KNOWLEDGE = frozenset({
    "DeviceBaselineComplianceAssessmentKB", "DeviceBaselineComplianceProfiles", "DeviceTvmBrowserExtensionsKB",
    "DeviceTvmInfoGatheringKB", "DeviceTvmSecureConfigurationAssessmentKB", "DeviceTvmSoftwareVulnerabilitiesKB",
})  # fmt: skip

OF_SENTINEL = frozenset({
    "AuditLogs", "AzureActivity", "BehaviorAnalytics", "CommonSecurityLog", "OfficeActivity", "SecurityAlert",
    "SecurityEvent", "SecurityIncident", "SigninLogs", "Syslog", "ThreatIntelIndicators", "ThreatIntelligenceIndicator",
})  # fmt: skip
"""The tables that Sentinel has, whose time is in TimeGenerated."""

LOOKUPS = _KNOWLEDGE | OF_SENTINEL | {
    "AADSignInEventsBeta", "AADSpnSignInEventsBeta", "CampaignInfo", "CloudAppEvents", "CloudAuditEvents", "CloudProcessEvents",
    "DataSecurityBehaviors", "EmailAttachmentInfo", "EmailEvents", "EmailPostDeliveryEvents", "EmailUrlInfo",
    "EntraIdSignInEvents", "EntraIdSpnSignInEvents", "ExposureGraphEdges", "ExposureGraphNodes", "FileMaliciousContentInfo",
    "GraphApiAuditEvents", "IdentityAccountInfo", "IdentityEvents", "IdentityInfo", "MessageEvents", "MessagePostDeliveryEvents",
    "MessageUrlInfo", "OAuthAppInfo", "UrlClickEvents",
}  # fmt: skip
"""
Tables that are about no device: what a vulnerability, a setting or a person is, what was mailed, who signed in.

In a device hunt they add to a device's rows, and never make rows of their own (`origin`).
"""

WITH_A_NAME = frozenset({"AADSignInEventsBeta", "EntraIdSignInEvents"})
"""Those of Defender's among these that have DeviceName: the name that a person gave the device in Entra ID."""

UNSCOPABLE = frozenset({"CloudStorageAggregatedEvents"})
"""
Tables that neither are about devices nor can be held to a window: its rows span a time.

A device hunt that names one is refused.
"""

UNTIMED = _KNOWLEDGE | {
    "DeviceBaselineComplianceAssessment", "DeviceTvmBrowserExtensions", "DeviceTvmCertificateInfo", "DeviceTvmHardwareFirmware",
    "DeviceTvmSoftwareEvidenceBeta", "DeviceTvmSoftwareInventory", "DeviceTvmSoftwareVulnerabilities", "ExposureGraphEdges",
    "ExposureGraphNodes",
}  # fmt: skip
"""The tables that hold how things stand now, without a Timestamp."""

DATED = frozenset({"DeviceTvmInfoGathering", "DeviceTvmSecureConfigurationAssessment", "IdentityInfo"})
"""
The tables that hold how things stand, each row with the Timestamp of when it was found out.

What stands in an incident's window was most often found out before it, or is by now found out anew.
"""

STANDING = UNTIMED | DATED
"""The tables that are held to no window, since their rows are no events."""

EVENTS = frozenset(table for table in SCOPABLE - STANDING if table.startswith("Device"))
"""The tables of what devices do and are, which every tenant with Defender for Endpoint has."""

OTHERWISE_TIMED = UNSCOPABLE
"""Those whose rows span a time, and have neither Timestamp nor TimeGenerated (Microsoft's reference)."""
