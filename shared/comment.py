"""
Outcomes -> the comment an analyst reads at 3 a.m.

Verdict first, then the device, what was found and why it matters, what was not looked at and why, what was clean.
Plain text that reads well in a proportional font: nobody documents whether Defender renders anything else.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from . import marker, neutral
from .outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .catalog import Hunt
    from .entities import Chosen, Indicator
    from .findings import Group

_CELL = 160
_REASON = 300
_LABEL = 60
#: Groups a hunt, devices and lines a list may take: the first that fits is taken.
_SIZES = ((12, 10, 20), (6, 10, 20), (3, 5, 10), (1, 3, 5), (0, 1, 3))
# Columns whose whole value is an address, a domain or a URL: bare domains are links, too.
_NAMES = ("url", "domain", "remoteip", "originip", "referrer", "indicator", "publicip")


class Content(Struct, frozen=True):
    """All that a comment says."""

    run_id: str
    chosen: Chosen
    outcomes: tuple[Outcome, ...]
    hunts: dict[str, Hunt]
    cards: tuple[dict[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    report_url: str = ""


def verdict(content: Content) -> str:
    """Say in one line what came out; never *nothing* where something was not looked at."""
    counted = Counter(outcome.outcome for outcome in content.outcomes)
    found, nothing, failed = counted["found"], counted["nothingFound"], counted["notRun"]
    ran = found + nothing + failed
    where = _where(content, "found" if found else "nothingFound")
    if not content.outcomes:
        return f"nothing to hunt for {where}".rstrip()
    if found:
        text = f"{found} of {_count(ran, 'hunt')} found something {where}"
    elif nothing:
        text = f"{_count(nothing, 'hunt')} found nothing {where}"
    elif failed:
        text = f"FAILED: none of {_count(failed, 'hunt')} could be run {where}"
    elif counted["noTelemetry"]:
        return f"no telemetry {where}: nothing could be looked at"
    else:
        return f"no hunt applies {where}"
    if failed and (found or nothing):
        text += f"; {failed} could not be run"
    silent = [d.device for o in content.outcomes for d in o.devices if d.outcome == "noTelemetry"]
    return f"{text}; no telemetry{_on(_short(silent))}" if silent else text


def render_text(content: Content, *, max_chars: int, secrets: bool = True) -> str:
    """
    Write the comment as plain text of at most *max_chars* characters (at least 1,000), always in whole rows.

    *secrets* False leaves what looks like a secret unmasked (MASK_SECRETS=off).
    """
    last = marker.line(content.run_id, marker.digest(content.outcomes, content.chosen))
    head = f"Outrider: {verdict(content)}"
    for size in _SIZES:
        body = "\n\n".join(part for part in _parts(content, *size, secrets=secrets) if part)
        text = f"{head}\n\n{body}\n\n{_link(content)}{last}"
        if len(text) <= max_chars:
            return text
    return f"{head}\n\nToo much to show here.\n\n{_link(content)}{last}"


def cell(column: str, value: str, *, secrets: bool, length: int = _CELL) -> str:
    """Write one value of a row: masked, harmless, clipped."""
    masked = neutral.mask(value) if secrets else value
    if any(name in column.lower() for name in _NAMES):
        masked = neutral.defang_name(masked)
    return neutral.clip(neutral.inert(masked), length)


def when(time: str) -> str:
    """Write a Graph time as `2026-11-24 02:14:05`."""
    return time[:19].replace("T", " ")


def _parts(content: Content, rows: int, devices: int, lines: int, *, secrets: bool) -> Iterable[str]:
    by_outcome: dict[str, list[Outcome]] = {}
    for outcome in content.outcomes:
        by_outcome.setdefault(outcome.outcome, []).append(outcome)
    # A line of ours begins with a word of ours: a device named "FOUND: …" must not look like one.
    yield _lines((f"Device {device_line(card)}" for card in content.cards), devices, "device")
    # Fewest rows first: a hunt that finds three things says more than a baseline that finds three hundred.
    for outcome in sorted(by_outcome.get("found", ()), key=lambda o: (o.found.rows, o.hunt)):
        yield "\n".join(_finding(outcome, content.hunts.get(outcome.hunt), rows, secrets=secrets))
    yield _lines(
        (f"NOT RUN: {_name(o)}: {_plain(o.reason, _REASON)}" for o in by_outcome.get("notRun", ())),
        lines,
        "hunt",
    )
    rest = [
        *_each("Not applicable", "notApplicable", content.outcomes),
        *_each("No telemetry", "noTelemetry", content.outcomes),
        *_each("Nothing found", "nothingFound", content.outcomes),
    ]
    yield _lines(rest, lines, "line")
    yield _lines(
        [
            *_windows(content.outcomes),
            *(_plain(note, _REASON) for note in content.notes),
            *_dropped(content.chosen),
        ],
        lines,
        "line",
    )


def _finding(outcome: Outcome, hunt: Hunt | None, shown_groups: int, *, secrets: bool) -> Iterable[str]:
    found = outcome.found
    total = f"more than {found.rows:,}" if found.more else f"{found.rows:,}"
    devices = [_plain(d.device, _LABEL) for d in outcome.devices if d.outcome == "found"]
    yield f"FOUND: {_name(outcome)}: {total} {'row' if found.rows == 1 else 'rows'}{_on(devices)}"
    if hunt and hunt.means:
        yield _one_line(hunt.means)
    groups = found.groups[:shown_groups]
    if groups:
        yield "  times seen · first and last time · " + " · ".join(found.shown)
    for group in groups:
        yield f"• {_group(group, found.shown, secrets=secrets)}"
    covered = sum(group.count for group in groups)
    if covered < found.rows or found.more:
        yield f"  {covered:,} of {total} rows shown, rarest first"
    if hunt and hunt.next_steps:
        yield "Next: " + " ".join(_one_line(step) for step in hunt.next_steps)
    if hunt and hunt.false_positives:
        yield "May be harmless: " + "; ".join(_one_line(text) for text in hunt.false_positives)


def _group(group: Group, columns: tuple[str, ...], *, secrets: bool) -> str:
    times = when(group.first) if group.first == group.last else f"{when(group.first)} to {when(group.last)}"
    values = [
        cell(column, value, secrets=secrets) or "(empty)"
        for column, value in zip(columns, group.values, strict=True)
    ]
    return " · ".join((f"{group.count:,}×", times, *values))


def device_line(card: dict[str, str]) -> str:
    """Write the device card as one line."""
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
        f"last seen {when(card['LastSeen'])}" if card.get("LastSeen") else "",
        f"exposure {card['ExposureLevel'].lower()}" if card.get("ExposureLevel") else "",
        f"value {card['AssetValue'].lower()}" if card.get("AssetValue") else "",
        "internet-facing" if card.get("IsInternetFacing") in ("true", "1") else "",
        f"tags {_tags(card)}" if _tags(card) else "",
        f"users {_users(card)}" if _users(card) else "",
    ]
    name = _plain(card.get("DeviceName") or card.get("DeviceId", ""), _LABEL)
    return f"{name}: " + ", ".join(_plain(fact, 120) for fact in facts if fact)


def _tags(card: dict[str, str]) -> str:
    tags: list[str] = []
    for column in ("RegistryDeviceTag", "DeviceManualTags", "DeviceDynamicTags"):
        text = card.get(column, "")
        tags += _list(text) if text.startswith("[") else [text] if text else []
    return ", ".join(dict.fromkeys(tags))


def _users(card: dict[str, str]) -> str:
    return ", ".join(_list(card.get("LoggedOnUsers", "")))


def _list(text: str) -> list[str]:
    """Read Defender's JSON in a string: a list of strings, or of objects with a UserName."""
    try:
        items = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return [text] if text else []
    if not isinstance(items, list):
        return [text]
    return [str(item.get("UserName", "")) if isinstance(item, dict) else str(item) for item in items if item]


