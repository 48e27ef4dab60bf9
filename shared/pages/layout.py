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

#: So many filters can a page have; each shows what has its class alone, and what its address points to.
FILTERS = 48
#: The stylesheet of a page with filters: `f3` is the class of what the choice `show-3` shows. No script is needed.
FILTERED = STYLE + "".join(
    f"main:has(#show-{n}:checked) .hunt:not(.f{n}, :target) {{ display: none; }}\n" for n in range(FILTERS)
)


def _hash(style: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


#: The stylesheets' hashes, as a page's Content-Security-Policy names them.
STYLE_HASH, FILTERED_HASH = _hash(STYLE), _hash(FILTERED)


@cache
def template(name: str) -> jinja2.Template:
    """Return this folder's template *name*; it escapes the values that it shows."""
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
