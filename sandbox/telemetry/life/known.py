"""
What Defender knows of an ordinary fleet at its end, rather than what happens in it: people, weaknesses, settings, certificates.

`known/` holds it as tables; the first lines of each say what its columns are. A device has what a hash of its id chooses.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .columns import GUID, SID
from .patterns import FOLDER, lines

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.telemetry.engine import Engine

#: The table, and the columns of the file that it is made of.
_FILES = {
    "software": "kinds, vendor, name, version, low, high",
    "vulnerabilities": "name, version, cve, severity, score, exploit, tags, published, mended",
    "settings": "kinds, id, category, subcategory, impact, lacking, name, risk",
    "jobs": "job, department, roles",
    "signers": "company, signer, issuer",
}

# People and the accounts with which they administer; a few have left, are at risk or matter much. One record a day and account.
_PEOPLE = f"""
WITH accounts AS (
    SELECT person, prefix || 'user' || person AS account, prefix > '' AS admin, jobs.*
    FROM range(1, 98) t(person), (VALUES (''), ('adm-')) p(prefix)
    JOIN (
        SELECT *, roles > '' AS it, row_number() OVER (PARTITION BY roles > '' ORDER BY job) - 1 AS n,
            count(*) OVER (PARTITION BY roles > '') AS jobs FROM jobs
    ) jobs ON it = (prefix > '') AND person % jobs = n
)
SELECT $end::TIMESTAMP - to_days(d::INTEGER) - to_seconds((hash(account) % 80000)::BIGINT) AS "Timestamp", account AS AccountName,
    'contoso' AS AccountDomain, account || '@contoso.com' AS AccountUpn, {GUID.format("md5(account)")} AS AccountObjectId,
    {SID.format("account")} AS OnPremSid, 'User' || person AS GivenName, 'Contoso' AS Surname,
    'User ' || person || CASE WHEN admin THEN ' (administration)' ELSE '' END AS AccountDisplayName, 'User' AS "Type",
    department AS Department, job AS JobTitle, CASE WHEN admin THEN '' ELSE account || '@contoso.com' END AS EmailAddress,
    person % 31 > 0 AS IsAccountEnabled, 'Berlin' AS City, 'DE' AS Country, 'Contoso Ltd' AS CompanyName,
    coalesce(nullif(roles, ''), '[]')::JSON AS AssignedRoles,
    CASE WHEN admin AND person = 7 THEN '["Global Administrator"]' ELSE '[]' END::JSON AS PrivilegedEntraPimRoles,
    CASE WHEN admin THEN 1 WHEN department = 'Management' THEN 2 END AS CriticalityLevel,
    CASE WHEN person % 41 = 5 THEN 'Low' ELSE 'None' END AS RiskLevel, 'ActiveDirectory' AS SourceSystem
FROM accounts, range($days) t(d)
"""
_DEVICES = "fleet JOIN {0} ON list_contains(string_split(kinds, ','), kind)"
_WEAKNESSES = f"""
SELECT fleet.id AS DeviceId, fleet.name AS DeviceName, os AS OSPlatform, CASE kind WHEN 'mac' THEN 'arm64' ELSE 'x64' END AS OSArchitecture,
    vendor AS SoftwareVendor, software.name AS SoftwareName, software.version AS SoftwareVersion, cve AS CveId,
    severity AS VulnerabilitySeverityLevel, mended AS RecommendedSecurityUpdate, nullif(tags, '')::JSON AS CveTags
FROM {_DEVICES.format("software")} JOIN vulnerabilities v ON v.name = software.name AND v.version = software.version
WHERE hash(fleet.id, vendor) % 100 BETWEEN low::INTEGER AND high::INTEGER - 1
"""
_WEAKNESSES_KB = """
SELECT cve AS CveId, score AS CvssScore, exploit::BOOLEAN AS IsExploitAvailable, severity AS VulnerabilitySeverityLevel,
    published::TIMESTAMP AS PublishedDate, published::TIMESTAMP + to_days(20) AS LastModifiedTime, to_json(list(name)) AS AffectedSoftware
FROM vulnerabilities GROUP BY ALL
"""
_SETTINGS = f"""
SELECT $end::TIMESTAMP - to_seconds((hash(fleet.id) % 72000)::BIGINT) AS "Timestamp", fleet.id AS DeviceId, fleet.name AS DeviceName,
    os AS OSPlatform, settings.id AS ConfigurationId, category AS ConfigurationCategory, subcategory AS ConfigurationSubcategory,
    impact::DOUBLE AS ConfigurationImpact, hash(fleet.id, settings.id) % 100 >= lacking::INTEGER AS IsCompliant, true AS IsApplicable
