"""Settings are read once, and whatever is wrong with them is said at once."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.settings import NAMES, read_settings

GOOD = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "outrider.example",
}


def test_defaults() -> None:
    """Three settings are enough, and an empty value counts as unset."""
    settings = read_settings({**GOOD, "COMMENTS": "", "MAX_ROWS": " "})

    assert ("on", 10_000, "key") == (settings.comments, settings.max_rows, settings.http_auth)
    assert "https://outrider.example" == settings.root_url


def test_every_problem() -> None:
    """All that is missing or wrong is named in one error."""
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
def test_plain_http(name: str, url: str, taken: bool) -> None:
    """Tokens and links go over https; http is for the own machine alone."""
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
def test_wrong_value(name: str, value: str) -> None:
    """A value that cannot be used is named with its setting."""
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        read_settings({**GOOD, name: value})


def test_words_in_any_case() -> None:
    """On, off and the like are understood in any case."""
    settings = read_settings({**GOOD, "COMMENTS": "Off", "AZURE_CLOUD": "USGov"})

    assert ("off", "https://graph.microsoft.us/.default") == (settings.comments, settings.graph_scope)


@pytest.mark.parametrize(
    ("asked", "platform", "expected"), [("entra", "True", True), ("entra", "", False), ("key", "True", False)]
)
def test_sign_in(asked: str, platform: str, expected: bool) -> None:
    """Function keys are dropped only where App Service authentication is asked for and there."""
    assert (
        expected
        == read_settings({**GOOD, "HTTP_AUTH": asked, "WEBSITE_AUTH_ENABLED": platform}).platform_signs_in
    )


def test_names() -> None:
    """The platform's own variables are not among the settings to document."""
    assert not any(name.startswith("WEBSITE_") for name in NAMES)
    assert {"STATE_URL", "AzureWebJobsStorage__queueServiceUri"} <= set(NAMES)