def _each(heading: str, ending: str, outcomes: Iterable[Outcome]) -> Iterable[str]:
    """One line a hunt and reason: which devices it holds for, the hunt's own outcome being another or not."""
    for outcome in outcomes:
        if not outcome.devices:
            if outcome.outcome == ending:
                yield f"{heading}: {_name(outcome)}{_because(outcome.reason)}"
            continue
        by_reason: dict[str, list[str]] = {}
        for device in outcome.devices:
            if device.outcome == ending:
                by_reason.setdefault(device.reason, []).append(_plain(device.device, _LABEL))
        for reason, devices in by_reason.items():
            yield f"{heading}: {_name(outcome)}{_on(devices)}{_because(reason)}"


def _windows(outcomes: Iterable[Outcome]) -> Iterable[str]:
    by_window: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.window is None or outcome.outcome in ("notRun", "notApplicable"):
            continue
        window = outcome.window
        text = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        if window.own:
            text = "the hunt's own window"
        by_window.setdefault(f"{text}{_because(window.cut)}", []).append(_name(outcome))
    for text, names in by_window.items():
        yield f"Looked at: {text}" + (f" [{', '.join(names)}]" if len(by_window) > 1 else "")


def _dropped(chosen: Chosen) -> Iterable[str]:
    counted = Counter((drop.kind, drop.reason) for drop in chosen.dropped)
    if counted:
        yield "Not hunted: " + "; ".join(
            f"{count} {kind} ({reason})" for (kind, reason), count in counted.items()
        )


def _where(content: Content, ending: str) -> str:
    hit = [
        d.device for o in content.outcomes if o.outcome == ending for d in o.devices if d.outcome == ending
    ]
    names = {card["DeviceId"].lower(): card["DeviceName"] for card in content.cards}
    devices = hit or [names.get(device.id) or device.label for device in content.chosen.devices]
    if devices:
        return _on(_short(devices)).strip()
    return _for(content.chosen.indicators)


def _short(devices: Iterable[str]) -> Iterable[str]:
    return (_plain(name.split(".")[0], _LABEL) for name in dict.fromkeys(devices))


def _for(indicators: tuple[Indicator, ...]) -> str:
    shown = [
        cell(indicator.kind + "url", indicator.value, secrets=False, length=_LABEL)
        for indicator in indicators
    ]
    return f"for {_join(shown, 'indicator')}" if shown else ""


def _on(devices: Iterable[str]) -> str:
    names = list(devices)
    return f" on {_join(names, 'device')}" if names else ""


def _join(names: list[str], noun: str, most: int = 3) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more {noun}s"


def _because(reason: str) -> str:
    return f" ({_plain(reason, _REASON)})" if reason else ""


def _lines(lines: Iterable[str], most: int, noun: str) -> str:
    every = list(lines)
    cut = [f"… and {_count(len(every) - most, f'more {noun}')}"] if len(every) > most else []
    return "\n".join([*every[:most], *cut])


def _link(content: Content) -> str:
    return f"Report: {content.report_url}\n" if content.report_url else ""


def _name(outcome: Outcome) -> str:
    return _plain(outcome.hunt, _LABEL)


def _plain(text: str, length: int) -> str:
    return neutral.clip(neutral.inert(text), length)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
