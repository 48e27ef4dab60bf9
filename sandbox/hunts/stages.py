"""The devices of the demo's incidents, one of which a hunt's case is put onto."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sandbox.tenant.intrusions import chains, intrusions
from shared.model.entity import Device
from shared.model.hunt import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.tenant.evidence import Incident
    from shared.model.hunt import Hunt


class Stage(NamedTuple):
    """A device of an incident's evidence; `opens` is the name that the incident is opened by."""

    opens: str
    incident: Incident
    device: Device
    kind: str
    address: str

    @property
    def short(self) -> str:
        """The device's name without its domain."""
        return self.device.name.partition(".")[0]

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices of the incident, as a run about it hunts on them."""
        return tuple(_devices(self.incident))

    @property
    def active(self) -> tuple[datetime, datetime]:
        """The incident's first and its last activity."""
        alert = self.incident["alerts"][0]
        first, last = (
            datetime.fromisoformat(alert[f"{end}ActivityDateTime"][:26] + "+00:00")
            for end in ("first", "last")
        )
        return first, last


#: In the order in which a hunt is offered them: the incident, the device, its DeviceType and its address in the fleet.
_PLACES = (
    ("exfiltration", "srv-7.contoso.com", "Server", "10.0.0.12"),
    ("ransom", "pc-006.contoso.com", "Workstation", "10.0.0.28"),
    ("ransom", "win-2.contoso.com", "Server", "10.0.0.38"),
    ("stealer", "mac-001.contoso.com", "Workstation", "10.0.0.39"),
    ("download", "wks-012.contoso.com", "Workstation", "10.0.0.36"),
)


def stages(end: datetime) -> list[Stage]:
    """Return the devices that a case may be put onto, of incidents before *end*."""
    incidents = {one.name: one.incident for one in (*intrusions(end), *chains(end))}
    return [
        Stage(opens, incidents[opens], device, kind, address)
        for opens, name, kind, address in _PLACES
        for device in _devices(incidents[opens])
        if device.name == name
    ]


def stage_for(hunt: Hunt, end: datetime) -> Stage:
    """Return the first device that *hunt* applies to. Raises ValueError where there is none."""
    every = stages(end)
    # What an indicator was seen on does not matter to a hunt for indicators.
    applies = hunt.applies_to if hunt.entity == "device" else EVERYWHERE
    for stage in every:
        if not applies.excludes(stage.device.os_platform, stage.kind):
            return stage
    wanted = " ".join(filter(None, (" or ".join(applies.os_platform), " or ".join(applies.device_type))))
    there = ", ".join(f"{stage.short} ({stage.device.os_platform} {stage.kind.lower()})" for stage in every)
    raise ValueError(
        f"{hunt.name} is for {wanted}, and no device of the demo's incidents is one: they are {there}. "
        "Try it with `hunts test` and `hunts run`, or change appliesTo"
    )


def _devices(incident: Incident) -> Iterator[Device]:
    for item in incident["alerts"][0]["evidence"]:
        if item["@odata.type"].endswith(".deviceEvidence"):
            yield Device(item["mdeDeviceId"], item["deviceDnsName"], item["osPlatform"])
