"""Broken JSON is mended as far as it can be, in time that grows with its length, and fails in one way else."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decoding import TOO_DEEP, bounded, decode, decode_any, decode_strictly, was_mended, writable
from tests.support.odd import CESU, DEEP, HALF, HUGE


@pytest.mark.fault("A13", before="DecodeError, UnicodeDecodeError or RecursionError")
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'["\\ud83d"]', ["\\ud83d"]),
        (b'["\\uDE00 \\\\ud83d \\\\\\ud83d"]', ["\\ude00 \\ud83d \\\\ud83d"]),
        (b'["\\ud83d\\ude00\\ud83d"]', ["😀\\ud83d"]),
        (b'["' + CESU + b'"]', ["\\ud83d"]),
        (b'["' + CESU + b'\xed\xb8\x80"]', ["😀"]),
        (b'{"a\xff":"\xfe\xe2\x28"}', {"a\\xff": "\\xfe\\xe2("}),
        (b'\xef\xbb\xbf["\\x\x01"]', ["\\x\x01"]),
        (b"[1e400, -1e400, NaN, -Infinity]", ["1e400", "-1e400", "NaN", "-Infinity"]),
        (b"[" + HUGE + b", 1.5e3, -0.25, 0]", [HUGE.decode(), 1500.0, -0.25, 0]),
        (b'{"a":"x","a":"\\ud83d","b":1}', {"a": "\\ud83d", "b": 1}),
        (b'{"v":[{"id":1},{"id":2,x},{"id":3}]}', {"v": [{"id": 1}, '{"id":2,x}', {"id": 3}]}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_can_be_mended_is_mended(raw: bytes, value: Any) -> None:
    """Halves of characters, bytes, numbers and bad items become text that shows them; the rest stays."""
    assert value == decode_any(raw)
    assert value == decode(raw, Any)


@pytest.mark.parametrize(
    "raw", [b"", b"nul", b"[1 2]", b'["a', b'{"a":[1,2}', b"<h1>", b"\xff", b'"a\\', b"[" * 9]
)
def test_what_is_no_json_is_one_kind_of_error(raw: bytes) -> None:
    """Half an answer, a page in HTML, brackets that do not close."""
    for each in (decode, decode_strictly):
        with pytest.raises(msgspec.DecodeError):
            each(raw, Any)


@pytest.mark.fault("A13", before="RecursionError: maximum recursion depth exceeded")
@pytest.mark.parametrize("raw", [DEEP, b"[" * 300 + b"]" * 300, b'[{"a":' * 300 + b"1" + b"}]" * 300])
def test_what_is_nested_too_deeply_is_named(raw: bytes) -> None:
    """Beyond 100 levels stands a text that says so, whether or not the decoder would take more."""
    value, levels = decode_any(b'{"deep": ' + raw + b', "next": 1}'), 0
    assert 1 == value["next"]
    value = value["deep"]
    while isinstance(value, dict | list):
        value, levels = next(iter(value.values() if isinstance(value, dict) else value)), levels + 1

    assert (TOO_DEEP, 99) == (value, levels)


def test_what_does_not_fit_is_told_apart_from_what_is_no_json() -> None:
    """A caller's body is mended in its characters alone: a number that is none is the caller's mistake."""
    with pytest.raises(msgspec.ValidationError):
        decode(b'["\\ud83d"]', list[int])
    with pytest.raises(msgspec.DecodeError):
        decode_strictly(b"[NaN]", Any)

    assert ["\\ud83d"] == decode_strictly(b'["\\ud83d"]', list[str])


def test_a_text_that_shows_what_could_not_be_read_is_recognised() -> None:
    """What was sent is not known then, so it must not be hunted; and any text can be written."""
    assert was_mended(decode_any(b'"https://evil.example/\\ud83d"'))
    assert was_mended(decode_any(b'"evil\xff.example"'))
    assert not was_mended("C:\\users\\xavier \\n 😀")
    assert "a\\ud83d😀" == writable(f"a{HALF}😀")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text(st.characters(exclude_categories=["Cs"])),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)))  # fmt: skip
def test_valid_json_is_left_alone(value: Any) -> None:
    """Beside something that has to be mended, every other value is what it was."""
    plain = json.dumps(value)

    assert json.loads(plain) == decode_any(plain)
    assert [json.loads(plain), "NaN", "\\ud83d"] == decode_any(f'[{plain}, NaN, "\\ud83d"]')
    assert bounded(value) == value


@pytest.mark.parametrize(
    "unit",
    [b'{"a":', b"[", b"]", b'"\\', b'"\x01\\"', b"-", b"1e", b"1.", b"9", b"N", b"\\", b'"', b"{x},", b'"\xff",', b'"' + CESU + b'",',
     b'"\\ud83d",', b'{"a":"\\\\\\\\\\ud83d"},'],
)  # fmt: skip
def test_mending_takes_time_in_proportion(unit: bytes) -> None:
    """Four times as much takes about four times as long, and not sixteen."""

    def seconds(times: int) -> float:
        raw = b'{"value":[' + unit * times + b"NaN]}"
        started = time.process_time()
        for _ in range(2):
            with suppress(msgspec.DecodeError):
                decode(raw, Any)
        return time.process_time() - started

    short = min(seconds(20_000) for _ in range(2))

    assert seconds(80_000) < 10 * max(short, 0.01)
