"""What `kql/write` writes is read back as it was, by a reader of our own and by DuckDB: no Node is needed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.telemetry.engine import Engine
from shared.kql import literals, write
from shared.kql.lexer import lex
from shared.kql.read import read_query
from shared.model.entity import Device, Indicator
from shared.model.hunt import AppliesTo

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IDS = {system: f"{number:040x}" for number, system in enumerate(("LINUX", "Linux", "Windows11", ""))}

#: "The string data type", KQL reference: what may follow a backslash, and what it then means.
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "'": "'"}
_PIECE = re.compile(r"""\\u([0-9a-f]{4})|\\(["'\\tnrbf])|([^"\\\r\n])""")

ODD = st.text(st.characters(exclude_categories=())) | st.lists(
    st.sampled_from(
        ["\\", '"', "'", "\n", "\r", "\x00", "\u2028", "\ud800", "\\u0022", "//", "|", ";", "😀", "a", " "]
    )
).map("".join)


def read(literal: str) -> str:
    """Read a KQL string in double quotes, as its reference describes it, not as JSON. Raises AssertionError."""
    assert literal[0] == literal[-1] == '"', literal
    value, at, inside = "", 0, literal[1:-1]
    while at < len(inside):
        piece = _PIECE.match(inside, at)
        assert piece, inside[at:]
        code, escaped, plain = piece.groups()
        value += chr(int(code, 16)) if code else ESCAPES[escaped] if escaped else plain
        at = piece.end()
    return value


def units(text: str) -> bytes:
    """Return a text in UTF-16, in which two surrogates in a row are one character."""
    return text.encode("utf-16-le", "surrogatepass")


@pytest.mark.fault("C", before="with literals written without escapes, only tests that need Node failed")
@given(ODD)
@example('"')
@example("\\")
@example('\\"; DeviceInfo | take 1 //')
def test_any_value_is_one_token_that_reads_back_as_it_was(value: str) -> None:
    """Our lexer sees a single string, whatever the value holds, and its escapes mean the value."""
    (token,) = lex(literals.literal(value))

    assert "string" == token.kind
    assert units(value) == units(read(token.text))


@pytest.mark.fault("C", before="with literals written without escapes, only tests that need Node failed")
@given(st.lists(ODD.filter(str.strip), min_size=1, max_size=4))
def test_values_in_a_query_are_its_only_strings(values: list[str]) -> None:
    """A query bound to any indicators has one string for each, sorted, and the tokens of its own text after them."""
    query = write.indicator_query(
        "T | where U in (_Urls)", [Indicator("url", v) for v in values], take=7, end=NOW
    )
    tokens = lex(query)

    assert [units(value) for value in sorted(set(values))] == [
        units(read(token.text)) for token in tokens if token.kind == "string"
    ]
    assert "T | where U in ( _Urls ) | take 7" == " ".join(token.text for token in tokens[-11:])


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Telemetry of four devices, one of each system; the same in two cases are two."""
    engine = Engine()
    engine.load(
        "DeviceInfo",
        [
            {"Timestamp": NOW, "DeviceId": each, "OSPlatform": system, "DeviceType": "SERVER"}
            for system, each in IDS.items()
        ],
    )
    return engine


@pytest.mark.fault("C", before="with literals written without escapes, only tests that need Node failed")
@settings(max_examples=60)
@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
@example(value='" or 1 == 1 or "')
@example(value="\\")
def test_an_executed_literal_is_the_value(value: str, engine: Engine) -> None:
    """DuckDB compares a column with the literal, and returns it as it was, quotes and backslashes included."""
    query = f"print V = {literals.literal(value)} | where V == {literals.literal(value)}"
    _, rows = engine.hunt(query, start=NOW, end=NOW, now=NOW)

    assert [{"V": value}] == rows


@pytest.mark.fault("C", before="with `!in` or `in` for `!in~` and `in~`, only tests that need Node failed")
@pytest.mark.parametrize(
    ("applies_to", "expected"),
    [
        (AppliesTo(os_platform=("linux",)), {"LINUX", "Linux", ""}),
        (AppliesTo(os_platform=("WINDOWS11", "macOS")), {"Windows11", ""}),
        (AppliesTo(device_type=("Workstation",)), set()),
        (AppliesTo(device_type=("server",)), {"LINUX", "Linux", "Windows11", ""}),
    ],
)
def test_systems_and_types_match_in_any_case(
    applies_to: AppliesTo, expected: set[str], engine: Engine
) -> None:
    """Where Defender spells a system otherwise, its devices are hunted all the same, and others are not."""
    devices = [Device(each) for each in IDS.values()]
    query = write.device_query(
        "DeviceInfo | project OSPlatform", devices, take=9, end=NOW, applies_to=applies_to
    )
    _, rows = engine.hunt(query, start=NOW, end=NOW, now=NOW)

    assert expected == {row["OSPlatform"] for row in rows}


@pytest.mark.fault("C", before="without `in~` among the lexer's words, only tests that need Node failed")
@pytest.mark.parametrize("operator", ["in", "in~", "!in", "!in~"])
def test_a_table_in_a_list_is_read_as_a_table(operator: str) -> None:
    """What stands in the brackets could read more than the scope allows, so it is refused for any spelling."""
    (problem,) = read_query(
        f"DeviceInfo | where DeviceId {operator} (Custom_CL | project DeviceId)", scoped=True
    ).problems

    assert "Custom_CL" in str(problem)


@pytest.mark.fault("C", before="without `in~` in the lexer's pattern, only tests that need Node failed")
def test_in_with_a_tilde_is_one_word() -> None:
    """It is an operator of its own, whatever follows it."""
    assert ["A", "in~", "(", "B", ")"] == [token.text for token in lex("A in~(B)")]
