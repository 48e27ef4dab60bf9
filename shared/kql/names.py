"""
The names of devices, by which tables without DeviceId are held to them.

Defender for Identity writes a device's full name, or its short one. A full name is that of one device: `srv-1.contoso.com` is
not `srv-1.example.com`. A short name says which device only where no other device in DeviceInfo has it, with or without a
domain; else rows under it are left out, as they may be another device's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .literals import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED = 'DeviceName in~ (_DeviceNames) or tostring(split(DeviceName, ".")[0]) in~ (_BareNames)'
"""The condition that holds a table to the devices whose names `names_of` declares."""

_HOST = 'Host = tolower(tostring(split(DeviceName, ".")[0]))'


def names_of(mine: str, others: str, given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """
    Declare the names by which rows are those of the devices in *mine*, and of those whose names are *given*.

    *mine* and *others* are rows of DeviceInfo, as KQL: of the devices, and of all others. `_DeviceNames` are their full
    names, and the short names that are theirs alone; `_BareNames` those that DeviceInfo has without a domain, which another
    table may write with one. An address is no name: nothing whose name has no letter is among these.
    """
    listed = ", ".join(literal(name) for name in given)
    also = f"union (datatable(DeviceName: string) [{listed}]) | " if listed else ""
    names = f"{mine} | project DeviceName | {also}where isnotempty(DeviceName)"
    return (
        ("_Names", f"materialize({names} | summarize by Name = tolower(DeviceName), {_HOST})"),
        ("_OtherNames", f"{others} | summarize by {_HOST}"),
        ("_OwnNames", "_Names | where Host !in (_OtherNames)"),
        ("_DeviceNames", "union (_Names | project Name), (_OwnNames | project Name = Host)"),
        ("_BareNames", '_OwnNames | where Name == Host and Host matches regex "[a-z]" | project Host'),
    )
