"""As whom the app signs in: azure-identity is asked for the right identity, in the right cloud."""

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
    """Settings that are complete, and read anew for each test."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    for cached in (app.read_settings, app.credential):
        cached.cache_clear()
    yield
    for cached in (app.read_settings, app.credential):
        cached.cache_clear()


@pytest.mark.parametrize(("client", "asked"), [("", None), ("0f3c", "0f3c")])
def test_on_azure(
    client: str, asked: str | None, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """On Azure it is the managed identity, by AZURE_CLIENT_ID where it is a user-assigned one."""
    managed = mocker.patch("azure.identity.aio.ManagedIdentityCredential")
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1/msi/token")
    monkeypatch.setenv("AZURE_CLIENT_ID", client)
    identity = app.credential()

    managed.assert_called_once_with(client_id=asked, transport=mocker.ANY)
    assert managed.return_value is identity


@pytest.mark.parametrize(("cloud", "authority"), [("global", f"{LOGIN}com"), ("usgov", f"{LOGIN}us")])
def test_elsewhere(
    cloud: str, authority: str, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """Elsewhere it is whatever azure-identity finds, signed in at the cloud's own authority."""
    found = mocker.patch("azure.identity.aio.DefaultAzureCredential")
    monkeypatch.setenv("AZURE_CLOUD", cloud)
    identity = app.credential()

    found.assert_called_once_with(authority=authority, transport=mocker.ANY)
    assert found.return_value is identity
