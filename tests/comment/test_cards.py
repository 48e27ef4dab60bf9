"""What Defender last knew of a device is one line, of facts and of names that somebody chose."""

from __future__ import annotations

import pytest

from shared.comment.cards import device_line

FULL = {
    "DeviceId": "a" * 40, "DeviceName": "WEB01", "OSPlatform": "Linux", "DeviceType": "Server", "OSDistribution": "Ubuntu",
    "OSVersionInfo": "22.04", "OnboardingStatus": "Onboarded", "LastSeen": "2026-11-24T02:14:05.123Z", "ExposureLevel": "High",
    "AssetValue": "Low", "IsInternetFacing": "true", "RegistryDeviceTag": "prod", "DeviceManualTags": '["prod", "a", ""]',
    "DeviceDynamicTags": '["b","c","d","e","f"]', "LoggedOnUsers": '[{"UserName": "root"}, "bob", {}, {"x": 1}, 7]',
}  # fmt: skip


def test_a_device_with_all_its_facts() -> None:
    """What it is, how it stands, when it was seen, then at most five tags and users; each tag once, the nameless never."""
    assert (
        'WEB01: Linux server, Ubuntu 22.04, onboarded, last seen 2026-11-24 02:14 UTC, exposure high, value low, internet-facing,'
        ' tags "prod", "a", "b", "c", "d" and 2 more, users "root", "bob", "7"'
    ) == device_line(FULL)  # fmt: skip


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({}, "type unknown"), ({"DeviceType": "Server"}, "server"), ({"OSPlatform": "Windows10"}, "Windows10"),
        ({"OSVersionInfo": "22H2"}, "type unknown, 22H2"), ({"OSDistribution": "Ubuntu"}, "type unknown, Ubuntu"),
        ({"OnboardingStatus": "Can be onboarded"}, "type unknown, can be onboarded"), ({"IsInternetFacing": "1"}, "type unknown, internet-facing"),
        ({"IsInternetFacing": "false"}, "type unknown"), ({"IsInternetFacing": ""}, "type unknown"),
        *(({"OSPlatform": fact}, f'"{said}"') for fact, said in (
            ("a, b", "a, b"), ("a; b", "a; b"), ("a: b", "a: b"), ('a"b', "a'b"), ("a“b", "a'b"), ("a”b", "a'b"))),
        ({"OSPlatform": "10:30 a,5"}, "10:30 a,5"), ({"OSPlatform": "x" * 40}, "x" * 40),
        ({"OSPlatform": f"{'x' * 37},"}, f'"{"x" * 37},"'), ({"OSPlatform": "x" * 41}, "xxxxxxxxxx… (+26 characters) … xxxxx"),
        ({"DeviceManualTags": "[1, 2"}, 'type unknown, tags "[1, 2"'), ({"DeviceManualTags": "a"}, 'type unknown, tags "a"'),
        ({"RegistryDeviceTag": "7"}, 'type unknown, tags "7"'), ({"LoggedOnUsers": '{"a": 1}'}, "type unknown, users \"{'a': 1}\""),
        ({"LoggedOnUsers": "bob"}, 'type unknown, users "bob"'), ({"LoggedOnUsers": "[]"}, "type unknown"),
        ({"LoggedOnUsers": '["a","b","c","d","e"]'}, 'type unknown, users "a", "b", "c", "d", "e"'),
        ({"LoggedOnUsers": f'["{"u" * 58}"]'}, f'type unknown, users "{"u" * 58}"'),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_out(card: dict[str, str], expected: str) -> None:
    """A fact that holds one of our separators stands in quotes, and so does every name; numbers may hold them."""
    assert f"srv-7: {expected}" == device_line({"DeviceName": "srv-7", **card})


def test_a_device_without_a_name_is_called_by_its_id() -> None:
    """One of more than 60 characters is shortened."""
    assert f"{'a' * 40}: type unknown" == device_line({"DeviceId": "a" * 40, "DeviceName": ""})
    assert ": type unknown" == device_line({})
    assert f"{'n' * 60}: type unknown" == device_line({"DeviceName": "n" * 60})
    assert " characters) … " in device_line({"DeviceName": "n" * 61})
    assert " characters) … " in device_line({"DeviceName": "n", "LoggedOnUsers": f'["{"u" * 59}"]'})
