"""How one value is written, to the letter: made visible, its links broken, in quotes, shortened, as a cell."""

from __future__ import annotations

import pytest

from shared.comment import neutral
from shared.comment.cells import shorten, write_cell, write_name
from shared.comment.content import Finding, ShownRow, count_rows

DIGITS = "0123456789" * 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""), (" ~", " ~"), ("a\n\r\tb", "a\\n\\r\\tb"), ("é 漢 \xa0", "é 漢 \xa0"), ("\x00\x7f\x85", "\\u0000\\u007f\\u0085"),
        ("\u200b\u202e", "\\u200b\\u202e"), ("\ud800", "\\ud800"), ("\ue000", "\\ue000"), ("\u0378\uffff", "\\u0378\\uffff"),
        ("\u2028\u2029", "\\u2028\\u2029"), ("😀\U000e0041", "😀\\U000e0041"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_written_as_its_number(text: str, expected: str) -> None:
    """Control, format and private characters, halves of characters, line and paragraph ends; letters stay."""
    assert expected == neutral.visible(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("HTTP://a.b[.]example:80/x.y", "hxxp://a[.]b[.]example:80/x.y"), ("https://evil.local?a.b", "hxxps://evil[.]local?a.b"),
        ("hxxps://evil.local#a.b", "hxxps://evil[.]local#a.b"), ("FTP://evil.local'a.b", "FTP[:]//evil[.]local'a.b"),
        ("www.intranet WWW2.srv", "www[.]intranet WWW2[.]srv"), ("xwww.intranet", "xwww.intranet"),
        ("bob@srv.local a_@b-[.]c", "bob[@]srv.local a_[@]b-[.]c"), ("@a.local bob@srv", "@a.local bob@srv"),
        *((f"{word}:x", f"{word}[:]x") for word in ("mailto", "javascript", "DATA", "vbscript", "tel", "sip")),
        ("data: x hotel:x", "data: x hotel:x"), ("1.198.51.100.7", "1.198.51.100.7"), ("x198.51.100.7/24", "x198.51.100[.]7/24"),
        ("EVIL.COM a.b.EXAMPLE", "EVIL[.]COM a[.]b[.]EXAMPLE"), (".run.sh/x run.sh/x", ".run.sh/x run[.]sh/x"),
        ("com.pl a.com.evil.pl", "com.pl a.com.evil.pl"), ("a.evil.com.pl co.md", "a[.]evil[.]com[.]pl co.md"),
        *((f"a.evil.{word}.so", f"a[.]evil[.]{word}[.]so") for word in ("ac", "co", "com", "edu", "gov", "net", "org")),
        ("a.evil.xyz.so", "a.evil.xyz.so"), ("a.nothing -a.de -", "a.nothing -a[.]de -"),
        ("x.de a.de.txt de. system.io", "x[.]de a.de.txt de. system.io"), ("x.xn--p1ai.", "x[.]xn--p1ai."),
        ("evil.sh evil.sh/", "evil.sh evil[.]sh/"), ("evil.sh.x/", "evil.sh.x/"), ("a/evil.de", "a/evil[.]de"),
    ],
)  # fmt: skip
def test_links_of_any_kind_are_broken(value: str, expected: str) -> None:
    """Schemes, hosts, addresses, mail and bare domains, whatever surrounds them, and nothing else."""
    assert expected == neutral.defang(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("evil.internal/a.b", "evil[.]internal/a.b"), ("evil[.]internal:8080", "evil[.]internal:8080"), ("198.51.100.7/x.y", "198.51.100.7/x.y"),
        ("2001:db8::1", "2001:db8[::]1"), ("2001:db8::/32", "2001:db8[::]/32"), ("2001:db8:1:2:3:4:5:6/x", "2001[:]db8:1:2:3:4:5:6/x"),
        ("a:b:c", "a[:]b:c"), ("https://evil.internal/a.b", "https://evil.internal/a.b"), ("", ""),
    ],
)  # fmt: skip
@pytest.mark.fault("C", before="2001:db8::/32 was shown as 2001:db8[::]")
def test_a_name_is_broken_as_a_whole(value: str, expected: str) -> None:
    """A host of any ending, with its port or path, and an address of IPv6; URLs and IPv4 are left to the rest."""
    assert expected == neutral.defang_name(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<b>`x`</b> [a](b) ![c]", "‹b›ˋxˋ‹/b› [a] (b) ! [c]"), ("a·b a · b", "a·b a \\u00b7 b"),
        *((f"{dot} x", f"\\u{ord(dot):04x} x") for dot in "·•∙⋅‧・･●"), ("x ·", "x \\u00b7"), ("a\n· b", "a\\n· b"),
        (f"OUTRIDER {'0a' * 16} x", f"OUTRIDER: {'0a' * 16} x"), (f"Outrider {'0' * 31}", f"Outrider {'0' * 31}"),
    ],
)  # fmt: skip
def test_what_could_pass_for_ours_is_replaced(value: str, expected: str) -> None:
    """Signs of HTML and Markdown, dots between columns and at the start of a line, and the last line of a comment."""
    assert expected == neutral.inert(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((f"{sign}1", f"'{sign}1") for sign in "=+-@|%＝＋－＠｜％"), (" \"'`‘’“”=1", "' \"'`‘’“”=1"), ("a=1 -1", "a=1 -1"),
        ("x;=1;-1", "x;'=1;'-1"), ("x; @a", "x;' @a"), ("x\t=1", "x\\t=1"), ("http://evil.example", "hxxp://evil[.]example"),
    ],
)  # fmt: skip
def test_a_formula_becomes_text(value: str, expected: str) -> None:
    """By a sign in front of it, at the start of the cell and behind another separator, and links are broken."""
    assert expected == neutral.csv_cell(value)


