"""What an attacker repeats to keep the search for secrets busy: every piece that its patterns know."""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING

from shared.comment import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Pieces that took long once, and such as begin what does not end: quotes, escapes, options, blanks.
OTHERS = (
    "mysql", "eyJ-", "eyJ-eyJ-.", "a-", "a.", "a:", "a:b@", "://", "://a:", '"', "'", '\\"', "\\", "'\"", '" \'', " ", "  x", "\t",
    "; ", "a|", "-", " -e ", "-e AAAA", f"-enc {'A' * 30}! ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "$6$", "Q~", "aaa1Q~",
    f"{'a' * 31}:", f"{'0' * 32}:", "00000000:AA", "jdbc:oracle:thin:a/b", "a@b:", "x -AsPlainText", "'x -AsPlainText ", "%", "a",
    "a.example", "example.", "xn--", "www.", "[.]", "1.2.3.", "mailto:", "Outrider ", " · ", "·", "=", ";=", "; ", "@", "http",
)  # fmt: skip


#: How many of each kind are tried at 256 KB: those that grow most.
_LONGEST = 3


def repeats() -> dict[str, tuple[str, ...]]:
    """Return what an attacker would repeat, by where it comes from."""
    return {
        "tools": tuple(
            f"{name} {_filled(form)} "
            for tool in forms.TOOLS
            for name in tool.names.split()[:1]
            for form in tool.forms
        ),
        "names": tuple(f"{tool.names.split()[0]} " for tool in forms.TOOLS),
        "keys": tuple(
            written
            for key in (*forms.KEYS[::3], *forms.WHOLE_KEYS[::2])
            for written in (key, f"{key}=", f"--{key} ", f'"--{key}="', f'{key}\\":\\"')
        ),
        "looks": tuple(
            written
            for look in forms.LOOKS
            for begins in look.begins.split()[:1]
            for written in (begins, f"{begins} ", f"{begins}-")
        ),
        "addresses": (
            *forms.WEBHOOKS, *(f"&{name}=" for name in (*forms.PARAMETERS, *forms.SOMETIMES)),
            *(f"?{name}=a1" for name in forms.SOMETIMES),
        ),
        "others": (*OTHERS, *(word for shape in forms.SHAPES for word in shape.holds.split())),
    }  # fmt: skip


def grows_too_fast(
    work: Callable[[str], object], units: Iterable[str], most: float = 2.5
) -> dict[str, float]:
    """
    Return the units for which *work* takes more than *most* times its share of a longer text, and how much more.

    The share is what 16 KB take: of 64 KB four times that, and of 256 KB, which those that grow most are given, 16
    times; in quadratic time it is 16 and 256 times. What is compared is the processor time of this thread, at its
    least, so that a busy machine does not count.
    """
    shorter = {unit: _growth(work, unit, 64, 1) for unit in units}
    longest = heapq.nlargest(_LONGEST, shorter, key=lambda unit: shorter[unit])
    grown = {unit: _growth(work, unit, 256, 1) for unit in longest if shorter[unit] <= most}
    # Whoever looks slow may have been unlucky.
    slow = [unit for unit, by in (shorter | grown).items() if by > most]
    return {unit: by for unit in slow if (by := _growth(work, unit, 64, 5)) > most}


def text_of(unit: str, length: int) -> str:
    """Return *unit* as often as fits *length* characters, and at least that long."""
    return unit * (length // len(unit) + 1)


def least_seconds(work: Callable[[str], object], text: str, times: int) -> float:
    """Return the least processor time that *work* on *text* takes."""
    taken = []
    for _ in range(times):
        started = time.thread_time()
        work(text)
        taken.append(time.thread_time() - started)
    return min(taken)


def _growth(work: Callable[[str], object], unit: str, kilobytes: int, times: int) -> float:
    """Return how much more than its share of the time for 16 KB a longer text takes."""
    # What takes less than half a millisecond is not measured well, and harms nobody.
    first = max(least_seconds(work, text_of(unit, 16 * 1024), times + 1), 0.0005)
    return least_seconds(work, text_of(unit, kilobytes * 1024), times) / first / (kilobytes / 16)


def _filled(form: str) -> str:
    return form.replace("SECRET", "x").replace("NAME", "y").replace("NUMBER", "1").replace("…", "z")
