"""The message about wrong settings goes to a log and to callers: it repeats no secret."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.settings import read_settings
from tests.support.tenant import ENVIRONMENT as GOOD


@pytest.mark.fault("A28", before="DID NOT RAISE SettingsError")
@pytest.mark.parametrize("name", ["STATE_URL", "GRAPH_URL"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(name: str) -> None:
    """A SAS token would be a secret in a setting, and the message goes to a log."""
    url = "https://user:secret@a.blob.core.windows.net/state?sv=1&sig=secret#secret"
    with pytest.raises(SettingsError) as raised:
        read_settings({**GOOD, name: url})

    assert "'https://a.blob.core.windows.net/state'" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "STATE_URL",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.example",
        ),
        ("STATE_URL", "file:///etc/hosts?sig=c2VjcmV0"),
        ("GRAPH_URL", "https://user:pa/c2VjcmV0@graph.example"),
        ("COMMENTS", "AccountKey=c2VjcmV0"),
        ("HUNTS_DIR", "sv=1&sig=c2VjcmV0"),
        ("WATCH_SCHEDULE", "sig=c2VjcmV0"),
        ("IGNORE_INDICATORS", "AccountKey=c2VjcmV0"),
        ("HUNTS_AUTO", "AccountKey=c2VjcmV0"),
    ],
)
def test_a_secret_in_a_wrong_setting_is_never_repeated(name: str, value: str) -> None:
    """A connection string, a SAS token or a password that was set under another's name is not in the message."""
    with pytest.raises(SettingsError, match=name) as raised:
        read_settings({**GOOD, name: value})

    assert "c2VjcmV0" not in str(raised.value)
