"""
The app's settings, which `functions/` reads once from environment variables.

Every name is also in `local.settings.sample.json`, in the README's table and in the Bicep templates; a test
keeps the four lists equal.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, get_origin

import msgspec
from msgspec import Meta, Struct, field

from .clouds import CLOUDS, Cloud
from .errors import SettingsError
from .schedule import why_no_schedule
from .setting_values import (
    LOOPBACK,
    expected,
    plain,
    why_never_ignored,
    why_no_auto,
    why_no_folder,
    why_no_state,
    why_no_url,
    why_no_workspace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Settings(Struct, frozen=True, rename=lambda name: name.upper()):
    """Everything that a deployment can set. The README's table lists the defaults; '' means unset."""

    azure_cloud: Literal["global", "usgov", "usgovdod"] = "global"
    azure_client_id: str = ""
    graph_url: str = ""
    arm_url: str = ""
    portal_url: str = ""
    state_url: str = ""
    storage: str = field(default="", name="AzureWebJobsStorage")
    queue_service_uri: str = field(default="", name="AzureWebJobsStorage__queueServiceUri")
    http_auth: Literal["key", "entra"] = "key"
    public_url: str = ""
    comments: Literal["on", "off"] = "on"
    # Graph documents no limit; the Defender portal and Sentinel both state 30,000 characters per comment.
    comment_max_chars: Annotated[int, Meta(ge=1_000, le=30_000)] = 30_000
    comment_nothing_to_hunt: Literal["on", "off"] = "on"
    mask_secrets: Literal["on", "off"] = "on"
    # NCRONTAB, in UTC.
    watch_schedule: str = "0 * * * * *"
    watch_lookback: timedelta = timedelta(hours=1)
    watch_min_severity: Literal["informational", "low", "medium", "high"] = "low"
    late_look: Literal["on", "off"] = "on"
    sweep_schedule: str = "0 0 6 * * *"
    # Graph's quota: "at least 45 calls per minute per tenant" (security API overview).
    hunts_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = 45
    hunt_batch: Literal["on", "off"] = "on"
    hunt_concurrency: Annotated[int, Meta(ge=1, le=1_000)] = 8
    # Graph's limit is 100,000 rows per answer; one is kept back to tell "exactly" from "more than".
    max_rows: Annotated[int, Meta(ge=1, le=99_999)] = 10_000
    max_devices: Annotated[int, Meta(ge=1, le=500)] = 50
    max_indicators: Annotated[int, Meta(ge=1, le=1_000)] = 100
    ignore_indicators: str = ""
    findings_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    hunts_dir: str = ""
    hunts_auto: str = ""
    max_hunts: Annotated[int, Meta(ge=1, le=200)] = 40
    sentinel_workspace: str = ""

    website_auth_enabled: str = ""
    website_hostname: str = ""

    @property
    def cloud(self) -> Cloud:
        """The cloud's root URLs, replaced by GRAPH_URL, ARM_URL and PORTAL_URL where those are set."""
        base = CLOUDS[self.azure_cloud]
        return Cloud(
            self.graph_url.rstrip("/") or base.graph,
            self.arm_url.rstrip("/") or base.arm,
            base.login,
            self.portal_url.rstrip("/") or base.portal,
        )

    @property
    def graph_scope(self) -> str:
        """The OAuth scope for Graph: the cloud's own, even if GRAPH_URL points elsewhere."""
        return f"{CLOUDS[self.azure_cloud].graph}/.default"

    @property
    def arm_scope(self) -> str:
        """The OAuth scope for Azure Resource Manager: the cloud's own, even if ARM_URL points elsewhere."""
        return f"{CLOUDS[self.azure_cloud].arm}/.default"

    @property
    def platform_signs_in(self) -> bool:
        """Whether App Service authentication signs callers in, so that no function key is needed."""
        return signs_in({"HTTP_AUTH": self.http_auth, "WEBSITE_AUTH_ENABLED": self.website_auth_enabled})

    @property
    def batches(self) -> bool:
        """Whether the hunts of an incident, and those of a sweep, share calls."""
        return self.hunt_batch == "on"

    @property
    def looks_late(self) -> bool:
        """Whether a run whose window is still open is followed by a second look once it is over."""
        return self.late_look == "on"

    @property
    def tells_of_nothing(self) -> bool:
        """Whether an incident that names nothing to hunt for gets a comment that says so."""
        return self.comment_nothing_to_hunt == "on"

    @property
    def masks(self) -> bool:
        """Whether values that look like secrets are masked wherever they are shown."""
        return self.mask_secrets == "on"

    @property
    def root_url(self) -> str:
        """The app's root URL, as callers and browsers reach it, without a final slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme = "http" if self.website_hostname.split(":")[0] in LOOPBACK else "https"
        return f"{scheme}://{self.website_hostname}"

    @property
    def workspaces(self) -> tuple[str, ...]:
        """SENTINEL_WORKSPACE as the resource ids of the workspaces that are served, in lower case, each once."""
        ids = (part.strip().rstrip("/").lower() for part in self.sentinel_workspace.split(","))
        return tuple(dict.fromkeys(filter(None, ids)))

    @property
    def auto(self) -> tuple[str, ...]:
        """HUNTS_AUTO as its entries, each once: names of hunts, tactics, or `*`."""
        return tuple(dict.fromkeys(filter(None, map(str.strip, self.hunts_auto.split(",")))))

    @property
    def ignored(self) -> frozenset[str]:
        """IGNORE_INDICATORS as a set: addresses, CIDRs, domains and hashes, in lower case."""
        return frozenset(part.strip().lower() for part in self.ignore_indicators.split(",") if part.strip())


#: The settings that a deployer can set; WEBSITE_*, which are read too, come from the Functions host.
NAMES = tuple(f.encode_name for f in msgspec.structs.fields(Settings) if not f.name.startswith("website_"))


def signs_in(environment: Mapping[str, str]) -> bool:
    """Tell whether App Service authentication signs callers in, also where other settings cannot be read."""
    asked, platform = (
        environment.get(name, "").strip().lower() for name in ("HTTP_AUTH", "WEBSITE_AUTH_ENABLED")
    )
    return (asked, platform) == ("entra", "true")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """
    Read the settings from *environment*; an empty value counts as unset.

    Raises SettingsError, which lists every missing or wrong setting, and repeats no value that may be a secret.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for setting in msgspec.structs.fields(Settings):
        text = environment.get(setting.encode_name, "").strip()
        if not text:
            continue
        if get_origin(setting.type) is Literal:
            text = text.lower()
        try:
            # Strictly, where a number would count as seconds.
            values[setting.name] = msgspec.convert(text, setting.type, strict=setting.type is timedelta)
        except msgspec.ValidationError:
            problems.append(f"{setting.encode_name}={plain(text)!r}: write {expected(setting.type)}")
    settings = Settings(**values)  # type: ignore[arg-type]  # each was converted to its type above
    problems += _missing(settings) + _wrong(settings)
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _missing(settings: Settings) -> list[str]:
    problems = []
    if not settings.state_url:
        problems.append(
            "STATE_URL is not set: where runs and findings are kept, "
            "https://<account>.blob.core.windows.net/<container>, file:///<folder> or memory://"
        )
    if not (settings.storage or settings.queue_service_uri):
        problems.append(
            "AzureWebJobsStorage is not set, nor is AzureWebJobsStorage__queueServiceUri: "
            "runs are sent to that account's queues"
        )
    if not (settings.public_url or settings.website_hostname):
        problems.append("PUBLIC_URL is not set, and the platform gives no WEBSITE_HOSTNAME: links need one")
    return problems


