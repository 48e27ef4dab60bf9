"""Settings are read once, when the app starts, and everything wrong with them is reported together."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.settings import NAMES, read_settings

GOOD = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "outrider.example",
}


def test_three_settings_are_enough_to_start() -> None:
    """All others have defaults, which also apply where a value is empty."""
    settings = read_settings({**GOOD, "COMMENTS": "", "MAX_ROWS": " "})

    assert ("on", 10_000, "key") == (settings.comments, settings.max_rows, settings.http_auth)
    assert "https://outrider.example" == settings.root_url


def test_one_error_names_every_wrong_setting() -> None:
    """Settings that are missing and values that cannot be used are listed together."""
    with pytest.raises(SettingsError) as raised:
        read_settings(
            {
                "COMMENTS": "maybe",
                "MAX_ROWS": "100000",
                "GRAPH_URL": "http://graph.example",
                "IGNORE_INDICATORS": "x/99",
            }
        )

    message = str(raised.value)
    wanted = (
        "STATE_URL",
        "AzureWebJobsStorage",
        "PUBLIC_URL",
        "COMMENTS='maybe'",
        "MAX_ROWS='100000'",
        "GRAPH_URL=",
        "'x/99'",
    )

    assert [] == [name for name in wanted if name not in message]


@pytest.mark.parametrize("name", ["GRAPH_URL", "ARM_URL", "PORTAL_URL", "PUBLIC_URL"])
@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("https://example.com", True),
        ("http://example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://198.51.100.7", False),
        ("ftp://127.0.0.1", False),
        ("example.com", False),
        ("https://", False),
    ],
)
def test_plain_http_is_accepted_for_localhost_only(name: str, url: str, taken: bool) -> None:
    """Any other address must be https, because tokens and links go there."""
    try:
        read_settings({**GOOD, name: url})
    except SettingsError as error:
        assert not taken, error
        assert name in str(error)
    else:
        assert taken


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMENT_MAX_CHARS", "999"),
        ("COMMENT_MAX_CHARS", "30001"),
        ("MAX_DEVICES", "0"),
        ("MAX_DEVICES", "many"),
        ("HTTP_AUTH", "none"),
        ("AZURE_CLOUD", "mars"),
        ("STATE_URL", "s3://bucket"),
        ("STATE_URL", "https://account.blob.core.windows.net"),
    ],
)
def test_an_unusable_value_is_named_with_its_setting(name: str, value: str) -> None:
    """The error repeats the name and the value as they were given."""
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        read_settings({**GOOD, name: value})


def test_values_are_understood_in_any_case() -> None:
    """`Off` and `USGov` mean the same as `off` and `usgov`."""
    settings = read_settings({**GOOD, "COMMENTS": "Off", "AZURE_CLOUD": "USGov"})

    assert ("off", "https://graph.microsoft.us/.default") == (settings.comments, settings.graph_scope)


@pytest.mark.parametrize(
    ("asked", "platform", "expected"), [("entra", "True", True), ("entra", "", False), ("key", "True", False)]
)
def test_function_keys_are_dropped_only_behind_platform_sign_in(
    asked: str, platform: str, expected: bool
) -> None:
    """Both must hold: HTTP_AUTH asks for Entra, and App Service authentication is on."""
    assert (
        expected
        == read_settings({**GOOD, "HTTP_AUTH": asked, "WEBSITE_AUTH_ENABLED": platform}).platform_signs_in
    )


def test_platform_variables_are_not_settings_to_document() -> None:
    """The list of settings has the app's own names, and none of Azure's, which begin with WEBSITE_."""
    assert not any(name.startswith("WEBSITE_") for name in NAMES)
    assert {"STATE_URL", "AzureWebJobsStorage__queueServiceUri"} <= set(NAMES)
