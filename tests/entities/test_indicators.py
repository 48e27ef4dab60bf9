"""The form in which an indicator is hunted, and what is private or ignored."""

from __future__ import annotations

from typing import Any

import pytest

from shared.entities.indicators import (
    host_of,
    is_ignored,
    is_private,
    parse_device,
    parse_indicator,
    read_indicator,
)
from shared.errors import InvalidRequest
from shared.model.entity import Device, Dropped, Indicator, IndicatorKind

SHA1 = "a1" * 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" evil[.]example/a ", "evil.example/a"),
        ("ftp://evil.example/a//", "evil.example/a"),
        ("hxxp[:]//198.51.100.7", "198.51.100.7"),
        ("https://user:secret@evil.example:8443/A/?b=C#d", "evil.example:8443/A/?b=C#d"),
        ("https://[2001:db8::1]/a", "[2001:db8::1]/a"),
        ("x" * 50 + ".example/" + "a" * 1_989, "x" * 50 + ".example/" + "a" * 1_989),
    ],
)
def test_a_url_loses_its_scheme_its_user_and_its_last_slash(text: str, value: str) -> None:
    """All else stays as it is, up to 2,048 characters."""
    assert Indicator("url", value) == parse_indicator(text, "url")


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("x" * 50 + ".example/" + "a" * 1_990, None, "IP address, URL, domain or file hash"),
        ("evil .example/a", "url", "URL"),
        ("evil.example", "url", "URL"),
        ("https://a_b/c", "url", "URL"),
        ("198.51.100.7.", "ip", "IP address"),
        ("x" * 64 + ".example", "domain", "domain"),
        ("a." * 124 + "example", "domain", "domain"),
        ("evil.e", "domain", "domain"),
        ("-evil.example", "domain", "domain"),
        ("a1" * 17, "fileHash", "MD5, SHA-1 or SHA-256"),
        ("g1" * 20, "fileHash", "MD5, SHA-1 or SHA-256"),
    ],
)
def test_a_refusal_names_the_text_and_what_was_wanted(
    text: str, kind: IndicatorKind | None, wanted: str
) -> None:
    """The text's first 80 characters, and the kind that was asked for."""
    with pytest.raises(InvalidRequest) as refused:
        parse_indicator(text, kind)

    assert f"{text[:80]!r} is no {wanted}" == refused.value.message


@pytest.mark.parametrize("text", ["a1" * 16, SHA1, "a1" * 32])
def test_a_hash_has_32_40_or_64_digits(text: str) -> None:
    """It is hunted in lower case."""
    assert Indicator("fileHash", text) == parse_indicator(text.upper())


@pytest.mark.parametrize("value", [None, "", " ", [], {"a": 1}, True])
def test_a_field_without_text_yields_nothing(value: Any) -> None:
    """It is no error: a product's fields hold what they hold."""
    assert [] == list(read_indicator(value))


@pytest.mark.parametrize(("value", "kind", "named"), [(0, None, "url"), ("evil", "domain", "domain")])
def test_a_text_that_is_no_indicator_is_named(value: Any, kind: IndicatorKind | None, named: str) -> None:
    """With the reason; one that is, is yielded in the form in which it is hunted."""
    wanted = "domain" if kind else "IP address, URL, domain or file hash"

    assert [Dropped(named, str(value), f"it is no {wanted}")] == list(read_indicator(value, kind))
    assert [Indicator("ip", "198.51.100.7")] == list(read_indicator(" 198.51.100.7 ", "ip"))


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("0.1.2.3", True),
        ("169.254.1.1", True),
        ("172.15.0.1", False),
        ("192.168.1.1", True),
        ("224.0.0.1", True),
        ("255.255.255.255", True),
        ("::1", True),
        ("::2", False),
        ("fd00::1", True),
        ("ff02::1", True),
        ("203.0.113.9", False),
    ],
)
def test_reserved_addresses_are_private(address: str, private: bool) -> None:
    """The documentation's ranges are not among them."""
    assert private == is_private(Indicator("ip", address))


@pytest.mark.parametrize("kind", ["url", "domain", "fileHash"])
def test_only_addresses_are_private(kind: IndicatorKind) -> None:
    """A URL on one is not."""
    assert not is_private(Indicator(kind, "10.1.2.3"))


@pytest.mark.parametrize(
    ("kind", "value", "entry", "ignored"),
    [
        ("domain", "contoso.com", "contoso.com", True),
        ("domain", "www.contoso.com", "contoso.com", True),
        ("domain", "contoso.com", "www.contoso.com", False),
        ("domain", "xcontoso.com", "contoso.com", False),
        ("url", "WWW.Contoso.com/A", "contoso.com", True),
        ("url", "example.com/contoso.com", "contoso.com", False),
        ("url", "evil.example/A", "evil.example/a", True),
        ("url", "198.51.100.7:8080/a", "198.51.100.0/24", True),
        ("url", "[2001:db8::7]/a", "2001:db8::/32", True),
        ("url", "198.51.100.7/a", "203.0.113.0/24", False),
        ("ip", "198.51.100.7", "198.51.100.7/24", True),
        ("ip", "198.51.100.7", "2001:db8::/32", False),
        ("ip", "198.51.100.7", "contoso.com", False),
        ("ip", "2001:db8::7", "2001:db8::/32", True),
        ("fileHash", SHA1, SHA1, True),
        ("fileHash", "x.contoso.com", "contoso.com", False),
    ],
)
def test_an_entry_covers_what_lies_below_it(
    kind: IndicatorKind, value: str, entry: str, ignored: bool
) -> None:
    """A domain its subdomains, a network its addresses, both the URLs there; a hash itself alone."""
    assert ignored == is_ignored(Indicator(kind, value), frozenset({entry, "other.example"}))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Evil.example/a", "evil.example"),
        ("evil.example:8080/a", "evil.example"),
        ("user@evil.example/https://x", "evil.example"),
        ("/a", ""),
        ("", ""),
        ("https://[/", ""),
    ],
)
def test_a_urls_host_is_found_with_or_without_a_scheme(url: str, host: str) -> None:
    """In lower case; nothing where there is none."""
    assert host == host_of(url)


def test_a_devices_name_is_kept_as_it_is() -> None:
    """Without the blanks around it, up to 255 characters; 39 or 41 hex digits are a name."""
    assert Device(name="Web 01") == parse_device(" Web 01 ")
    assert Device(name="x" * 255) == parse_device("x" * 255)
    assert {Device(name="0" * 39), Device(name="0" * 41)} == {parse_device("0" * 39), parse_device("0" * 41)}


def test_a_refused_device_is_named_in_60_characters() -> None:
    """However long it was."""
    with pytest.raises(InvalidRequest) as refused:
        parse_device("x" * 300)

    assert f"{'x' * 60!r} is no device: give its name or its 40-digit Defender id" == refused.value.message
