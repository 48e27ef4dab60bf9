"""
What is known of the tables: which can be restricted to devices, how, and which time they have.

All of it is from Microsoft's Advanced Hunting schema reference.
"""

from __future__ import annotations

BY_ALERT = frozenset({"AlertInfo"})
"""The tables without DeviceId whose AlertId is that of AlertEvidence, and by it that of a device."""

SCOPABLE = BY_ALERT | {
    "AlertEvidence", "BehaviorEntities", "BehaviorInfo", "DataSecurityEvents", "DeviceBaselineComplianceAssessment",
    "DeviceEvents", "DeviceFileCertificateInfo", "DeviceFileEvents", "DeviceImageLoadEvents", "DeviceInfo", "DeviceLogonEvents",
    "DeviceNetworkEvents", "DeviceNetworkInfo", "DeviceProcessEvents", "DeviceRegistryEvents", "DeviceTvmBrowserExtensions",
    "DeviceTvmCertificateInfo", "DeviceTvmHardwareFirmware", "DeviceTvmInfoGathering", "DeviceTvmSecureConfigurationAssessment",
    "DeviceTvmSoftwareEvidenceBeta", "DeviceTvmSoftwareInventory", "DeviceTvmSoftwareVulnerabilities",
    "DisruptionAndResponseEvents",
}  # fmt: skip
"""The tables that can be restricted to devices: all others have DeviceId."""

NAMELESS = frozenset({
    "BehaviorInfo", "DeviceTvmBrowserExtensions", "DeviceTvmCertificateInfo", "DeviceTvmSoftwareEvidenceBeta",
})  # fmt: skip
"""Those of these that have DeviceId and no DeviceName."""

LOOKUPS = frozenset({
    "DeviceBaselineComplianceAssessmentKB", "DeviceBaselineComplianceProfiles", "DeviceTvmBrowserExtensionsKB",
    "DeviceTvmInfoGatheringKB", "DeviceTvmSecureConfigurationAssessmentKB", "DeviceTvmSoftwareVulnerabilitiesKB", "IdentityInfo",
})  # fmt: skip
"""
Tables that say nothing of devices: what a vulnerability, a setting or a person is.

In a device hunt they add to a device's rows, and never make rows of their own (`origin`).
"""

UNSCOPABLE = frozenset({
    "AADSignInEventsBeta", "AADSpnSignInEventsBeta", "AuditLogs", "AzureActivity", "BehaviorAnalytics", "CampaignInfo",
    "CloudAppEvents", "CloudAuditEvents", "CloudProcessEvents", "CloudStorageAggregatedEvents", "CommonSecurityLog",
    "DataSecurityBehaviors", "EmailAttachmentInfo", "EmailEvents", "EmailPostDeliveryEvents", "EmailUrlInfo",
    "EntraIdSignInEvents", "EntraIdSpnSignInEvents", "ExposureGraphEdges", "ExposureGraphNodes", "FileMaliciousContentInfo",
    "GraphApiAuditEvents", "IdentityAccountInfo", "IdentityDirectoryEvents", "IdentityEvents", "IdentityLogonEvents",
    "IdentityQueryEvents", "MessageEvents", "MessagePostDeliveryEvents", "MessageUrlInfo", "OAuthAppInfo", "OfficeActivity",
    "SecurityAlert", "SecurityEvent", "SecurityIncident", "SigninLogs", "Syslog", "ThreatIntelIndicators",
    "ThreatIntelligenceIndicator", "UrlClickEvents",
})  # fmt: skip
"""
Tables of Defender and Sentinel that cannot be restricted to devices.

A device hunt that names one is refused.
"""

UNTIMED = LOOKUPS - {"IdentityInfo"} | {
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

OF_SENTINEL = frozenset({
    "AuditLogs", "AzureActivity", "BehaviorAnalytics", "CommonSecurityLog", "OfficeActivity", "SecurityAlert",
    "SecurityEvent", "SecurityIncident", "SigninLogs", "Syslog", "ThreatIntelIndicators", "ThreatIntelligenceIndicator",
})  # fmt: skip
"""Those of these that Sentinel has, whose time is in TimeGenerated."""

OTHERWISE_TIMED = frozenset({"CloudStorageAggregatedEvents"})
"""Those whose rows span a time, and have neither Timestamp nor TimeGenerated (Microsoft's reference)."""