FROM {_DEVICES.format("settings")}
"""
_SETTINGS_KB = """
SELECT id AS ConfigurationId, impact::DOUBLE AS ConfigurationImpact, name AS ConfigurationName, name AS ConfigurationDescription,
    risk AS RiskDescription, category AS ConfigurationCategory, subcategory AS ConfigurationSubcategory FROM settings
"""
# Of each program that ran on a device, and each that was saved there, once. What is fetched is somebody's or nobody's.
_CERTIFICATES = """
WITH files AS (
    SELECT DeviceId, DeviceName, SHA1, min("Timestamp") AS seen, max(FolderPath) AS path, max(ProcessVersionInfoCompanyName) AS maker
    FROM DeviceProcessEvents WHERE FolderPath LIKE '_:\\%' GROUP BY ALL
    UNION ALL
    SELECT DeviceId, DeviceName, SHA1, min("Timestamp"), max(FolderPath),
        (['', 'Viewer Software GmbH', 'Open Tools Foundation', 'Microsoft Corporation'])[(1 + hash(SHA1) % 4)::INTEGER]
    FROM DeviceFileEvents WHERE FolderPath LIKE '_:\\%' AND regexp_matches(FileName, '\\.(exe|dll|msi|sys)$') GROUP BY ALL
), signed AS (
    SELECT files.*, coalesce(signers.signer, maker) AS signer, maker = 'Microsoft Corporation' AND path ILIKE 'c:\\windows\\%' AS own,
        coalesce(signers.issuer, 'DigiCert Trusted G4 Code Signing RSA4096 SHA384 2021 CA1') AS issuer
    FROM files LEFT JOIN signers ON company = maker
)
SELECT seen AS "Timestamp", DeviceId, DeviceName, SHA1, signer > '' AS IsSigned, signer > '' AS IsTrusted,
    CASE WHEN own THEN 'Catalog' WHEN signer > '' THEN 'Embedded' ELSE '' END AS SignatureType,
    CASE WHEN own THEN 'Microsoft Windows' ELSE signer END AS Signer, signer = 'Microsoft Corporation' AS IsRootSignerMicrosoft,
    CASE WHEN own THEN 'Microsoft Windows Production PCA 2011' WHEN signer > '' THEN issuer ELSE '' END AS Issuer,
    CASE WHEN signer > '' THEN sha1(signer) ELSE '' END AS SignerHash, CASE WHEN signer > '' THEN sha1(issuer) ELSE '' END AS IssuerHash,
    CASE WHEN signer > '' THEN md5(signer) ELSE '' END AS CertificateSerialNumber,
    CASE WHEN signer > '' THEN TIMESTAMP '2025-06-19 18:11:44' END AS CertificateCreationTime,
    CASE WHEN signer > '' THEN TIMESTAMP '2026-06-17 18:11:44' END AS CertificateExpirationTime, (hash(SHA1) % 1000000)::BIGINT AS ReportId
FROM signed
"""
_KNOWN = {
    "IdentityInfo": _PEOPLE,
    "DeviceTvmSoftwareVulnerabilities": _WEAKNESSES,
    "DeviceTvmSoftwareVulnerabilitiesKB": _WEAKNESSES_KB,
    "DeviceTvmSecureConfigurationAssessment": _SETTINGS,
    "DeviceTvmSecureConfigurationAssessmentKB": _SETTINGS_KB,
    "DeviceFileCertificateInfo": _CERTIFICATES,
}


def know(engine: Engine, *, days: int, end: datetime) -> None:
    """
    Write what is known of the devices in the temporary table `fleet` at *end* (UTC, naive), and of people in the *days* before.

    What has happened must be written already: certificates are of the programs in it.
    """
    run = engine.connection.execute
    for name, columns in _FILES.items():
        run(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM (VALUES {_values(name)}) t({columns})")
    for table, query in _KNOWN.items():
        if table in engine.tables:
            given = {"days": days, "end": end}
            run(
                f"INSERT INTO {table} BY NAME {query}",
                {name: each for name, each in given.items() if f"${name}" in query},
            )
    for name in _FILES:
        run(f"DROP TABLE temp.{name}")


@cache
def _values(name: str) -> str:
    """Return the lines of a file as the rows of VALUES, each as long as the table."""
    width = _FILES[name].count(",") + 1
    rows = [cells + [""] * (width - len(cells)) for cells in lines(FOLDER / "known" / f"{name}.tsv")]
    return ", ".join(f"({', '.join(_quoted(cell) for cell in row)})" for row in rows)


def _quoted(cell: str) -> str:
    return "'" + cell.replace("'", "''") + "'"
