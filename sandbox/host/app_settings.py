"""An app's settings, as the host reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class AppSettings:
    """
    The settings in *environ*.

    .NET reads their names without regard to case, and takes `__` for the dot that Linux does not allow in one.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values = {_plain(name): value for name, value in environ.items()}

    def get(self, name: str) -> str:
        """Return a setting's value, "" if it is not set."""
        return self._values.get(_plain(name), "")

    def is_on(self, name: str) -> bool:
        """Return whether a setting is `true` or `1` (IConfigurationExtensions.IsSettingEnabled)."""
        return self.get(name).lower() in {"true", "1"}

    def resolve(self, text: str) -> str:
        """Replace each `%NAME%` in *text* with the setting's value. Raises ValueError for one that is not set."""

        def value(found: re.Match[str]) -> str:
            if not self.get(found[1]):
                raise ValueError(f"'{found[0]}' does not resolve to a value.")
            return self.get(found[1])

        return re.sub(r"%([^%]+)%", value, text)


def _plain(name: str) -> str:
    return name.replace("__", ".").upper()
