"""Entities that a caller names: how they are read, compared and limited."""

from __future__ import annotations

import pytest

from shared.entities.choosing import Limits
from shared.entities.indicators import is_private, parse_device, parse_indicator
from shared.entities.request import from_request
from shared.errors import InvalidRequest
from shared.kql.vocabulary import BINDINGS
from shared.model.entity import INDICATOR_KINDS, Device, Indicator, IndicatorKind, same_device

SHA1, SHA256, MD5 = "a1" * 20, "b2" * 32, "c3" * 16
DEVICE_ID = "0f" * 20


@pytest.mark.parametrize("kind", INDICATOR_KINDS)
def test_every_kind_of_indicator_can_be_refused_by_name_and_bound(kind: IndicatorKind) -> None:
    """A kind has a reader, a name for people, and a name in queries: a new one that lacks one of them fails here."""
    with pytest.raises(InvalidRequest, match="is no "):
        parse_indicator("\x00", kind)

    assert kind in BINDINGS


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("198.51.100.7", "ip", "198.51.100.7"),
        ("198[.]51[.]100[.]7", "ip", "198.51.100.7"),
        ("2001:DB8:0::1", "ip", "2001:db8::1"),
        ("2001:db8[::]1", "ip", "2001:db8::1"),
        ("[2001:db8::1]", "ip", "2001:db8::1"),
        (SHA256.upper(), "fileHash", SHA256),
        (SHA1, "fileHash", SHA1),
        (MD5, "fileHash", MD5),
        ("Evil.Example.", "domain", "evil.example"),
        ("evil[.]example", "domain", "evil.example"),
        ("bücher.example", "domain", "xn--bcher-kva.example"),
        ("hxxps://evil[.]example/a/", "url", "evil.example/a"),
        ("HXXP[:]//evil[.]example/A?b=c", "url", "evil.example/A?b=c"),
        ("evil.example/a", "url", "evil.example/a"),
        ("http://198.51.100.7:8080/x", "url", "198.51.100.7:8080/x"),
    ],
)
def test_an_indicator_is_recognised_despite_defanging(text: str, kind: IndicatorKind, value: str) -> None:
    """Its kind is guessed from the text, which is then written in one normal form."""
    assert Indicator(kind, value) == parse_indicator(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", None),
        ("   ", None),
        ("not an indicator", None),
        ("localhost", None),
        ("evil.example", "ip"),
        ("198.51.100.7", "domain"),
        ("198.51.100.256", "ip"),
        ("a1" * 21, "fileHash"),
        ("https://", "url"),
        ("https://[/", "url"),
        ("https://evil.example/" + "a" * 2_048, "url"),
        ("\ud800.example", None),
    ],
)
def test_what_is_no_indicator_is_refused(text: str, kind: IndicatorKind | None) -> None:
    """So is an indicator that is not of the kind that was named."""
    with pytest.raises(InvalidRequest, match="is no "):
        parse_indicator(text, kind)


@pytest.mark.fault(
    "A18", before="assert Indicator('url', 'a.example/?u=http://b') == Indicator('url', 'a.example/?u=b')"
)
@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("a.example/?u=http://b", "url", "a.example/?u=http://b"),
        ("https://a.example/?u=http://b/", "url", "a.example/?u=http://b"),
        ("::ffff:203.0.113.9", "ip", "203.0.113.9"),
        ("[::ffff:cb00:7109]", "ip", "203.0.113.9"),
        ("64:ff9b::cb00:7109", "ip", "64:ff9b::cb00:7109"),
        ("203.0.113.9/32", "ip", "203.0.113.9"),
        ("2001:db8::1/128", "ip", "2001:db8::1"),
        ("203.0.113.9:443", "ip", "203.0.113.9"),
        ("[2001:db8::1]:443", "ip", "2001:db8::1"),
        ("[::1]:443", "ip", "::1"),
        ("fe80::1%eth0", "ip", "fe80::1"),
        ("Evil.Example.:8443", "domain", "evil.example"),
        ("evil[dot]example", "domain", "evil.example"),
        ("https://user:secret@EVIL.Example:443/A", "url", "evil.example/A"),
        ("https://contoso.com@evil.example/x", "url", "evil.example/x"),
        ("https://evil.example:80/x", "url", "evil.example:80/x"),
        ("http://bücher.example./a", "url", "xn--bcher-kva.example/a"),
        ("http://[::ffff:203.0.113.9]/x", "url", "203.0.113.9/x"),
        ("http://[2001:DB8::1]:8080/x", "url", "[2001:db8::1]:8080/x"),
        ("http://203.0.113.9/24", "url", "203.0.113.9/24"),
        ("hxxps[:]//evil(dot)example/a", "url", "evil.example/a"),
        ("hxxps[://]evil[.]example", "url", "evil.example"),
        ("example[.]com/path", "url", "example.com/path"),
        (f"sha256:{SHA256}", "fileHash", SHA256),
        (f"SHA-1 = {SHA1.upper()}", "fileHash", SHA1),
    ],
)
def test_an_indicator_is_read_as_what_it_is(text: str, kind: IndicatorKind, value: str) -> None:
    """What stands around an address or a host, and how it is spelt, does not make it another indicator."""
    assert Indicator(kind, value) == parse_indicator(text)


