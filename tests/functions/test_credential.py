"""Which identity the app signs in as, and in which cloud: what it asks azure-identity for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import app
from tests.support.tenant import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

LOGIN = "https://login.microsoftonline."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Complete settings in the environment, which each test reads anew."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    for cached in (app.read_settings, app.credential):
        cached.cache_clear()
    yield
    for cached in (app.read_settings, app.credential):
        cached.cache_clear()


@pytest.mark.parametrize(("client", "asked"), [("", None), ("0f3c", "0f3c")])
def test_on_azure_the_managed_identity_signs_in(
    client: str, asked: str | None, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """If AZURE_CLIENT_ID is set, it is the user-assigned identity with that client id."""
    managed = mocker.patch("azure.identity.aio.ManagedIdentityCredential")
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1/msi/token")
    monkeypatch.setenv("AZURE_CLIENT_ID", client)
    identity = app.credential()

    managed.assert_called_once_with(client_id=asked, transport=mocker.ANY)
    assert managed.return_value is identity


@pytest.mark.parametrize(("cloud", "authority"), [("global", f"{LOGIN}com"), ("usgov", f"{LOGIN}us")])
def test_elsewhere_the_default_credential_signs_in(
    cloud: str, authority: str, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """Azure-identity finds a credential by itself, and signs in at the authority of the chosen cloud."""
    found = mocker.patch("azure.identity.aio.DefaultAzureCredential")
    monkeypatch.setenv("AZURE_CLOUD", cloud)
    identity = app.credential()

    found.assert_called_once_with(authority=authority, transport=mocker.ANY)
    assert found.return_value is identity
