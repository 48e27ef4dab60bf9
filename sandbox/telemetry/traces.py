"""
The rows of telemetry that a process leaves behind, each as (table, row), in every column that Defender fills.

`Process` is one that an intrusion runs; what it does, such as `wrote`, says when. `rows` makes rows with fewer columns.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any

from .engine import Row, tables
from .generation import device_id
from .life.patterns import program

_LOCAL = {"system": "S-1-5-18", "local service": "S-1-5-19", "network service": "S-1-5-20"}
_STARTED = timedelta(seconds=3)  # from a process's start to what it does


@dataclass(frozen=True)
class Process:
    """
    A process on a device: a program of `life`, or the path of one that nobody knows, and its command line.

    *original* is the file name in the version information of a renamed program, and *level* the integrity on Windows.
    """

    on: str
    platform: str
    program: str
    command: str
    account: str
    parent: Process | None = None
    original: str = ""
    level: str = ""

    def started(self, at: datetime) -> tuple[str, Row]:
        """Return the row of its start."""
        own = {name.removeprefix("InitiatingProcess"): value for name, value in self._columns.items()}
        versions = {f"Process{name}": value for name, value in own.items() if name.startswith("Version")}
        kept = ("SHA", "MD5", "FileName", "FileSize", "Account")
        return _in(
            "DeviceProcessEvents",
            {
                **self._row(at, "ProcessCreated", self.parent or self),
                **{name: value for name, value in own.items() if name.startswith(kept)},
                **versions,
                "FolderPath": self._path,
                "ProcessCommandLine": self.command,
                "ProcessId": self._id,
                "ProcessCreationTime": at,
                "ProcessIntegrityLevel": own["IntegrityLevel"],
                "ProcessTokenElevation": own["TokenElevation"],
            },
        )

    def connected(
        self,
        at: datetime,
        address: str,
        port: int = 443,
        name: str = "",
        *,
        action: str = "ConnectionSuccess",
        kind: str = "Public",
        local_port: int = 50_412,
    ) -> tuple[str, Row]:
        """Return the row of a connection to, or with "InboundConnectionAccepted" from, an address."""
        return _in(
            "DeviceNetworkEvents",
            {
                **self._row(at, action, self),
                "RemoteIP": address,
                "RemotePort": port,
                "RemoteUrl": name,
                "RemoteIPType": kind,
                "Protocol": "Tcp",
                "LocalIP": "10.0.0.28",
                "LocalIPType": "Private",
                "LocalPort": local_port,
            },
        )

    def wrote(self, at: datetime, path: str, action: str = "FileCreated", **columns: Any) -> tuple[str, Row]:
        """Return the row of a file that it wrote; *columns* are further ones, such as FileOriginUrl."""
        return _in("DeviceFileEvents", {**self._row(at, action, self), **_file(path), **columns})

    def loaded(self, at: datetime, path: str) -> tuple[str, Row]:
        """Return the row of a library that it loaded."""
        return _in("DeviceImageLoadEvents", {**self._row(at, "ImageLoaded", self), **_file(path)})

    def set_value(
        self, at: datetime, key: str, name: str, value: str, kind: str = "String"
    ) -> tuple[str, Row]:
        """Return the row of a value that it wrote to the registry."""
        return _in(
            "DeviceRegistryEvents",
            {
                **self._row(at, "RegistryValueSet", self),
                "RegistryKey": key,
                "RegistryValueName": name,
                "RegistryValueData": value,
                "RegistryValueType": kind,
            },
        )

    def did(
        self, at: datetime, action: str, fields: dict[str, Any] | None = None, **columns: Any
    ) -> tuple[str, Row]:
        """Return a row of DeviceEvents, with its AdditionalFields; a FolderPath in *columns* says the file as well."""
        target = _file(columns.pop("FolderPath")) if "FolderPath" in columns else {}
        row = self._row(at, action, self)
        return _in("DeviceEvents", {**row, "AdditionalFields": json.dumps(fields or {}), **target, **columns})

    def logged_on(
        self, at: datetime, kind: str, address: str, device: str = "", **columns: Any
    ) -> tuple[str, Row]:
        """Return the row of a sign-in that it let in, of the account and from where *columns* and *address* say."""
        return _in(
            "DeviceLogonEvents",
            {
                **self._row(at, "LogonSuccess", self),
                "LogonType": kind,
                "RemoteIP": address,
                "RemoteDeviceName": device,
                "AdditionalFields": json.dumps({"IsLocalLogon": False}),
                **columns,
            },
        )

    @cached_property
    def _path(self) -> str:
        return program(self.platform, self.program).path

    @cached_property
    def _id(self) -> int:
        return 2000 + int(hashlib.sha256(repr(self).encode()).hexdigest()[:4], 16)

    @cached_property
    def _columns(self) -> Row:
        """The columns of a process that does something."""
        image = program(self.platform, self.program).columns("")
        windows, who = self.platform == "windows", self.account
        level = self.level or ("System" if who in _LOCAL else "Medium")
        elevation = {"System": "Default", "High": "Full"}.get(level, "Limited")
        local = "nt authority" if who in _LOCAL else "contoso"
        path = str(image["path"])
        values = {
            "FileName": image["file"],
            "FolderPath": path.lower() if windows else path,
            "CommandLine": self.command,
            "Id": self._id,
            "SHA1": image["sha1"],
            "SHA256": image["sha256"],
            "MD5": image["md5"],
            "FileSize": image["size"],
            "VersionInfoCompanyName": image["company"],
            "VersionInfoProductName": image["product"],
            "VersionInfoProductVersion": image["version"],
            "VersionInfoInternalFileName": self.original or image["original"],
            "VersionInfoOriginalFileName": self.original or image["original"],
            "VersionInfoFileDescription": image["product"],
            "AccountName": who.rpartition("\\")[2],
            "AccountDomain": (who.rpartition("\\")[0] or local) if windows else self.on.partition(".")[0],
            "AccountSid": _LOCAL.get(who, f"S-1-5-21-1004336348-1177238915-682003330-{1000 + len(who) * 7}")
            if windows
            else "",
            "AccountUpn": f"{who}@contoso.com" if windows and who.startswith(("user", "adm-")) else "",
            "IntegrityLevel": level if windows else "",
            "TokenElevation": f"TokenElevationType{elevation}" if windows else "",
            "ParentFileName": program(self.platform, self.parent.program).file
            if self.parent
            else image["parent"],
        }
        return {f"InitiatingProcess{name}": value for name, value in values.items()}

    def _row(self, at: datetime, action: str, doer: Process) -> Row:
        created = {"InitiatingProcessCreationTime": at - _STARTED}
        return {
            "Timestamp": at,
            "DeviceId": device_id(self.on),
            "DeviceName": self.on,
            "ActionType": action,
            "ReportId": int(at.timestamp()) % 100_000,
            **doer._columns,
            **created,
        }


@cache
def _known() -> dict[str, dict[str, str]]:
    return tables()


def _in(table: str, row: Row) -> tuple[str, Row]:
    """Return a row of *table*, without what that says nothing of about a process."""
    known = _known()[table]
    return table, {
        name: value
        for name, value in row.items()
        if name in known or not name.startswith("InitiatingProcess")
    }


def _file(path: str) -> Row:
    digest = path.encode()
    return {
        "FileName": path.replace("\\", "/").rpartition("/")[2],
        "FolderPath": path,
        "SHA1": hashlib.sha1(digest, usedforsecurity=False).hexdigest(),
        "SHA256": hashlib.sha256(digest).hexdigest(),
        "FileSize": 1000 + len(path) * 977,
    }
