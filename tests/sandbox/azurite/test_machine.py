"""What a machine lacks for Azurite, and the certificate that it is asked to trust."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.azurite import machine
from sandbox.azurite.certificate import Certificate, certificate

ROOT = Path(__file__).parents[3]
MACHINE = (Path("/etc/hosts"), Path("/etc/ssl/certs/ca-certificates.crt"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Certificate:
    """A certificate in a cache folder of its own, which no machine trusts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    return certificate()


def read(file: Path) -> x509.Certificate:
    """Return the certificate in a file."""
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_the_certificate_stays_the_same(made: Certificate) -> None:
    """Who trusts it once need not do it again, until 30 days before its end."""
    before = made.authority.read_bytes()
    again = certificate().authority.read_bytes()
    late = certificate(datetime.now(UTC) + timedelta(days=690)).authority.read_bytes()
    renewed = certificate(datetime.now(UTC) + timedelta(days=710)).authority.read_bytes()

    assert before == again == late
    assert before != renewed
    assert sorted(made) == sorted(made.key.parent.iterdir())


def test_nobody_else_can_use_the_authority(made: Certificate) -> None:
    """Its key is nowhere, it is good for names below localhost alone, and only the user reads Azurite's key."""
    authority, shown = read(made.authority), read(made.shown)
    names = authority.extensions.get_extension_for_class(x509.NameConstraints)

    assert [made.key] == [file for file in made.key.parent.iterdir() if b" PRIVATE KEY" in file.read_bytes()]
    assert authority.public_key() != load_pem_private_key(made.key.read_bytes(), None).public_key()
    assert (True, [x509.DNSName("localhost")]) == (names.critical, names.value.permitted_subtrees)
    assert (0o600, 0o700) == tuple(file.stat().st_mode & 0o777 for file in (made.key, made.key.parent))
    shown.verify_directly_issued_by(authority)


def test_many_processes_make_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever comes second uses the first's, and nothing else is left."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: certificate().authority.read_bytes(), range(8)))

    assert 1 == len(set(found))
    assert ["azurite"] == [each.name for each in (tmp_path / "outrider").iterdir()]


def test_a_machine_trusts_by_its_own_certificates_or_a_setting(
    made: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new certificate is unknown to it; SSL_CERT_FILE vouches without any right on the machine."""
    unknown = machine.is_trusted(made)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))

    assert (False, True) == (unknown, machine.is_trusted(made))


def test_only_this_machines_names_are_taken() -> None:
    """A name that is nowhere does not resolve, and neither does an address elsewhere."""
    assert [True, False, False] == [
        machine.resolves(name) for name in ("localhost", "nothing.invalid", "192.0.2.1")
    ]


def test_what_is_said_is_a_script_that_mends_it() -> None:
    """Each lack has its sentence as a comment, and its command below."""
    script = machine.advice([machine.Lack("One is missing.", "true"), machine.Lack("Two, too.", "true")])

    assert "# One is missing.\ntrue\n# Two, too.\ntrue" == script


def test_the_demo_says_what_to_run_first_and_changes_nothing(tmp_path: Path) -> None:
    """Where its certificate is not trusted it ends with 2 and the command, and starts nothing."""
    before = [file.read_bytes() for file in MACHINE if file.exists()]
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "demo", "--storage", "azurite"],
        cwd=ROOT,
        env={**environment, "XDG_CACHE_HOME": str(tmp_path / "new cache"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (2, "") == (done.returncode, done.stdout)
    assert (
        "# Its certificate is not trusted.\n"
        f"sudo install -m 644 '{tmp_path}/new cache/outrider/azurite/authority.pem' "
        "/usr/local/share/ca-certificates/outrider-azurite.crt && sudo update-ca-certificates\n"
    ) in done.stderr
    assert before == [file.read_bytes() for file in MACHINE if file.exists()]
    assert ["new cache"] == [each.name for each in tmp_path.iterdir()]
