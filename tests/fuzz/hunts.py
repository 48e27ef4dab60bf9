"""Target: a hunt file loads as a hunt that reads within its scope, or is refused with each problem's place."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from shared.catalog.file import read_hunt
from shared.errors import HuntError
from shared.kql.lexer import lex
from shared.kql.write import device_query, indicator_query
from shared.model.entity import INDICATOR_KINDS, Device, Indicator
from tests.support.hunt_files import six_files
from tests.support.said import NOW

from .target import Target

FILES = six_files()
#: A table that no hunt of a device may read.
_FOREIGN = "EmailEvents"
#: In place of a scalar: other types, odd numbers and times, halves of YAML, names that are none.
ODD_YAML = (
    "2026-02-30", "9" * 5_000, "{" * 3_000, "[" * 50_000, "{a: " * 3_000, "- " * 3_000, "2026-13-45T99:99:99Z", "0b" + "1" * 9_000, "!!timestamp x",
    "!!int x", "!!float x", "!!set x",
    "", "~", "[]", "{}", "true", "1.10", "0o7", "1e400", ".nan", ".inf", "-1", "'", '"', "|", ">", "- x", "&a [*a]", "*a", "!!python/object:os.system x",
    "!!binary x", "? x", "2026-02-03", "P1D", "P-1D", "P999999999D", "indicator", "device", "[ip, ip]", "\t", "\u202ex", "\x7f", "調査", "x: y", "<<: {}", "@", "`",
    "%TAG", "---", "...", "# x", '"\\ud83d"', '"\\x00"', "T1560.0011111", "[[[[]]]]", "0x" + "f" * 40,
)  # fmt: skip
#: In a query: what might read more than the scope, or end in the middle.
ODD_KQL = (
    f"| extend a = bool(') | union ({_FOREIGN}) //')", "(" * 3_000, "{" * 50_000, '| where a == guid("\n', "range x from 1 to 1e11 step 1",
    f"| union {_FOREIGN}", f"| union (\n{_FOREIGN} | take 1)", f"| join ({_FOREIGN}) on DeviceId", f"; {_FOREIGN}", f"let X = {_FOREIGN};",
    f"| where x in (({_FOREIGN}))", f"// {_FOREIGN}\n", f'| extend a = "{_FOREIGN}"', f"| extend a = ```{_FOREIGN}```", f"| extend a = @'{_FOREIGN}'",
    f"| extend toscalar({_FOREIGN})", f"materialize({_FOREIGN})", f"['{_FOREIGN}']", f"table('{_FOREIGN}')", "(", ")", "[", "{", "]", "}", '"', "'", "```", "\\", "|",
    ";", ",", "ago(1d)", "let DeviceInfo = 1;", "_DeviceIds", "evaluate bag_unpack(x)", "\x00", "\u2028", "é", "datetime(2026-01-01)", "take 5",
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> str:
    """Draw a shipped hunt file, some of whose values, lines, characters and pieces of query are others."""
    lines = draw(st.sampled_from(FILES)).splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(("value", "query", "drop", "twice", "indent", "character"))):
            case "value":
                lines[at] = re.sub(r"(?<=[:-] ).*$", lambda _: draw(st.sampled_from(ODD_YAML)), lines[at])
            case "query":
                lines[at] += " " + draw(st.sampled_from(ODD_KQL))
            case "drop":
                lines[at] = ""
            case "twice":
                lines.insert(at, lines[at])
            case "indent":
                lines[at] = " " * draw(st.integers(0, 8)) + lines[at].lstrip()
            case _:
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = (
                    lines[at][:place]
                    + draw(st.characters(exclude_categories=["Cs"]))
                    + lines[at][place + 1 :]
                )
    return "\n".join(lines) + "\n"


def hunt_files(text: str) -> str:
    """A file is a hunt or an error; a hunt's texts are texts, and it reads what it is bound to and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a-hunt.yaml"
        file.write_text(text, encoding="utf-8", newline="")
        try:
            hunt, notices = read_hunt(file)
        except HuntError as error:
            assert error.problems
            for problem in error.problems:
                assert re.match(r"a-hunt\.yaml:[1-9][0-9]*:[1-9][0-9]*: \S", problem), problem
                assert msgspec.json.encode(problem)
            return "refused"
        assert all(isinstance(each, str) for each in notices)
    assert ("a-hunt", True) == (hunt.name, bool(re.fullmatch("[0-9a-f-]{36}", hunt.id)))
    assert all(
        isinstance(each, str)
        for each in (hunt.title, hunt.version, hunt.query, *hunt.tactics, *hunt.techniques)
    )
    assert msgspec.json.encode(hunt)
    if hunt.entity == "indicator":
        assert lex(
            indicator_query(
                hunt.query, [Indicator(kind, "203.0.113.9") for kind in INDICATOR_KINDS], take=9, end=NOW
            )
        )
        return "for indicators"
    assert _FOREIGN not in {token.text for token in lex(hunt.query)}
    assert _FOREIGN not in hunt.tables
    bound = device_query(hunt.query, [Device("a" * 40)], take=9, end=NOW, applies_to=hunt.applies_to)
    shadowed = set(re.findall(r"^let (\w+) =", bound, re.MULTILINE))
    assert set(hunt.tables) <= shadowed
    return "for devices"


TARGETS = {"hunt-files": Target(files(), hunt_files)}
