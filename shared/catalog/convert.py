"""Turn what a hunt file says into values of the model's types; what does not fit is told with what to write."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec

from shared.model.hunt import AppliesTo, Enrichment, Sweep

from .nearest import meant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import Struct

    from .source import Source

_EXPECTED = re.compile(r"Expected `(?P<kind>\w+)[^`]*`, got `[^`]*`")
_WRITE = {
    "array": "write a list, as in [a, b]",
    "object": "write keys and values, as in a: b",
    "str": "write a text",
}
#: Fields whose values have keys of their own.
_BLOCKS: dict[str, type[AppliesTo | Sweep]] = {"applies_to": AppliesTo, "sweep": Sweep}
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def convert(
    kind: type[Struct], source: Source, path: tuple[str, ...], content: Any, problems: list[str]
) -> dict[str, Any]:
    """
    Convert the mapping at *path* key by key, so that one wrong key does not hide the next.

    Returns the values of *kind*'s fields that are there and right; a key without a value counts as not there.
    What is wrong is added to *problems*, as are keys that *kind* does not have, unless *path* is the whole file.
    """
    if not isinstance(content, dict):
        problems.append(source.problem(path, _WRITE["object"]))
        return {}
    fields = _fields(kind)
    if path:
        known = [f.encode_name for f in fields]
        problems += [
            source.problem(
                (*path, key), f"unknown; there are {', '.join(known)}{_better(key, path, known)}", at_key=True
            )
            for key in content
            if key not in known
        ]
    values = {}
    for f in fields:
        here = (*path, f.encode_name)
        value = content.get(f.encode_name)
        if value is None:
            if f.required:
                problems.append(source.problem(here, "is missing"))
        elif f.name in _BLOCKS:
            values[f.name] = _BLOCKS[f.name](**convert(_BLOCKS[f.name], source, here, value, problems))
        else:
            try:
                values[f.name] = _value(value, f.type)
            except msgspec.ValidationError as error:
                problems.append(source.problem(here, _advice(str(error), f.type)))
    return values


def _better(key: str, path: tuple[str, ...], known: Iterable[str]) -> str:
    """Return the end of a problem's text: where an unknown key belongs, or which key was probably meant; '' for neither."""
    for field, kind in _BLOCKS.items():
        name = next(f.encode_name for f in _fields(Enrichment) if f.name == field)
        if len(path) == 1 and key in (f.encode_name for f in _fields(kind)):
            return f"; it belongs below {name}: indent it more"
    if len(path) > 1 and key in (f.encode_name for f in _fields(Enrichment)):
        return f"; it belongs into {path[0]} itself: indent it less"
    return meant(key, known)


# Their types are worked out anew at each call.
_fields = cache(msgspec.structs.fields)


def _value(value: Any, kind: Any) -> Any:
    if kind is not bool:
        return msgspec.convert(value, kind)
    if not isinstance(value, str) or value.lower() not in _TRUTH:
        raise msgspec.ValidationError("write true or false")
    return _TRUTH[value.lower()]


def _advice(error: str, kind: Any) -> str:
    """Add to an error of msgspec's what to write instead, and leave the place that it names at its end."""
    text, at, place = error.partition(" - at `$")
    if expected := _EXPECTED.fullmatch(text):
        text = _WRITE.get(expected["kind"], text)
    elif text.startswith("Invalid enum"):
        text += f"; write one of {', '.join(_options(kind))}"
    elif text.startswith(("Invalid ISO8601", "Only units")):
        text += "; write one such as P1D or PT6H"
    return text + at + place


def _options(kind: Any) -> tuple[str, ...]:
    """Return the texts that a type allows, or those of the items in a list."""
    arguments = get_args(kind)
    return arguments if get_origin(kind) is Literal or not arguments else _options(arguments[0])
