"""Which devices the telemetry of an engine knows, and which of them a hunt is not for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model.entity import Device, same_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.telemetry.engine import Engine
    from shared.model.hunt import Hunt

_EXAMPLES = 4


class Seen(NamedTuple):
    """A device as rows name it; what they do not say is ''. `platform` and `kind` are those of its latest DeviceInfo."""

    id: str
    name: str
    platform: str = ""
    kind: str = ""

    def is_meant(self, device: Device) -> bool:
        """Tell whether *device* is this one, as outcomes compare them."""
        return same_device(device, self.id, self.name)


def seen_devices(engine: Engine) -> list[Seen]:
    """Return each device of each row in *engine*, by id and name."""
    pairs: set[tuple[str, str]] = set()
    for table, columns in engine.tables.items():
        if {"DeviceId", "DeviceName"} & columns.keys():
            shown = [f'"{name}"' if name in columns else "''" for name in ("DeviceId", "DeviceName")]
            found = engine.connection.execute(f'SELECT DISTINCT {", ".join(shown)} FROM "{table}"').fetchall()
            pairs |= {(id_ or "", name or "") for id_, name in found if id_ or name}
    latest = "arg_max(OSPlatform, Timestamp), arg_max(DeviceType, Timestamp)"
    facts = {
        id_: (platform or "", kind or "")
        for id_, platform, kind in engine.connection.execute(
            f"SELECT DeviceId, {latest} FROM DeviceInfo GROUP BY DeviceId"
        ).fetchall()
    }
    return [Seen(id_, name, *facts.get(id_, ("", ""))) for id_, name in sorted(pairs)]


def everyone(seen: Iterable[Seen]) -> tuple[Device, ...]:
    """Return all devices that have an id. Raises ValueError where there are none."""
    ids = sorted({each.id for each in seen if each.id})
    if not ids:
        raise ValueError("no row names a device: give DeviceId in the rows, or name a device with --device")
    return tuple(map(Device, ids))


def refuse_unknown(devices: Iterable[Device], seen: Sequence[Seen]) -> None:
    """Raise ValueError for a device that no row is about, with some that there are: that nothing is found on it says nothing."""
    for device in devices:
        if not any(each.is_meant(device) for each in seen):
            there = f"; there are {', '.join(_examples(seen))}" if seen else ", and none about any other"
            raise ValueError(f"no row is about a device {device.name or device.id}{there}")


def not_applicable(hunt: Hunt, devices: Iterable[Device], seen: Sequence[Seen]) -> list[str]:
    """Return a line for each device that a hunt is not for, whose rows it therefore leaves out."""
    applies, said = hunt.applies_to, []
    wanted = ", ".join(" or ".join(each) for each in (applies.os_platform, applies.device_type) if each)
    by_id: dict[str, list[Seen]] = {}
    for each in seen:
        by_id.setdefault(each.id.lower(), []).append(each)
    for device in devices:
        mine = (device.id and by_id.get(device.id.lower())) or [
            each for each in seen if each.is_meant(device)
        ]
        if mine and all(applies.excludes(each.platform, each.kind) for each in mine):
            facts = (mine[0].platform, applies.os_platform), (mine[0].kind, applies.device_type)
            is_ = ", ".join(fact for fact, asked in facts if asked and fact)
            said.append(f"{device.name or device.id} is {is_}; the hunt is for {wanted}: not applicable")
    return said


def _examples(seen: Iterable[Seen]) -> list[str]:
    """Return a few devices: names, of each series one, as pc-001 says what the others are called, or ids where no row has a name."""
    names = sorted({each.name.partition(".")[0] for each in seen if each.name})
    series = {name.rstrip("0123456789"): name for name in reversed(names)}
    return (sorted(series.values()) or sorted({each.id for each in seen}))[:_EXAMPLES]