@pytest.mark.fault("A18", before="DID NOT RAISE InvalidRequest")
@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("203.0.113.0/24", None, "is a network, and only single addresses are hunted"),
        ("2001:db8::/32", None, "is a network, and only single addresses are hunted"),
        ("[2001:db8::]/32", None, "is a network, and only single addresses are hunted"),
        ("203.0.113[.]0/255.255.255.0", None, "is a network, and only single addresses are hunted"),
        ("203.0.113.0/24", "ip", "is a network, and only single addresses are hunted"),
        ("203.000.113.009", None, "has numbers with leading zeros"),
        ("*.evil.example", "domain", "is a pattern: give the domain itself, evil.example"),
        ("https://evil.example\\@contoso.com/", None, "is no IP address, URL, domain or file hash"),
        (f"md5:{SHA256}0", None, "is no IP address, URL, domain or file hash"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(
    text: str, kind: IndicatorKind | None, message: str
) -> None:
    """A network is no URL; the message says what to give instead."""
    with pytest.raises(InvalidRequest) as raised:
        parse_indicator(text, kind)

    assert message in raised.value.message


def test_forty_hex_digits_are_a_device_id() -> None:
    """Any other text is a device's name."""
    assert Device(id=DEVICE_ID) == parse_device(f" {DEVICE_ID.upper()} ")
    assert Device(name="web01") == parse_device("web01")


@pytest.mark.parametrize("text", ["", " ", "x" * 256])
def test_a_device_name_has_1_to_255_characters(text: str) -> None:
    """An empty or a longer text is refused, and the message says what to give instead."""
    with pytest.raises(InvalidRequest, match="give its name or its 40-digit Defender id"):
        parse_device(text)


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("web01", "web01.contoso.com", True),
        ("WEB01.contoso.com", "web01.contoso.com", True),
        ("web01", "web011.contoso.com", False),
        ("", "", False),
    ],
)
def test_a_short_name_matches_only_its_full_name(name: str, row: str, expected: bool) -> None:
    """Case does not matter, but a longer host name is another device."""
    assert expected == same_device(Device(name=name), "", row)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("fe80::1", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:198.51.100.7", False),
        ("198.51.100.7", False),
        ("2001:db8::1", False),
    ],
)
def test_private_addresses_are_recognised_in_every_form(address: str, expected: bool) -> None:
    """Such an address means a different machine in each network; IPv4 written as IPv6 counts as well."""
    assert expected == is_private(parse_indicator(address))


def test_an_entity_named_twice_is_hunted_once() -> None:
    """This holds for devices and for indicators."""
    one, indicator = Device(name="web01"), Indicator("ip", "198.51.100.7")

    chosen = from_request([one, one], [indicator, indicator], Limits())

    assert ((one,), (indicator,)) == (chosen.devices, chosen.indicators)


def test_a_request_with_nothing_left_is_refused() -> None:
    """If all that the caller names is to be ignored, there is nothing to hunt for."""
    with pytest.raises(InvalidRequest, match="nothing is left to hunt for"):
        from_request([], [Indicator("domain", "contoso.com")], Limits(ignored=frozenset({"contoso.com"})))


def test_too_many_entities_in_a_request_are_refused() -> None:
    """The list is not cut; the message says how many one run takes."""
    indicators = [Indicator("ip", f"198.51.100.{n}") for n in range(3)]

    with pytest.raises(InvalidRequest, match="3 indicators of kind ip: one run takes at most 2"):
        from_request([], indicators, Limits(indicators=2))
    with pytest.raises(InvalidRequest, match="2 devices: one run takes at most 1"):
        from_request([Device(name="web01"), Device(name="web02")], [], Limits(devices=1))