@pytest.mark.parametrize(
    ("text", "length", "left_out", "expected"),
    [
        (DIGITS[:60], 60, 0, DIGITS[:60]), (DIGITS[:61], 60, 0, f"{DIGITS[:24]}… (+26 characters) … {DIGITS[50:61]}"),
        (DIGITS, 80, 0, "012345678901234567890123456789012345… (+146 characters) … 234567890123456789"),
        (DIGITS, 80, 10_000, "0123456789012345678901234567890123… (+10,149 characters) … 34567890123456789"),
        ("abcdef", 60, 5, "abcd… (+5 characters) … ef"),
        (f"{'a' * 28}.evil{'b' * 100}.evil.example", 93, 0, f"{'a' * 28}[.]evil{'b' * 12}… (+79 characters) … {'b' * 9}[.]evil.example"),
        (f"{'a' * 100}hxxp://x", 60, 0, f"{'a' * 23}… (+74 characters) … ://x"), (f"{'a' * 90}{'.x' * 9}", 60, 0, f"{'a' * 23}… (+74 characters) … x[.]x.x.x.x.x"),
    ],
)  # fmt: skip
@pytest.mark.fault("C", before="of 6 characters and 5 more, abcdef… (+-28 characters) … abcdef was shown")
def test_the_head_and_the_tail_are_left(text: str, length: int, left_out: int, expected: str) -> None:
    """Twice as much of the head as of the tail; a domain or an address that was cut is no link."""
    assert expected == neutral.clip(text, length, left_out)


def test_names_that_are_more_than_names_stand_in_quotes() -> None:
    """In 60 characters as well, with single quotes in them."""
    assert ("", "srv-7.x_y", '"srv 7"') == tuple(map(neutral.name, ("", "srv-7.x_y", "srv 7")))
    assert "\"a'b'c'd'e'f'g'h'i\"" == neutral.name('a"b“c”d„e‟f＂g〝h〞i')
    assert f'"{DIGITS[:57]} "' == neutral.quoted(f"{DIGITS[:57]} ")
    for write, text in ((neutral.quoted, "x y"), (neutral.name, "x y"), (neutral.name, "xy")):
        quote = '"' if " " in text or write is neutral.quoted else ""
        short = 58 if quote else 60
        assert f"{quote}{(text * 40)[:short]}{quote}" == write((text * 40)[:short])
        assert " characters) … " in write((text * 40)[: short + 1])
    assert "2026-11-24 02:14:05" == neutral.time("2026-11-24T02:14:05.1234567Z")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("x", "evil.internal", "evil.internal"), ("SHOWN", "tool --password x", "tool --password ***"),
        *((column, "evil.internal", "evil[.]internal") for column in
          ("RemoteUrl", "Domain", "REMOTEIP", "FileOriginIP", "FileOriginReferrerUrl", "Referrer", "Indicator", "PublicIP")),
        ("x", "-" * 161, f"{'-' * 90}… (+27 characters) … {'-' * 44}"), ("x", "-" * 160, "-" * 160),
        ("x", f"powershell -e {'QUJD' * 2_000} -x", "powershell -e ***(8,000 characters, sha256 995aee02) -x"),
        ("x", f"-----BEGIN PRIVATE KEY-----{'A' * 7_000}-----END PRIVATE KEY-----",
         "-----BEGIN PRIVATE KEY-----***-----EN… (+1,052 characters) … D PRIVATE KEY-----"),
    ],
)  # fmt: skip
def test_a_cell_is_masked_defanged_and_shortened(column: str, value: str, expected: str) -> None:
    """A value is a name as a whole where its column says so, whatever its case; 160 characters are shown."""
    assert expected == write_cell(column, value, mask=True)


def test_a_cell_keeps_its_secrets_where_they_are_asked_for() -> None:
    """So does the name of a column, which has 60 characters."""
    encoded = f"powershell -e {'QUJD' * 9}"

    assert encoded == write_cell("x", encoded, mask=False)
    assert "token=abc" == write_name("token=abc", mask=False)
    assert "token=***" == write_name("token=abc", mask=True)
    assert "x" * 60 == write_name("x" * 60, mask=True)
    assert "evil[.]example" == write_name("evil.example", mask=True)
    assert " characters) … " in write_name("x" * 61, mask=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 6_000, ("x" * 6_000, 0)), ("x" * 6_001, (f"{'x' * 4_000} … {'x' * 2_000}", 1)),
        (f"{'x' * 3_800} {'y' * 399} {'z' * 1_800}", (f"{'x' * 3_800} … {'z' * 1_800}", 401)),
        (f"{'x' * 3_799} {'y' * 401} {'z' * 1_799}", (f"{'x' * 3_799} {'y' * 200} … {'y' * 200} {'z' * 1_799}", 1)),
    ],
)  # fmt: skip
def test_a_long_value_is_cut_between_words(value: str, expected: tuple[str, int]) -> None:
    """A word that the cut goes through is left out, up to 200 characters of it."""
    assert expected == shorten(value)


@pytest.mark.parametrize(
    ("total", "more", "said"),
    [(0, False, "0 rows"), (1, False, "1 row"), (1, True, "more than 1 rows"), (1_200, False, "1,200 rows"), (2, True, "more than 2 rows")],
)  # fmt: skip
def test_rows_are_counted(total: int, more: bool, said: str) -> None:
    """With a comma in thousands, and in the singular where there is exactly one."""
    row = ShownRow(1_200, "", ())

    assert said == count_rows(total, more=more)
    assert ("1,200×", "") == (row.seen, Finding("").coverage)
    assert f"0 of {said} shown, the rarest first" == Finding("", total=total, more=more).coverage or not total
    assert bool(more) == bool(Finding("", rows=(row,), total=total, more=more).coverage)
