"""Runs are sent to their queues over HTTPS, to a server that answers as an Azure storage account."""

from __future__ import annotations

import ipaddress
import threading
from base64 import b64decode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from azure.identity import DefaultAzureCredential
from azure.storage.queue import QueueServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from obstore.store import MemoryStore
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.host.queue_service import ACCOUNT, QueueService
from sandbox.host.serve import connection_string, listening
from shared.errors import NotSent
from shared.model.record import Work
from shared.settings import Settings
from shared.state.objects import Store
from shared.state.queue import sender
from shared.state.runs import Runs, run_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

NOON = 1_790_000_000.0
RUN = "0123456789abcdef0123456789abcdef"
CLIENT, SECRET = "00000000-0000-0000-0000-000000000001", "identity-header"


class Account:
    """A storage account, together with the identity endpoint that App Service offers an app."""

    def __init__(self) -> None:
        self.now = NOON
        self.address = ""
        self.answers: list[Response] = []
        self.asked: list[dict[str, str]] = []
        self.credentials: list[str] = []
        self.queues = QueueService(clock=lambda: self.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a token, with the next of `answers`, or as the queue service does."""
        request = Request(scope, receive)
        if request.url.path == "/msi/token":
            self.asked.append({**request.query_params, "secret": request.headers["x-identity-header"]})
            answer = {"access_token": "good", "expires_on": "4102444800", "token_type": "Bearer"}
            await JSONResponse(answer)(scope, receive, send)
            return
        self.credentials.append(request.headers["authorization"].split()[0])
        await (self.answers.pop(0) if self.answers else self.queues)(scope, receive, send)

    @property
    def uri(self) -> str:
        """The queue service's address."""
        return f"{self.address}/{ACCOUNT}"

    @property
    def with_key(self) -> Settings:
        """Settings that name the account by a connection string."""
        return Settings(storage=connection_string(self.address))

    def read(self, queue: str = "runs") -> list[str]:
        """Return the visible messages, encoded as they were sent."""
        with QueueServiceClient.from_connection_string(self.with_key.storage) as client:
            return [message.content for message in client.get_queue_client(queue).receive_messages()]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1: the SDK sends no token to a server without TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "account.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(pem)
    )
    return file


@pytest.fixture
def account(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A running account without any queue, whose certificate this process trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    served = Account()
    options: dict[str, Any] = {"lifespan": "off", "ws": "none", "log_level": "warning"}
    # A TLS connection that the client keeps open would hold up the server's end.
    options["headers"] = [("Connection", "close")]
    server = uvicorn.Server(uvicorn.Config(served, ssl_certfile=certificate, **options))
    with closing(served.queues), listening() as sock:
        served.address = f"https://127.0.0.1:{sock.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(20)


def test_sending_creates_the_queue_and_encodes_the_message(account: Account) -> None:
    """The queue did not exist, and the message arrives in base64, as the trigger expects it."""
    send = sender(account.with_key)
    send("runs", RUN, 0)

    assert [RUN] == [b64decode(text, validate=True).decode() for text in account.read()]


def test_each_queue_gets_only_its_own_messages(account: Account) -> None:
    """Messages sent to two queues in turn arrive in the queue they were meant for, in order."""
    send = sender(account.with_key)
    send("runs", "a", 0)
    send("urgent", "b", 0)
    send("runs", "c", 0)

    assert ([b"a", b"c"], [b"b"]) == tuple(
        [b64decode(text) for text in account.read(queue)] for queue in ("runs", "urgent")
    )


def test_a_delayed_message_is_hidden_until_its_time(account: Account) -> None:
    """A message with a delay of 90 seconds cannot be received after 89, and can after 90."""
    sender(account.with_key)("runs", RUN, 90)
    account.now += 89
    early = account.read()
    account.now += 1

    assert [] == early
    assert 1 == len(account.read())


def test_a_queue_created_meanwhile_takes_the_message(account: Account) -> None:
    """If somebody else creates the missing queue before we do, the message is sent all the same."""
    missing = Response(status_code=404, headers={"x-ms-error-code": "QueueNotFound"})
    exists = Response(status_code=409, headers={"x-ms-error-code": "QueueAlreadyExists"})
    send = sender(account.with_key)
    send("runs", "a", 0)
    account.answers += [missing, exists]
    send("runs", "b", 0)

    assert 2 == len(account.read())


def test_a_busy_account_receives_the_message_once(account: Account) -> None:
    """After a 503 the message is sent again, and arrives a single time."""
    account.answers.append(Response(status_code=503, headers={"x-ms-error-code": "ServerBusy"}))
    sender(account.with_key)("runs", RUN, 0)

    assert 1 == len(account.read())


@pytest.mark.parametrize(("client_id", "expected"), [(CLIENT, {"client_id": CLIENT}), ("", {})])
def test_a_service_uri_is_reached_by_managed_identity(
    account: Account, monkeypatch: pytest.MonkeyPatch, client_id: str, expected: dict[str, str]
) -> None:
    """The token is for the identity that AZURE_CLIENT_ID names, and without it for the app's own."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{account.address}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    settings = Settings(queue_service_uri=account.uri, azure_client_id=client_id)
    sender(settings)("runs", RUN, 0)

    [asked] = account.asked

    assert {
        "api-version": "2019-08-01",
        "resource": "https://storage.azure.com",
        "secret": SECRET,
        **expected,
    } == asked
    assert {"Bearer"} == set(account.credentials)
    assert 1 == len(account.read())


@pytest.mark.parametrize(
    ("cloud", "login"),
    [("global", "https://login.microsoftonline.com"), ("usgov", "https://login.microsoftonline.us")],
)
def test_elsewhere_azure_identity_finds_the_clouds_credential(
    monkeypatch: pytest.MonkeyPatch, cloud: Any, login: str
) -> None:
    """Without App Service's endpoint, whoever is signed in sends, and is asked for at the cloud's own login."""
    made = []

    def found(**options: str) -> DefaultAzureCredential:
        """Remember *options*, and return a credential."""
        made.append(options)
        return DefaultAzureCredential(**options)

    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", found)

    assert sender(Settings(queue_service_uri="https://account.example", azure_cloud=cloud))
    assert [{"authority": login}] == made


def test_the_storage_emulator_shorthand_is_accepted() -> None:
    """A sender can be made from `UseDevelopmentStorage=true`."""
    assert sender(Settings(storage="UseDevelopmentStorage=true"))


async def test_a_run_refused_by_the_account_stays_stored(account: Account) -> None:
    """The error names the run and holds no key, and starting the run again sends it."""
    runs = Runs(Store(MemoryStore()), sender(account.with_key))
    work = Work(run_id("key"), datetime.now(UTC), "")
    account.answers.append(Response(status_code=403, headers={"x-ms-error-code": "AuthenticationFailed"}))

    with pytest.raises(NotSent) as refused:
        await runs.start(work, chosen_key=True)
    kept = await runs.work(work.run_id)
    await runs.start(work, chosen_key=True)

    assert f"run {work.run_id} is stored but could not be sent: ClientAuthenticationError" == str(
        refused.value
    )
    assert work == kept
    assert [work.run_id] == [b64decode(text).decode() for text in account.read(work.queue)]