def _wrong(settings: Settings) -> list[str]:
    found = {
        **{
            name: why_no_url(getattr(settings, name))
            for name in ("graph_url", "arm_url", "portal_url", "public_url")
        },
        **{name: why_no_schedule(getattr(settings, name)) for name in ("watch_schedule", "sweep_schedule")},
        "state_url": why_no_state(settings.state_url),
        "hunts_dir": why_no_folder(settings.hunts_dir),
    }
    problems = [
        f"{name.upper()}={plain(getattr(settings, name))!r}: {why}" for name, why in found.items() if why
    ]
    if not timedelta(0) < settings.watch_lookback <= timedelta(days=30):
        problems.append("WATCH_LOOKBACK must be longer than nothing and at most P30D: Graph keeps 30 days")
    problems += (
        f"IGNORE_INDICATORS: {plain(entry)!r} never matches: {reason}"
        for entry in sorted(settings.ignored)
        if (reason := why_never_ignored(entry))
    )
    problems += (
        f"SENTINEL_WORKSPACE={plain(entry)!r}: {reason}"
        for entry in settings.workspaces
        if (reason := why_no_workspace(entry))
    )
    problems += (
        f"HUNTS_AUTO={plain(entry)!r}: {reason}" for entry in settings.auto if (reason := why_no_auto(entry))
    )
    return problems
