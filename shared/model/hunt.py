"""A hunt, as its file describes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, get_args

from msgspec import Struct

from .entity import IndicatorKind

DEVICE_TYPES = frozenset({"Server", "Workstation"})
"""The device types that exclude each other; any other type is never a reason to leave a device out."""

#: What DeviceType may be besides ("DeviceInfo", Microsoft Learn, and the device inventory's filter).
DEVICE_KINDS = (
    *sorted(DEVICE_TYPES), "AudioAndVideo", "Camera", "GamingConsole", "IoT", "Mobile", "NetworkDevice", "OT",
    "Phone", "Printer", "SmartAppliance", "Unknown",
)  # fmt: skip

#: What OSPlatform is known to be, and the names of families: Microsoft lists no values, so that there may be others.
PLATFORMS = (
    "Linux", "macOS", "Windows", "Windows7", "Windows8", "Windows8Blue", "Windows10", "Windows10WVD", "Windows11",
    "WindowsServer2008R2", "WindowsServer2012", "WindowsServer2012R2", "WindowsServer2016", "WindowsServer2019",
    "WindowsServer2022", "WindowsServer2025", "Android", "ChromeOS", "iOS", "iPadOS",
)  # fmt: skip

#: What stands in OSPlatform, in lower case, where Defender does not know the system; Microsoft lists no values.
UNKNOWN_PLATFORMS = ("", "none", "other", "unknown")

#: The name that stands for every platform that begins with it, in lower case. OSPlatform tells apart "variations
#: within the same family, such as Windows 11, Windows 10 and Windows 7" ("DeviceInfo", Microsoft Learn): it is
#: `Windows11`, `WindowsServer2022`. Linux and macOS have no variations there.
FAMILIES = ("windows",)


class AppliesTo(Struct, frozen=True, rename="camel"):
    """
    The devices that a hunt is for; an empty list, or a fact that is unknown, rules no device out.

    Platforms are Defender's, such as `Linux`, `macOS` or `Windows11`; `Windows` is all whose names begin with it.
    """

    os_platform: tuple[str, ...] = ()
    device_type: tuple[str, ...] = ()

    def excludes(self, os_platform: str, device_type: str) -> bool:
        """
        Tell whether the hunt is not for a device with these facts; case is ignored.

        A fact is unknown where it is '', and a platform also where it is one of UNKNOWN_PLATFORMS.
        """
        platforms, mine = {platform.lower() for platform in self.os_platform}, os_platform.lower()
        fits = mine in platforms.union(UNKNOWN_PLATFORMS) or mine.startswith(self.families)
        return bool(platforms and not fits) or (
            device_type.lower() in {other.lower() for other in self.other_types}
        )

    @property
    def families(self) -> tuple[str, ...]:
        """Those of FAMILIES that the hunt is for."""
        wanted = {platform.lower() for platform in self.os_platform}
        return tuple(family for family in FAMILIES if family in wanted)

    @property
    def other_types(self) -> tuple[str, ...]:
        """The device types that the hunt is not for; none where it names no type of its own."""
        wanted = {name.lower() for name in self.device_type}
        return tuple(sorted(t for t in DEVICE_TYPES if t.lower() not in wanted)) if wanted else ()


EVERYWHERE = AppliesTo()

#: The hunt that returns what a device is and when it last sent data. It runs beside every device hunt.
DEVICE_CARD = "device-card"

#: The kinds of hash that a query may be made for, each with its length in hex digits.
HASHES = {"md5": 32, "sha1": 40, "sha256": 64}

#: From the most severe on.
Role = Literal["finding", "context"]
Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class Sweep(Struct, frozen=True, rename="camel"):
    """How a hunt runs over the whole fleet."""

    #: KQL that follows the query; '' for none.
    summarize: str = ""
    #: The time column that makes a row new: its value lies in the last 24 hours of the window.
    new: str = ""
    #: Length of the window, which ends when the sweep begins.
    lookback: timedelta = timedelta(days=7)
    #: Whether new rows are commented on the open incidents of their devices.
    comment: bool = False


class Enrichment(Struct, frozen=True, rename="camel"):
    """The `enrichment` block of a hunt file. Durations are ISO 8601 in the file, at most 30 days."""

    entity: Literal["device", "indicator"] = "device"
    #: What else than the tenant's tables a device hunt may read.
    allow: tuple[Literal["externaldata"], ...] = ()
    #: The kinds of indicator that an indicator hunt takes; empty for a device hunt.
    kinds: tuple[IndicatorKind, ...] = ()
    #: The parameter that an indicator hunt's query declares itself, with the kind of value that takes the literal's place:
    #: an indicator's, or one of HASHES.
    binds: dict[str, str] = {}
    applies_to: AppliesTo = EVERYWHERE
    #: `context` where rows are what is normal there, as of a baseline: more of them later are no news.
    role: Role = "finding"
    #: How much its rows matter: hunts of high severity run first, and are told first.
    severity: Severity = "medium"
    #: How long before an incident's first activity the window starts.
    lookback: timedelta = timedelta(days=1)
    #: How long after an incident's last activity the window ends.
    lookahead: timedelta = timedelta(days=1)
    #: The longest window; of a longer one, the most recent part is kept.
    max_window: timedelta = timedelta(days=7)
    #: The columns to show; where empty, the first six that are neither a time nor an internal id.
    columns: tuple[str, ...] = ()
    #: The column whose values are counted over the fleet, one of `vocabulary.COUNTED`; '' for none.
    prevalence: str = ""
    #: What it means if the hunt finds rows.
    means: str = ""
    false_positives: tuple[str, ...] = ()
    #: What the hunt cannot see although it is what it looks for.
    blind_spots: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    sweep: Sweep | None = None


class Hunt(Enrichment, frozen=True, kw_only=True, rename="camel"):
    """
    One hunt.

    `name` is its file's name in kebab-case, `title` the `name` in the file, which people read. `tables` are
    the tables with device data that the query names. `reach` is how far back the query itself looks, with ago()
    or now(), from the end of the window; None where it calls neither. `carries` are those of DeviceId,
    DeviceName, Indicator and Timestamp that each of its rows has for certain. `shipped` says that the hunt comes
    with the app; `auto` that it runs by itself, since its file has an `enrichment` block.
    """

    name: str
    title: str
    id: str
    version: str
    query: str
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    reach: timedelta | None = None
    carries: frozenset[str] = frozenset()
    shipped: bool = False
    auto: bool = False
