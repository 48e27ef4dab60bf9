"""What looks like a secret is masked: the tables of command lines with and without one, and what it costs."""

from __future__ import annotations

import hashlib
import itertools
import re
from pathlib import Path

import pytest

from shared.comment import forms
from shared.comment.secrets import mask_secrets
from tests.support.repeats import grows_too_fast, repeats

_FOLDER = Path(__file__).parent


def read(name: str) -> list[str]:
    """Return the lines of a table that are neither empty nor a comment, one for each word that may stand in ⟨ ⟩."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("# ")]
    return ["".join(words) for line in lines for words in itertools.product(*_ways(line))]


def _ways(line: str) -> list[list[str]]:
    pieces = re.split("⟨(.*?)⟩", line)
    return [piece.split(" ") if n % 2 else [piece] for n, piece in enumerate(pieces)]


SECRET_LINES, HARMLESS_LINES = read("secret_lines.txt"), read("harmless_lines.txt")
#: What looks as if it said a secret, to whoever does not read it.
MISTAKEN = ["grep passwd: /etc/nsswitch.conf", 'git commit -m "secret: rotate"']


@pytest.mark.fault("B8", before="74 of 114 lines kept their secret")
@pytest.mark.fault("C", before="htpasswd -b /etc/nginx/.htpasswd bob Hunter2 kept its secret")
def test_secrets_in_command_lines_are_masked() -> None:
    """Passwords, keys, tokens and signatures, as the usual tools are given them, and nothing else of the line."""
    wrong = []
    for line in SECRET_LINES:
        masked = re.sub(r"\*\*\*\([^)]*\)", "***", mask_secrets(re.sub("[⟦⟧]", "", line)))
        wrong += [(line, masked)] if masked != re.sub("⟦.*?⟧", "***", line) else []

    assert len(SECRET_LINES) >= 500
    assert [] == wrong


@pytest.mark.fault("B8", before="of these lines, 16 were changed")
def test_command_lines_without_a_secret_are_unchanged() -> None:
    """Two of them all are changed; among them are options that hold a secret elsewhere, as in `ssh -p 2222`."""
    assert len(HARMLESS_LINES) >= 250
    assert MISTAKEN == [line for line in HARMLESS_LINES if line != mask_secrets(line)]


def test_every_row_of_the_table_masks_its_secret() -> None:
    """Whatever stands for the names and words in a form, and whether the secret is in quotes."""
    kept = []
    for tool in forms.TOOLS:
        for form in tool.forms:
            for quoted in ("Gh7!hidden", '"Gh7! hidden"', "'Gh7! hidden'"):
                words = form.replace("…", "--some").replace("NAME", "bob").replace("NUMBER", "5432")
                line = f"{tool.names.split()[0].replace('*', 'tool')} {words.replace('SECRET', quoted)}"
                kept += [line] if "hidden" in mask_secrets(line) else []

    # `NAME:"secret"`, quoted within a word, is nobody's way.
    assert [] == [line for line in kept if not re.search(r"\w[:%/,=][\"']|[\"']@", line)], kept


@pytest.mark.parametrize("look", forms.LOOKS, ids=lambda look: look.begins.split()[0])
def test_every_look_is_recognised_wherever_it_stands(look: forms.Look) -> None:
    """At its shortest, and in the middle of a text; one sign shorter it is something else."""
    sign = "A" if "A" in look.signs or "w" in look.signs else "0"
    for begins in look.begins.split():
        secret = begins + sign * look.least

        assert '(x "***")' == mask_secrets(f'(x "{secret}")')
        assert f"x {secret[:-1]} y" == mask_secrets(f"x {secret[:-1]} y")
        assert f"x z{secret} y" == mask_secrets(f"x z{secret} y")


@pytest.mark.parametrize("key", [*forms.KEYS, *forms.WHOLE_KEYS])
def test_every_key_names_a_secret(key: str) -> None:
    """With a sign behind it, as an option, in JSON, and as the end of a longer name."""
    assert f"x {key}=*** y" == mask_secrets(f"x {key}=Gh7!pass y")
    assert f'{{"{key}": ***}}' == mask_secrets(f'{{"{key}": "Gh7! pass"}}')
    assert f"DB_{key.upper()}=*** y" == mask_secrets(f"DB_{key.upper()}=Gh7!pass y")
    if f"-{key.capitalize()}" not in forms.NO_SECRETS[0].forms:
        assert f"tool --{key} *** y" == mask_secrets(f"tool --{key} Gh7!pass y")


@pytest.mark.parametrize("name", [*forms.PARAMETERS, *forms.SOMETIMES])
def test_every_parameter_of_an_address_that_is_a_secret_is_masked(name: str) -> None:
    """Those with an ordinary meaning, too, only where the value looks like a secret."""
    assert f"x.example/a?b=1&{name}=***&c=2" == mask_secrets(f"x.example/a?b=1&{name}=aB3dE5gH7jK9mN1&c=2")
    if name in forms.SOMETIMES:
        assert f"x.example/a?{name}=200&c=2" == mask_secrets(f"x.example/a?{name}=200&c=2")


@pytest.mark.parametrize(
    "line",
    ["tool --password $PASSWORD", "tool --password=${PW} x", "tool /pass:%PASS%", "tool --token=$(cat f) x",
     "password: true", "x --password --verbose", "mysql --password= shop", "token::value", "bypass=1", "compass: north"],
)  # fmt: skip
def test_what_only_stands_for_a_secret_is_unchanged(line: str) -> None:
    """Variables, files, words that say whether, an option without its value, and words that end like a key."""
    assert line == mask_secrets(line)


@pytest.mark.fault("B8", before="the whole command was shown, with the password in it")
def test_an_encoded_command_leaves_its_length_and_hash() -> None:
    """So that two of them can be compared, and one looked up, without its text."""
    code = "JABwAD0AJwBIAHUAbgB0AGUAcgAyACcA"
    digest = hashlib.sha256(code.encode()).hexdigest()[:8]

    assert f"powershell -enc ***(32 characters, sha256 {digest}) -x" == mask_secrets(
        f"powershell -enc {code} -x"
    )
    assert f'"***({4 * 32:,} characters' in mask_secrets(f'pwsh -EncodedCommand "{code * 4}"')
    assert "***(3,200 characters" in mask_secrets(f"powershell.exe -e {code * 100}")
    assert f"sort -e {code[:23]}" == mask_secrets(f"sort -e {code[:23]}")


@pytest.mark.fault("B8", before="a URL's user and password were shown")
@pytest.mark.parametrize(
    "value", ["https://bob:hunter2@evil.example/a", "bob:hunter2@evil.example", "x ftp://b:hunter2@e.example"]
)
def test_the_user_of_an_address_keeps_no_password(value: str) -> None:
    """With a scheme or without, its name is shown and its password is not."""
    assert value.replace("hunter2", "***") == mask_secrets(value)


def test_a_tool_counts_to_the_end_of_its_command() -> None:
    """What follows a pipe, `&&` or `;` is another tool's, and a later tool takes the place of an earlier one."""
    for line in ("sshpass -p *** ssh -p 2222 a", "redis-cli -a *** x | grep -a name", "zip -P *** a; ssh -P x",
                 "psexec -p *** x && mkdir -p a"):  # fmt: skip
        assert line == mask_secrets(line.replace("***", "Gh7!x"))


@pytest.mark.parametrize("kind", repeats())
@pytest.mark.fault(
    "B1", before="four times the length of mysql… took 15.6 times the time, of eyJ-… 12.5 times"
)
def test_masking_takes_time_in_proportion_to_a_values_length(kind: str) -> None:
    """16, 64 and 256 KB of every piece that the patterns know: who chooses a value cannot hold a worker with it."""
    assert {} == grows_too_fast(mask_secrets, repeats()[kind])
