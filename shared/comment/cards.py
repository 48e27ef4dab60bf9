"""Write what Defender last knew of a device as one line."""

from __future__ import annotations

import re

import msgspec

from shared.decoding import decode_any

from . import neutral

_NAME = 60
_FACT = 40
#: Tags or users that are named.
_MOST = 5
_SEPARATORS = re.compile(r"[,;:\"\u201c\u201d](?!\d)")


def device_line(card: dict[str, str]) -> str:
    """Write a row of the device card as one line, harmless as plain text."""
    kind = " ".join(
        filter(None, (_fact(card.get("OSPlatform", "")), _fact(card.get("DeviceType", "").lower())))
    )
    system, version = _fact(card.get("OSDistribution", "")), _fact(card.get("OSVersionInfo", ""))
    facts = [
        kind or "type unknown",
        " ".join(filter(None, (system, version))),
        _fact(card.get("OnboardingStatus", "").lower()),
        f"last seen {_fact(neutral.time(card['LastSeen'])[:16])} UTC" if card.get("LastSeen") else "",
        f"exposure {_fact(card['ExposureLevel'].lower())}" if card.get("ExposureLevel") else "",
        f"value {_fact(card['AssetValue'].lower())}" if card.get("AssetValue") else "",
        "internet-facing" if card.get("IsInternetFacing") in ("true", "1") else "",
        _listed("tags", _tags(card)),
        _listed("users", _list(card.get("LoggedOnUsers", ""))),
    ]
    name = neutral.name(card.get("DeviceName") or card.get("DeviceId", ""), _NAME)
    return f"{name}: " + ", ".join(filter(None, facts))


def _fact(text: str) -> str:
    """Write what Defender says; with a sign that separates facts in it, it is put in quotes."""
    return neutral.quoted(text, _FACT) if _SEPARATORS.search(text) else neutral.label(text, _FACT)


def _listed(what: str, names: list[str]) -> str:
    """Write names that somebody chose, each in quotes, so that none of them passes for a fact."""
    if not names:
        return ""
    shown = ", ".join(neutral.quoted(name, _NAME) for name in names[:_MOST])
    return f"{what} {shown}" + (f" and {len(names) - _MOST:,} more" if len(names) > _MOST else "")


def _tags(card: dict[str, str]) -> list[str]:
    tags: list[str] = []
    for column in ("RegistryDeviceTag", "DeviceManualTags", "DeviceDynamicTags"):
        text = card.get(column, "")
        tags += _list(text) if text.startswith("[") else [text] if text else []
    return list(dict.fromkeys(tags))


def _list(text: str) -> list[str]:
    """Read JSON text from Defender: a list of strings, or of objects with a UserName."""
    try:
        items = decode_any(text)
    except msgspec.DecodeError:
        return [text] if text else []
    if not isinstance(items, list):
        return [text]
    names = (item.get("UserName") if isinstance(item, dict) else item for item in items)
    return [str(name) for name in names if name]
