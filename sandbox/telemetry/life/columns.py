"""The SQL of the columns that an ordinary event has, from its pattern and its device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .patterns import Patterns

GUID = "regexp_replace({}, '(.{{8}})(.{{4}})(.{{4}})(.{{4}})(.{{12}})', '\\1-\\2-\\3-\\4-\\5')"
#: The SQL of the SID of an account of the domain, from that of its name; there are as many as a few hundred people need.
SID = "'S-1-5-21-1004336348-1177238915-682003330-' || (1000 + hash({}) % 90000)"
#: That of an account of the device alone, but for the account's own number.
_LOCAL_SID = "'S-1-5-21-' || (1000000000 + hash(host) % 1000000000) || '-' || hash(host, 1) % 1000000000 || '-' || hash(host, 2) % 1000000000"
#: What stands in braces in a pattern, and what is put there: of the device and day `d`, and of the `key` of what happens.
FILLED = {
    "user": "person",
    "host": "host",
    "HOST": "upper(host)",
    "device": "name",
    "id": "id",
    "address": "address",
    "day": "strftime(moment, '%Y%m%d')",
    "n": "(key % 997)::VARCHAR",
    "build": "(100 + day_number // 7 % 7)::VARCHAR",
    "hex": "lower(to_hex(key))",
    "guid": GUID.format("md5(key::VARCHAR)"),
    "sha256": "sha256(key::VARCHAR)",  # of a file that is one of its kind, as `_following` has it
    "peer": "'10.0.0.' || (1 + key % 40)",
    "client": "'10.0.' || (4 + key % 4) || '.' || (1 + key % 250)",
    "public": "public_address(key::VARCHAR)",
    "home": "public_address(person || ' at home')",
    "vpn": "'10.0.250.' || (1 + key % 250)",
    "sid": SID.format("person"),
    "site": "'site-' || (key % 5000) || '.example'",
    "few": "(1 + key % 2)::VARCHAR",
    "colleague": "'user' || (1 + key % 97)",
}
_ACTIONS = {
    "DeviceProcessEvents": "ProcessCreated",
    "DeviceNetworkEvents": "ConnectionSuccess",
    "DeviceFileEvents": "FileCreated",
    "DeviceRegistryEvents": "RegistryValueSet",
    "DeviceImageLoadEvents": "ImageLoaded",
    "DeviceLogonEvents": "LogonSuccess",
}
_BRACES = re.compile(r"\{(\w+)\}")


def columns(some: Patterns, kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the SQL of each column that a section fills, by its name; *kinds* are the types of the table's columns."""
    given = {name: _typed(_filled(some, name), kinds[name]) for name in some.columns}
    return {
        "Timestamp": "moment",
        "DeviceId": "id",
        "DeviceName": "name",
        "ReportId": "(key % 1000000)::BIGINT",
        "ActionType": f"'{_ACTIONS.get(some.table, '')}'",
        **_initiating(some),
        **_started(some),
        **given,
        **dict(_following(given, some)),
    }


def _following(given: dict[str, str], some: Patterns) -> Iterator[tuple[str, str]]:
    """Return the columns that follow from those that are *given*."""
    if "FolderPath" in given:
        yield "FileName", f"regexp_extract({given['FolderPath']}, '[^/\\\\]+$')"
        # A file in a place of its own is one of its kind; where all have it, all have the same.
        source = 'CASE WHEN contains("FolderPath", \'{\') THEN key::VARCHAR ELSE "FolderPath" END'
        for name in ("SHA1", "SHA256", "MD5"):
            yield name, f"CASE WHEN \"FolderPath\" > '' THEN {name.lower()}({source}) ELSE '' END"
        yield "FileSize", "CASE WHEN \"FolderPath\" > '' THEN (1000 + key % 900000)::BIGINT END"
    if some.table == "DeviceLogonEvents":
        yield "IsLocalAdmin", "starts_with(who, 'adm-') OR who IN ('administrator', 'laps-admin', 'root')"
    if some.table == "DeviceNetworkEvents":
        yield "LocalIP", "address"
        yield "LocalIPType", "'Private'"
        yield (
            "Protocol",
            f"coalesce(nullif({given['Protocol']}, ''), 'Tcp')" if "Protocol" in given else "'Tcp'",
        )
        if "LocalPort" not in given:
            yield "LocalPort", "(32768 + key % 28000)::INTEGER"


def _filled(some: Patterns, name: str) -> str:
    """Return the SQL of a column of a pattern, with what its braces stand for."""
    names = {
        found for row in some.rows for found in _BRACES.findall(str(row.get(name, ""))) if found in FILLED
    }
    sql = f'"{name}"'
    for found in sorted(names):
        sql = f"replace({sql}, '{{{found}}}', {FILLED[found]})"
    return sql


def _typed(sql: str, kind: str) -> str:
    """Return the SQL of a cell as a column of this type takes it: an empty one is null but in text, which never is."""
    kinds = {"int": "INTEGER", "long": "BIGINT", "bool": "BOOLEAN", "dynamic": "JSON"}
    return f"TRY_CAST({sql} AS {kinds[kind]})" if kind in kinds else f"coalesce({sql}, '')"


