"""Write what Defender last knew of a device as one line."""

from __future__ import annotations

import msgspec

from shared.decoding import decode_any

from . import neutral

_NAME = 60
_FACT = 120


def device_line(card: dict[str, str]) -> str:
    """Write a row of the device card as one line, harmless as plain text."""
    kind = (
        " ".join(filter(None, (card.get("OSPlatform", ""), card.get("DeviceType", "").lower())))
        or "type unknown"
    )
    system = card.get("OSDistribution", "")
    version = card.get("OSVersionInfo", "")
    facts = [
        kind,
        " ".join(filter(None, (system, version))),
        card.get("OnboardingStatus", "").lower(),
        f"last seen {neutral.time(card['LastSeen'])}" if card.get("LastSeen") else "",
        f"exposure {card['ExposureLevel'].lower()}" if card.get("ExposureLevel") else "",
        f"value {card['AssetValue'].lower()}" if card.get("AssetValue") else "",
        "internet-facing" if card.get("IsInternetFacing") in ("true", "1") else "",
        f"tags {_tags(card)}" if _tags(card) else "",
        f"users {_users(card)}" if _users(card) else "",
    ]
    name = neutral.label(card.get("DeviceName") or card.get("DeviceId", ""), _NAME)
    return f"{name}: " + ", ".join(neutral.label(fact, _FACT) for fact in facts if fact)


def _tags(card: dict[str, str]) -> str:
    tags: list[str] = []
    for column in ("RegistryDeviceTag", "DeviceManualTags", "DeviceDynamicTags"):
        text = card.get(column, "")
        tags += _list(text) if text.startswith("[") else [text] if text else []
    return ", ".join(dict.fromkeys(tags))


def _users(card: dict[str, str]) -> str:
    return ", ".join(_list(card.get("LoggedOnUsers", "")))


def _list(text: str) -> list[str]:
    """Read JSON text from Defender: a list of strings, or of objects with a UserName."""
    try:
        items = decode_any(text)
    except msgspec.DecodeError:
        return [text] if text else []
    if not isinstance(items, list):
        return [text]
    return [str(item.get("UserName", "")) if isinstance(item, dict) else str(item) for item in items if item]
