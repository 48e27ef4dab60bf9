"""What in a query counts the fleet's devices: held to the devices of an incident, it counts these alone."""

from __future__ import annotations

from .lexer import lex
from .problem import Problem, Problems

_COUNTS = {"dcount", "dcountif", "count_distinct", "count_distinctif"}
_DEVICES = {"DeviceId", "DeviceName"}


def counts_of_devices(query: str) -> tuple[Problem, ...]:
    """Return where a query that can be read counts devices, each with what to write instead."""
    found = Problems(query)
    tokens = lex(query)
    for name, bracket, column in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if name.text in _COUNTS and bracket.text == "(" and column.text in _DEVICES:
            found.add(
                name,
                f"{name.text}({column.text}) counts the incident's devices, not the fleet's: where it tells what is rare, "
                "write enrichment.prevalence: with a column instead",
            )
    return found.all
