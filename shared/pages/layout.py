"""The style and the templates of all pages."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

#: The stylesheet of every page.
STYLE = Path(__file__).with_name("style.css").read_text("utf-8")

#: The stylesheet's hash, as a page's Content-Security-Policy names it.
STYLE_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"


@cache
def template(name: str) -> jinja2.Template:
    """Return this folder's template *name*; it escapes the values that it shows."""
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