def _whose(who: str, prefix: str) -> dict[str, str]:
    """Return the columns of an account, whose name, or domain and name, is in the column *who*."""
    windows = "platform = 'windows'"
    named = f"({windows} AND regexp_matches({who}, '^(adm-)?user'))"
    return {
        f"{prefix}AccountName": f"split_part({who}, '\\', -1)",
        f"{prefix}AccountDomain": f"CASE WHEN {who} = '' THEN '' WHEN contains({who}, '\\') THEN split_part({who}, '\\', 1) "
        f"WHEN {who} IN ('system', 'local service', 'network service') THEN 'nt authority' "
        f"WHEN NOT {windows} OR {who} IN ('administrator', 'laps-admin') THEN host ELSE 'contoso' END",
        f"{prefix}AccountSid": f"CASE WHEN NOT {windows} OR {who} = '' THEN '' WHEN {who} = 'system' THEN 'S-1-5-18' "
        f"WHEN {who} = 'local service' THEN 'S-1-5-19' WHEN {who} = 'network service' THEN 'S-1-5-20' "
        f"WHEN {who} = 'administrator' THEN {_LOCAL_SID} || '-500' WHEN {who} = 'laps-admin' THEN {_LOCAL_SID} || '-1001' "
        f"ELSE {SID.format(who)} END",
        f"{prefix}AccountUpn": f"CASE WHEN {named} THEN {who} || '@contoso.com' ELSE '' END",
        f"{prefix}AccountObjectId": f"CASE WHEN {named} THEN {GUID.format(f'md5({who})')} ELSE '' END",
    }


def _token(account: str, prefix: str) -> dict[str, str]:
    level = f"WHEN {account} = 'user' THEN 'Medium' WHEN {account} = 'admin' THEN 'High' ELSE 'System' END"
    elevation = (
        f"WHEN {account} = 'user' THEN 'Limited' WHEN {account} = 'admin' THEN 'Full' ELSE 'Default' END"
    )
    return {
        f"{prefix}IntegrityLevel": f"CASE WHEN platform <> 'windows' THEN '' {level}",
        f"{prefix}TokenElevation": f"CASE WHEN platform <> 'windows' THEN '' ELSE 'TokenElevationType' || CASE {elevation} END",
    }


def _file(source: str, prefix: str) -> dict[str, str]:
    version = f"{prefix}VersionInfo"
    return {
        f"{prefix}SHA1": f"{source}sha1",
        f"{prefix}SHA256": f"{source}sha256",
        f"{prefix}MD5": f"{source}md5",
        f"{prefix}FileSize": f"{source}size",
        f"{version}CompanyName": f"{source}company",
        f"{version}ProductName": f"{source}product",
        f"{version}ProductVersion": f"{source}version",
        f"{version}InternalFileName": f"{source}original",
        f"{version}OriginalFileName": f"{source}original",
        f"{version}FileDescription": f"{source}product",
    }


def _initiating(some: Patterns) -> dict[str, str]:
    """Return the columns of the process that did it."""
    if not any("by_file" in row for row in some.rows):
        return {}
    path = "CASE WHEN platform = 'windows' THEN lower(by_path) ELSE by_path END"
    return {
        **_file("by_", "InitiatingProcess"),
        **_whose("by_who", "InitiatingProcess"),
        **_token("by_account", "InitiatingProcess"),
        "InitiatingProcessFileName": "by_file",
        "InitiatingProcessFolderPath": f"replace({path}, '{{user}}', person)",
        "InitiatingProcessCommandLine": _filled(some, "by_command"),
        "InitiatingProcessId": "(500 + hash(n, by_file) % 30000)::BIGINT",
        "InitiatingProcessCreationTime": "moment - to_seconds((60 + key % 40000)::BIGINT)",
        "InitiatingProcessParentFileName": "by_parent",
        "InitiatingProcessParentId": "(400 + hash(n, by_parent) % 30000)::BIGINT",
        "InitiatingProcessParentCreationTime": "moment - to_seconds((50000 + key % 40000)::BIGINT)",
        "InitiatingProcessSignerType": "CASE WHEN by_company = '' THEN 'Unknown' ELSE 'OsVendor' END",
        "InitiatingProcessSignatureStatus": "CASE WHEN by_company = '' THEN 'Unsigned' ELSE 'Valid' END",
        "InitiatingProcessSessionId": "CASE WHEN by_account IN ('user', 'admin') THEN 1 ELSE 0 END",
        "IsInitiatingProcessRemoteSession": "false",
        "InitiatingProcessUniqueId": "(key * 4)::VARCHAR",
        "InitiatingProcessLogonId": "(999 + hash(n, by_who) % 1000000)::BIGINT",
    }


def _started(some: Patterns) -> dict[str, str]:
    """Return the columns of the process that starts, or of the account that acts."""
    columns = _whose("who", "")
    columns["LogonId"] = "(999 + hash(n, who) % 1000000)::BIGINT"
    if some.table != "DeviceProcessEvents":
        return columns
    return {
        **columns,
        **{
            name.removeprefix("Own"): sql
            for name, sql in _file("own_", "Own").items()
            if "Version" not in name
        },
        **{f"Process{name}": sql for name, sql in _file("own_", "").items() if "Version" in name},
        **_token("account", "Process"),
        "FileName": "own_file",
        "FolderPath": "replace(own_path, '{user}', person)",
        "ProcessCommandLine": _filled(some, "command"),
        "ProcessId": "(500 + key % 30000)::BIGINT",
        "ProcessCreationTime": "moment",
        "ProcessUniqueId": "(key * 4 + 1)::VARCHAR",
        "CreatedProcessSessionId": "CASE WHEN account IN ('user', 'admin') THEN 1 ELSE 0 END",
        "IsProcessRemoteSession": "false",
    }
