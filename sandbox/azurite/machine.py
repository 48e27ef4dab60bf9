"""What this machine lacks for Azurite, and the command that mends it. Nothing here changes the machine."""

from __future__ import annotations

import shlex
import shutil
import socket
import ssl
from pathlib import Path
from typing import NamedTuple

from .certificate import BLOB_HOST, QUEUE_HOST, Certificate, certificate

HERE = Path(__file__).parent
PROGRAM = HERE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
#: Where Debian and Ubuntu keep what an administrator trusts; `.ci/run` writes the same file.
TRUSTED = Path("/usr/local/share/ca-certificates/outrider-azurite.crt")
HOSTS = f"127.0.0.1 {BLOB_HOST} {QUEUE_HOST}"


class Lack(NamedTuple):
    """What is not there, as a sentence, and the shell command that mends it."""

    what: str
    command: str


def lacking() -> list[Lack]:
    """Return what this machine lacks to run the app on Azurite; [] if nothing."""
    lacks = []
    if not (shutil.which("node") and PROGRAM.exists()):
        where = HERE.relative_to(HERE.parents[1])
        lacks.append(Lack("Azurite is not installed.", f"(cd {where} && npm ci --ignore-scripts)"))
    shown = certificate()
    if not is_trusted(shown):
        copy = f"sudo install -m 644 {shlex.quote(str(shown.authority))} {TRUSTED}"
        lacks.append(Lack("Its certificate is not trusted.", f"{copy} && sudo update-ca-certificates"))
    if not all(map(resolves, (BLOB_HOST, QUEUE_HOST))):
        lacks.append(Lack("Its names do not resolve.", f"echo '{HOSTS}' | sudo tee -a /etc/hosts"))
    return lacks


def advice(lacks: list[Lack]) -> str:
    """Return *lacks* as a shell script that mends them, each line of text as a comment."""
    return "\n".join(f"# {lack.what}\n{lack.command}" for lack in lacks)


def needed() -> str:
    """Return, for a person, the commands that mend what this machine lacks, and what they do to it; '' for none."""
    lacks = lacking()
    if not lacks:
        return ""
    return (
        f"{advice(lacks)}\n\n"
        "The certificate's authority is good for names below localhost alone, and its key is not kept. Without\n"
        f"rights on this machine, write SSL_CERT_FILE={shlex.quote(str(certificate().authority))}\n"
        "in front of what you run: it does what the certificate's command does."
    )


def resolves(name: str) -> bool:
    """Return whether *name* is this machine's, by its hosts file or its resolver."""
    try:
        return socket.gethostbyname(name).startswith("127.")
    except OSError:
        return False


def is_trusted(shown: Certificate) -> bool:
    """
    Return whether the system's certificates, or those in SSL_CERT_FILE, vouch for *shown*.

    obstore reads the same places; `requests` reads neither, and is told by REQUESTS_CA_BUNDLE (`emulator`).
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(shown.shown, shown.key)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    # As Python 3.13 does by itself, so that both agree.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    client = context.wrap_bio(back, there, server_hostname=BLOB_HOST)
    ends = client, server.wrap_bio(there, back, server_side=True)
    try:
        # Each end says its part twice; what it waits for comes from the other.
        for end in ends * 2:
            _go_on(end)
    except ssl.SSLError:
        return False
    return client.getpeercert() is not None


def _go_on(end: ssl.SSLObject) -> None:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return
