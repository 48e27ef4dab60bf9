"""What a hunt is for, which tables it reads, and which products fill them."""

from __future__ import annotations

import pytest

from shared.catalog.purpose import needs_of, product_of, purpose, systems, tables_of
from shared.kql.tables import LOOKUPS, SCOPABLE, UNSCOPABLE
from shared.model.hunt import AppliesTo
from tests.support.hunt_files import six_hunts
from tests.support.made_hunts import made_hunt

#: Microsoft's reference names no product for these.
UNNAMED = {"GraphApiAuditEvents", "IdentityAccountInfo"}


def test_every_table_of_defender_has_a_product() -> None:
    """But those for which Microsoft's reference names none; a table of a tenant's own has none, either."""
    unknown = product_of("Custom_CL")

    assert UNNAMED == {table for table in SCOPABLE | LOOKUPS | UNSCOPABLE if product_of(table) == unknown}


@pytest.mark.parametrize(
    ("table", "product"),
    [
        ("DeviceProcessEvents", "Microsoft Defender for Endpoint Plan 2"),
        ("DeviceTvmSoftwareInventory", "Microsoft Defender for Endpoint Plan 2"),
        ("DeviceTvmCertificateInfo", "Microsoft Defender Vulnerability Management"),
        ("EmailUrlInfo", "Microsoft Defender for Office 365 Plan 2"),
        ("IdentityDirectoryEvents", "Microsoft Defender for Identity"),
        ("CloudAppEvents", "Microsoft Defender for Cloud Apps"),
        ("EntraIdSignInEvents", "Microsoft Entra ID P2"),
        ("SigninLogs", "Microsoft Sentinel in the Defender portal"),
    ],
)
def test_a_table_names_its_product(table: str, product: str) -> None:
    """The one that its page in Microsoft's reference says fills it, with the plan where one is needed."""
    assert product == product_of(table)


def test_a_hunt_needs_the_products_of_all_its_tables() -> None:
    """Each product once, with its tables; a name that the query declares is no table."""
    hunt = made_hunt(
        "a",
        "let Mails = EmailEvents | where Subject has 'x';\nMails | join (UrlClickEvents) on NetworkMessageId | join (IdentityInfo) on AccountUpn",
        entity="indicator",
        kinds=("url",),
    )

    assert ("EmailEvents", "IdentityInfo", "UrlClickEvents") == tables_of(hunt)
    assert ("EmailEvents", "UrlClickEvents") == needs_of(hunt)[0].tables
    assert [("IdentityInfo",)] == [need.tables for need in needs_of(hunt)[1:]]


def test_where_the_tables_are_not_certain_those_that_are_named_count() -> None:
    """A hunt that declares one of its tables itself reads it all the same."""
    hunt = made_hunt(
        "a", "let EmailEvents = EmailEvents | take 5;\nEmailEvents", entity="indicator", tables=()
    )

    assert ("EmailEvents",) == tables_of(hunt)


@pytest.mark.parametrize(
    ("platforms", "types", "words", "families"),
    [
        ((), (), "devices", ()),
        (("Linux",), ("Server",), "Linux devices (server)", ("Linux",)),
        (
            ("Windows10", "Windows11", "macOS"),
            (),
            "Windows10 or Windows11 or macOS devices",
            ("Windows", "macOS"),
        ),
    ],
)
def test_a_device_hunt_says_for_which_devices(
    platforms: tuple[str, ...], types: tuple[str, ...], words: str, families: tuple[str, ...]
) -> None:
    """In words as the file has them, and by family."""
    hunt = made_hunt("a", applies_to=AppliesTo(platforms, types))

    assert (words, families) == (purpose(hunt), systems(hunt))


def test_an_indicator_hunt_says_for_which_kinds() -> None:
    """In words."""
    assert "IP addresses, URLs, domains" == purpose(six_hunts().by_name["file-origin"])
