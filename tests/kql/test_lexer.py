"""How a query is split into tokens, nested by its brackets, and taken apart again."""

from __future__ import annotations

import re

import pytest

from shared.errors import UnreadableQuery
from shared.kql.lexer import (
    Bracketed,
    Node,
    Token,
    bracket,
    inside,
    is_call,
    leading_operator,
    lex,
    name_of,
    nest,
    options,
    split,
    text,
    unquoted,
)

TYPES = "bool boolean byte date datetime decimal double float guid int int8 int16 int32 int64 long real time timespan uint uint8 uint16 uint32 uint64 ulong uniqueid"
CLOSE = "close this string"
NO_ESCAPES = 'close this string, or write it as @"…", without escapes'


def read(query: str) -> list[Node]:
    """Return a query's nodes."""
    return nest(lex(query))


def written(nodes: list[Node]) -> str:
    """Return nodes as text, with a blank between, and what is in brackets in angle brackets after the first one."""
    return " ".join(
        node.text if isinstance(node, Token) else f"{node.kind}‹{written(node.items)}›" for node in nodes
    )


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("a_1 _B in~ inn~ in ~x", "name:a_1 name:_B name:in~ name:inn mark:~ name:in mark:~ name:x"),
        ("a // b 'c\nd//\r\ne\tf\rg", "name:a name:d name:e name:f name:g"),
        ("1 2d 1.5e3 0x1F 1..2 3.x .4", "number:1 number:2d number:1.5e3 number:0x1F number:1 mark:.. number:2 number:3 mark:. name:x mark:. number:4"),
        ("=~ !~ == != <= >= => <> .. | , ; ( ) [ ] { } . = < > ! + - * / % $ : ~", " ".join(f"mark:{mark}" for mark in ["=~", "!~", "==", "!=", "<=", ">=", "=>", "<>", "..", "|", ",", ";", "(", ")", "[", "]", "{", "}", ".", "=", "<", ">", "!", "+", "-", "*", "/", "%", "$", ":", "~"])),
        ("===", "mark:== mark:="),
        ('"a"\'b\'h"c"H\'d\'@"e"h@\'f\'', 'string:"a" string:\'b\' string:h"c" string:H\'d\' string:@"e" string:h@\'f\''),
        ('@"a""\\" @\'b\'\'\\\'', 'string:@"a""\\" string:@\'b\'\'\\\''),
        (r'''"\\\'\"\a\b\f\n\r\t\v\u00e9\U0001F600\x41\7\101"''', r'''string:"\\\'\"\a\b\f\n\r\t\v\u00e9\U0001F600\x41\7\101"'''),
        (r"""'\\\'\"\0'""", r"""string:'\\\'\"\0'"""),
        ("```a\n'``` ~~~b\n\"~~~", "string:```a\n'``` string:~~~b\n\"~~~"),
        ("long(1) guid( a-b:c/d+e,f.g_h ) time('1.02:03') real(\"2\")", "literal:long(1) literal:guid( a-b:c/d+e,f.g_h ) literal:time('1.02:03') literal:real(\"2\")"),
        ("int date integer(1) tolong (2)", "name:int name:date name:integer mark:( number:1 mark:) name:tolong mark:( number:2 mark:)"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_query_is_split_into_its_tokens(query: str, tokens: str) -> None:
    """Each has its kind and its place; blanks and comments are none."""
    found = lex(query)

    assert tokens == " ".join(f"{token.kind}:{token.text}" for token in found)
    assert [token.text for token in found] == [
        query[token.start :][: len(token.text)] for token in found if token.start >= 0
    ]
    assert sorted({token.start for token in found}) == [token.start for token in found]


@pytest.mark.parametrize("kind", TYPES.split())
def test_a_literal_of_a_type_is_one_token_or_is_refused(kind: str) -> None:
    """It must be plain, and begin right after its type."""
    assert (Token("literal", f"{kind}(1-2)", 2),) == lex(f"  {kind}(1-2)")
    assert [("name", f"{kind}_"), ("name", f"x{kind}")] == [
        (token.kind, token.text) for token in lex(f"{kind}_( x{kind}(") if token.kind == "name"
    ]
    for text_, wanted in (
        (
            f"a {kind}(';')",
            f"write {kind}(…) with a plain value, or convert with a function such as tolong()",
        ),
        (f"a {kind} (1)", f"write {kind} and its bracket without a blank between"),
        (f"a {kind}// b\n\t\r(1)", f"write {kind} and its bracket without a blank between"),
    ):
        with pytest.raises(UnreadableQuery, match=f"^{re.escape(wanted)}$") as raised:
            lex(text_)

        assert 2 == raised.value.start


@pytest.mark.parametrize(
    ("query", "start", "problem"),
    [
        ("a 'b", 2, CLOSE),
        ('a "b\n\\', 2, CLOSE),
        (r'a "b\q"', 2, NO_ESCAPES),
        (r"a 'b\u12'", 2, NO_ESCAPES),
        ("a h'b", 3, CLOSE),
        ("ab `c`", 3, CLOSE),
        ("a @b", 2, CLOSE),
        ("a ```b``", 2, CLOSE),
        ("a 'b' ?", 6, "remove the character '?'"),
        ("a é", 2, r"remove the character '\xe9'"),
        ("a ^ \\", 2, "remove the character '^'"),
        ("a \u200b'", 2, "remove the invisible character U+200B"),
        ("'a\x07'", 2, "remove the invisible character U+0007"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(query: str, start: int, problem: str) -> None:
    """Its author reads what to do about the first character that begins no token."""
    with pytest.raises(UnreadableQuery) as raised:
        lex(query)

    assert (start, problem) == (raised.value.start, str(raised.value))


@pytest.mark.parametrize(
    ("query", "start", "problem"),
    [
        ("a (b [c)", 7, "nothing opens this )"),
        ("a)", 1, "nothing opens this )"),
        ("a ] b", 2, "nothing opens this ]"),
        ("(}", 1, "nothing opens this }"),
        ("a (b [c", 5, "close this ["),
        ("a (b [c]", 2, "close this ("),
        ("x" + "({[" * 17, 51, "nest the query less deep"),
    ],
)
def test_a_bracket_without_its_partner_is_told_with_its_place(query: str, start: int, problem: str) -> None:
    """The innermost that is open is named, or the first that closes none."""
    with pytest.raises(UnreadableQuery) as raised:
        read(query)

    assert (start, problem) == (raised.value.start, str(raised.value))


def test_brackets_are_nested_with_their_places() -> None:
    """A bracket in a string is none, and fifty levels are not too many."""
    assert "a (‹b [‹')'›› {‹›" == written(read("a (b [')']) {}"))
    assert [Token("name", "a", 1), Bracketed("(", [Bracketed("[", [], 4)], 3)] == read(" a ([])")
    assert "(‹" * 50 + "›" * 50 == written(read("(" * 50 + ")" * 50)).replace(" ", "")


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("a, b (c, d), 'e,', ", ["a", "b (‹c , d›", "'e,'", ""]),
        (",", ["", ""]),
        ("a | b", ["a | b"]),
        ("", []),
    ],
)
def test_nodes_are_split_at_a_mark(query: str, parts: list[str]) -> None:
    """Not in brackets or strings; a mark at an end leaves an empty part."""
    assert parts == [written(part) for part in split(read(query), ",")]


@pytest.mark.parametrize(
    ("query", "operator", "rest"),
    [
        ("project-away a", "project-away", "a"),
        ("make-a-b -c", "make-a-b", "- c"),
        ("project - away a", "project", "- away a"),
        ("project- away a", "project-away", "a"),
        ("project-away", "project-away", ""),
        ("take -", "take", "-"),
        ("take-", "take", "-"),
        ("count", "count", ""),
        ("(a)-b c", "", "- b c"),
        ("5 a", "", "a"),
        ("where(a)", "where", "(‹a›"),
    ],
)
def test_an_operator_is_the_words_in_front_joined_by_hyphens(query: str, operator: str, rest: str) -> None:
    """A hyphen belongs to it that follows without a blank, and has a word after it."""
    name, after = leading_operator(read(query))

    assert (operator, rest) == (name, written(after))


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("kind=inner hint.strategy=shuffle T on a", "T on a"),
        ("hint.a.b = 'x' (T) on a", "(‹T› on a"),
        ("kind=inner", ""),
        ("kind=", "kind ="),
        ("kind==inner T", "kind == inner T"),
        ("T on a=b", "T on a = b"),
        ("a.", "a ."),
        ("a.b", "a . b"),
        ("'kind'=inner T", "'kind' = inner T"),
        ("(kind)=inner T", "(‹kind› = inner T"),
        ("", ""),
    ],
)
def test_options_in_front_are_left_out(query: str, rest: str) -> None:
    """One is a name, dots and names, an equals sign and a value."""
    assert rest == written(options(read(query)))


