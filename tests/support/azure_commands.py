"""
The commands of `az` and `azd` that the guides may use, with the options of each, and how a guide's commands are read.

Those of `az` are what the parser of azure-cli 2.91.0 takes (`az … --help`); those of `azd` are its reference, "Azure
Developer CLI commands", Microsoft Learn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERYWHERE = {"--query", "--output"}

_AZ = {
    "account get-access-token": {"--resource"},
    "account show": set(),
    "ad app create": {"--display-name", "--sign-in-audience", "--app-roles"},
    "ad app delete": {"--id"},
    "ad app federated-credential create": {"--id", "--parameters"},
    "ad app permission grant": {"--id", "--api", "--scope"},
    "ad app show": {"--id"},
    "ad app update": {
        "--id", "--app-roles", "--identifier-uris", "--enable-id-token-issuance", "--requested-access-token-version",
        "--web-redirect-uris",
    },
    "ad sp create": {"--id"},
    "ad sp show": {"--id"},
    "ad sp update": {"--id", "--set"},
    "bicep upgrade": set(),
    "cloud set": {"--name"},
    "deployment group create": {"--resource-group", "--name", "--parameters", "--template-file"},
    "deployment group show": {"--resource-group", "--name"},
    "functionapp deployment source config-zip": {"--resource-group", "--name", "--src", "--build-remote"},
    "functionapp keys list": {"--resource-group", "--name"},
    "functionapp list-flexconsumption-locations": set(),
    "functionapp stop": {"--resource-group", "--name"},
    "group create": {"--name", "--location"},
    "group delete": {"--name"},
    "login": {"--service-principal", "--identity", "--tenant"},
    "monitor log-analytics query": {"--workspace", "--analytics-query"},
    "monitor log-analytics workspace delete": {"--resource-group", "--workspace-name", "--force"},
    "provider register": {"--namespace", "--wait"},
    "rest": {"--method", "--url", "--resource", "--headers", "--body"},
}  # fmt: skip

#: The commands, and how many words may follow each that are no options.
_AZD = {
    "auth login": (set(), 0),
    "config set": (set(), 2),
    "config unset": (set(), 1),
    "deploy": ({"--from-package"}, 1),
    "down": ({"--purge"}, 0),
    "env get-value": (set(), 1),
    "env get-values": (set(), 0),
    "env new": (set(), 1),
    "env set": (set(), 2),
    "provision": ({"--preview"}, 0),
    "up": (set(), 0),
}  # fmt: skip


class Command(NamedTuple):
    """A command of a guide: the tool, its command as far as it is known ('' if it is not), and all words after the tool."""

    tool: str
    known: str
    words: list[str]


def commands(text: str) -> Iterator[Command]:
    """Yield each command of `az` and `azd` in the code of a Markdown text, in blocks as in lines."""
    blocks = re.findall(r"^ {4,}(.*)$", text.replace("\\\n", " "), re.MULTILINE)
    for code in (*blocks, *re.findall(r"`([^`\n]+)`", text)):
        for tool, rest in re.findall(r"(?:^|[\s($=\"])(azd?) ([a-z][^#)|]*)", code):
            words = re.findall(r"\"[^\"]*\"|'[^']*'|(?:<[^>]*>|[^\s<])+", rest)
            table = _AZ if tool == "az" else _AZD
            lengths = range(len(words), 0, -1)
            known = next((" ".join(words[:n]) for n in lengths if " ".join(words[:n]) in table), "")
            yield Command(tool, known, words)


def fault(command: Command) -> str:
    """Return what is wrong with a command: that it is not known, an option that it does not have, or a word too many."""
    tool, known, words = command
    said = f"{tool} {' '.join(words)}"
    if not known:
        return f"no such command: {said}"
    options, free = (_AZ[known], 0) if tool == "az" else _AZD[known]
    rest = words[len(known.split()) :]
    values = _values(rest) if tool == "az" else {n for n, word in enumerate(rest) if word == "--from-package"}
    odd = [word for word in rest if word.startswith("--") and word not in options | _EVERYWHERE]
    loose = [
        word
        for n, word in enumerate(rest)
        if not word.startswith("--") and n - 1 not in values and word != "…"
    ]
    return f"{', '.join(odd + loose[free:])} of: {said}" if odd or len(loose) > free else ""


def _values(words: list[str]) -> set[int]:
    """Return where the options stand that take the next word: all but the flags."""
    flags = {"--wait", "--force", "--service-principal", "--identity"}
    return {n for n, word in enumerate(words) if word.startswith("--") and word not in flags}
