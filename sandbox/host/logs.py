"""The log of the host's process and of its worker's: one format, on stderr."""

from __future__ import annotations

import logging


def log_to_stderr() -> None:
    """Log what is of level INFO and higher, but of the libraries for HTTP only warnings."""
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s", datefmt="%H:%M:%S")
    for chatty in ("azure", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
