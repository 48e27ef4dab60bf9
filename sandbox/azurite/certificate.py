"""
The certificate that Azurite shows, and the authority that signed it, which is all that a machine need trust.

The authority signs this one certificate and no other: its key is never written down, and it is good for names below
`localhost` alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

# azure-identity declares it.
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: An account's addresses as Azure has them, below a domain that is this machine's (RFC 6761).
ACCOUNT = "devstoreaccount1"
BLOB_HOST, QUEUE_HOST = f"{ACCOUNT}.blob.localhost", f"{ACCOUNT}.queue.localhost"

_VALID = timedelta(days=730)
_RENEWED = timedelta(days=30)  # before its end
_AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Outrider sandbox, for localhost alone")])
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Certificate(NamedTuple):
    """Files in PEM: the authority's certificate, and Azurite's with its key."""

    authority: Path
    shown: Path
    key: Path


def folder() -> Path:
    """Return the user's folder for the certificate, which is the same for every run."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "outrider" / "azurite"


def certificate(now: datetime | None = None) -> Certificate:
    """Return the certificate; made if there is none yet, or one that is refused or ends within 30 days of *now*."""
    found, there = _files(folder()), folder().exists()
    if not _is_good(found, now or datetime.now(UTC)):
        _make(folder(), replacing=there)
    return found


def _files(where: Path) -> Certificate:
    return Certificate(where / "authority.pem", where / "certificate.pem", where / "key.pem")


def _is_good(found: Certificate, now: datetime) -> bool:
    if not all(file.exists() for file in found):
        return False
    shown, authority = (
        x509.load_pem_x509_certificate(file.read_bytes()) for file in (found.shown, found.authority)
    )
    strict = any(each.oid == x509.KeyUsage.oid for each in authority.extensions)
    return strict and shown.not_valid_after_utc > now + _RENEWED


def _make(where: Path, *, replacing: bool) -> None:
    """Make a certificate in *where*, at once, so that nobody sees half of one, or of two made at the same time."""
    where.parent.mkdir(parents=True, exist_ok=True)
    # Only the user may enter it.
    made = Path(tempfile.mkdtemp(prefix="azurite-", dir=where.parent))
    _write(_files(made))
    if replacing:
        shutil.rmtree(where, ignore_errors=True)
    try:
        made.rename(where)
    except OSError:
        # Another process was first: its certificate is as good.
        shutil.rmtree(made)


def _write(files: Certificate) -> None:
    signing, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    below = x509.NameConstraints([x509.DNSName("localhost")], None)
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in (BLOB_HOST, QUEUE_HOST)])
    authority = (
        _unsigned(_AUTHORITY, signing.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(below, critical=True)
        # Python 3.13 verifies strictly: an authority says what its key is for (RFC 5280, 4.2.1.3).
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    shown = (
        _unsigned(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, BLOB_HOST)]), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
        .sign(signing, hashes.SHA256())
    )
    files.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    files.shown.write_bytes(shown.public_bytes(Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _unsigned(name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        _AUTHORITY, name, key, x509.random_serial_number(), now - timedelta(days=1), now + _VALID
    )