@pytest.mark.parametrize(
    ("query", "name", "written_as", "opened", "held", "call"),
    [
        ("a", "a", "a", "", "", False),
        ("=", None, "=", "", "", False),
        ("'a'", None, "", "", "", False),
        ("1", None, "", "", "", False),
        ("long(1)", None, "", "", "", False),
        ("['a b']", "a b", "", "[", "'a b'", False),
        ('[h@"c"]', "c", "", "[", 'h@"c"', False),
        ("['a', 'b']", None, "", "[", "'a' , 'b'", False),
        ("[a]", None, "", "[", "a", False),
        ("[['a']]", None, "", "[", "[‹'a'›", False),
        ("('a')", None, "", "(", "'a'", False),
        ("a(b)", "a", "a", "", "", True),
        ("a[b]", "a", "a", "", "", False),
        ("a b", "a", "a", "", "", False),
        ("a(b) c", "a", "a", "", "", False),
    ],
)
def test_a_node_has_the_parts_that_it_has(
    query: str, name: str | None, written_as: str, opened: str, held: str, call: bool
) -> None:
    """A name, in brackets or alone; the text of a word or a mark; or a bracket and what is in it."""
    nodes = read(query)

    assert (name, written_as, opened, held, call) == (
        name_of(nodes[0]), text(nodes[0]), bracket(nodes[0]), written(inside(nodes[0])), is_call(nodes)
    )  # fmt: skip


@pytest.mark.parametrize(
    "string", ['"a\\tb"', "'a\\tb'", "h'a\\tb'", '@"a\\tb"', 'H@"a\\tb"', "```a\\tb```", "~~~a\\tb~~~"]
)
def test_a_strings_content_is_as_it_is_written(string: str) -> None:
    """Its quotes are no part of it, and escapes are left as they are."""
    assert ["a\\tb"] == [unquoted(token) for token in lex(string)]
