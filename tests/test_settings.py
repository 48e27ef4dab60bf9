"""Settings are read once, when the app starts, and everything wrong with them is reported together."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.host.schedules import parse
from shared.errors import SettingsError
from shared.settings import NAMES, read_settings

WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg-soc"
    "/providers/Microsoft.OperationalInsights/workspaces/law-soc"
)
GOOD = {
    "STATE_URL": "memory://",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEBSITE_HOSTNAME": "outrider.example",
}


def test_three_settings_are_enough_to_start() -> None:
    """All others have defaults, which also apply where a value is empty."""
    settings = read_settings({**GOOD, "COMMENTS": "", "MAX_ROWS": " "})

    assert ("on", 10_000, "key") == (settings.comments, settings.max_rows, settings.http_auth)
    assert "https://outrider.example" == settings.root_url


def test_one_error_names_every_wrong_setting() -> None:
    """Settings that are missing and values that cannot be used are listed together."""
    with pytest.raises(SettingsError) as raised:
        read_settings(
            {
                "COMMENTS": "maybe",
                "MAX_ROWS": "100000",
                "GRAPH_URL": "http://graph.example",
                "IGNORE_INDICATORS": "x/99",
            }
        )

    message = str(raised.value)
    wanted = (
        "STATE_URL",
        "AzureWebJobsStorage",
        "PUBLIC_URL",
        "COMMENTS='maybe'",
        "MAX_ROWS='100000'",
        "GRAPH_URL=",
        "'x/99'",
    )

    assert [] == [name for name in wanted if name not in message]


@pytest.mark.parametrize("name", ["GRAPH_URL", "ARM_URL", "PORTAL_URL", "PUBLIC_URL"])
@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("http://127.0.0.1:8000", True), ("http://localhost:8000", True), ("http://[::1]:8000", True), ("https://example.com", True),
        ("http://example.com", False), ("http://127.0.0.1.example.com", False), ("http://198.51.100.7", False),
        ("ftp://127.0.0.1", False), ("example.com", False), ("https://", False), ("https://[::1", False),
    ],
)  # fmt: skip
def test_plain_http_is_accepted_for_localhost_only(name: str, url: str, taken: bool) -> None:
    """Any other address must be https, because tokens and links go there."""
    try:
        read_settings({**GOOD, name: url})
    except SettingsError as error:
        assert not taken, error
        assert name in str(error)
    else:
        assert taken


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMENT_MAX_CHARS", "999"),
        ("COMMENT_MAX_CHARS", "30001"),
        ("MAX_DEVICES", "0"),
        ("MAX_DEVICES", "many"),
        ("HTTP_AUTH", "none"),
        ("AZURE_CLOUD", "mars"),
        ("STATE_URL", "s3://bucket"),
        ("STATE_URL", "https://account.blob.core.windows.net"),
    ],
)
def test_an_unusable_value_is_named_with_its_setting(name: str, value: str) -> None:
    """The error repeats the name and the value as they were given."""
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        read_settings({**GOOD, name: value})


@pytest.mark.fault("A28", before="DID NOT RAISE SettingsError")
@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("FINDINGS_DAYS", "9999999999", "write a whole number from 1 to 3,650"),
        ("HUNTS_PER_MINUTE", "9999999999999999999", "write a whole number from 1 to 1,000,000"),
        ("MAX_ROWS", "10,000", "write a whole number from 1 to 99,999, without commas"),
        ("COMMENTS", "yes", "write one of on, off"),
        ("WATCH_LOOKBACK", "1h", "write an ISO 8601 duration, such as PT1H"),
        ("WATCH_LOOKBACK", "3600", "write an ISO 8601 duration, such as PT1H"),
        ("SENTINEL_WORKSPACE", "law-soc", "/subscriptions/<id>/resourceGroups/<name>"),
        ("SENTINEL_WORKSPACE", f"{WORKSPACE};{WORKSPACE}", "separate several with commas"),
        ("SENTINEL_WORKSPACE", f"{WORKSPACE},law-soc", "'law-soc': write the workspace's resource id"),
        ("STATE_URL", "file://tmp/x", "write file:///<folder>, with three slashes: file:///tmp/x"),
        ("STATE_URL", "file://", "write file:///<folder>"),
        ("STATE_URL", "https://a.blob.core.windows.net/state/runs", "must name a container"),
        ("STATE_URL", "https://a.blob.core.windows.net/State", "must name a container"),
        ("GRAPH_URL", "https://graph.example/?x=1", "without a user, ? or #"),
        ("WATCH_SCHEDULE", "every minute", "it has 2 fields; write six"),
        ("WATCH_SCHEDULE", "%WATCH_SCHEDULE%", "it has 1 fields; write six"),
        ("WATCH_SCHEDULE", "0 60 * * * *", "'60' is no minute"),
        ("SWEEP_SCHEDULE", "0 0 24 * * *", "'24' is no hour"),
        ("SWEEP_SCHEDULE", "0 0 6 * * 7", "'7' is no day of the week"),
        ("SWEEP_SCHEDULE", "0 0 6 ? * MON", "'?' is no day"),
        ("SWEEP_SCHEDULE", "0 0 6 * * monkey", "'monkey' is no day of the week"),
        ("SWEEP_SCHEDULE", "*/0 0 6 * * *", "'*/0' is no second"),
        ("SWEEP_SCHEDULE", "0 0 6 1,, * *", "'' is no day"),
        ("SWEEP_SCHEDULE", "0 0 6 30 2 *", "it never occurs"),
        ("SWEEP_SCHEDULE", "24:00:00", "intervals are not taken on a plan that scales by itself"),
        ("HUNTS_DIR", "/no/such/folder", "there is no such folder"),
        ("HUNTS_DIR", __file__, "there is no such folder"),
        ("IGNORE_INDICATORS", "*.contoso.com", "write contoso.com, which covers all that is below it"),
        ("IGNORE_INDICATORS", ".contoso.com", "write contoso.com, which covers"),
        ("IGNORE_INDICATORS", "https://contoso.com/", "write contoso.com, which covers"),
        ("IGNORE_INDICATORS", "contoso[.]com", "write contoso.com, which covers"),
        ("IGNORE_INDICATORS", "contoso.com;example.com", "separate several with commas"),
        ("IGNORE_INDICATORS", "sha256:" + "a" * 64, "write an address, CIDR, domain or hash"),
        ("IGNORE_INDICATORS", "a" * 39, "write an MD5, SHA-1 or SHA-256 in full"),
        ("IGNORE_INDICATORS", "::ffff:203.0.113.0/120", "write it as IPv4, 203.0.113.0/24"),
    ],
)
def test_what_would_be_wrong_later_is_refused_at_the_start(name: str, value: str, instead: str) -> None:
    """The one message names the setting, and says what to write instead."""
    with pytest.raises(SettingsError) as raised:
        read_settings({**GOOD, name: value})
    (line,) = str(raised.value).splitlines()[1:]

    assert name in line
    assert instead in line


@pytest.mark.fault("A28", before="DID NOT RAISE SettingsError")
def test_a_state_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Nothing could be stored in it; a folder that is not there yet is made."""
    file = tmp_path / "state"
    file.write_text("x")
    read_settings({**GOOD, "STATE_URL": (tmp_path / "new").as_uri()})

    with pytest.raises(SettingsError, match="that is a file; write the path of a folder"):
        read_settings({**GOOD, "STATE_URL": file.as_uri()})


@pytest.mark.parametrize(
    "schedule",
    [
        "0 * * * * *", "* * * * * *", "*/5 * * * * *", "0 5/15 * * * *", "0 0 6-18/2 * * 1-5", "0 0 6 * jan,JUL Mon",
        "0 0 6 1 january-march sunday", "0 0 6 29 2 *", "*/30 * * * *", "0 0 22-6 * * *", " 0  0 6 * * * ",
    ],
)  # fmt: skip
def test_what_the_host_reads_as_ncrontab_is_taken(schedule: str) -> None:
    """Lists, ranges, steps, names and their beginnings; the sandbox's host reads each of them, too."""
    parse(schedule)
    settings = read_settings({**GOOD, "SWEEP_SCHEDULE": schedule})

    assert schedule.strip() == settings.sweep_schedule


def test_all_that_can_be_ignored_is_taken() -> None:
    """Addresses, networks, domains, names without a dot, and hashes."""
    ignored = (
        "203.0.113.9",
        "2001:DB8:0::/48",
        "contoso.com",
        "_spf.contoso.com",
        "corp",
        "a" * 40,
        "B" * 64,
    )
    settings = read_settings({**GOOD, "IGNORE_INDICATORS": ", ".join(ignored)})

    assert {each.lower() for each in ignored} == settings.ignored


def test_values_are_understood_in_any_case() -> None:
    """`Off` and `USGov` mean the same as `off` and `usgov`."""
    settings = read_settings({**GOOD, "COMMENTS": "Off", "AZURE_CLOUD": "USGov"})

    assert ("off", "https://graph.microsoft.us/.default") == (settings.comments, settings.graph_scope)


@pytest.mark.parametrize(
    ("asked", "platform", "expected"), [("entra", "True", True), ("entra", "", False), ("key", "True", False)]
)
def test_function_keys_are_dropped_only_behind_platform_sign_in(
    asked: str, platform: str, expected: bool
) -> None:
    """Both must hold: HTTP_AUTH asks for Entra, and App Service authentication is on."""
    assert (
        expected
        == read_settings({**GOOD, "HTTP_AUTH": asked, "WEBSITE_AUTH_ENABLED": platform}).platform_signs_in
    )


def test_platform_variables_are_not_settings_to_document() -> None:
    """The list of settings has the app's own names, and none of Azure's, which begin with WEBSITE_."""
    assert not any(name.startswith("WEBSITE_") for name in NAMES)
    assert {"STATE_URL", "AzureWebJobsStorage__queueServiceUri"} <= set(NAMES)


def test_a_folder_that_may_not_be_looked_into_is_a_wrong_setting() -> None:
    """A path that the system refuses to look up, here for its length, is told like any other."""
    with pytest.raises(SettingsError, match="HUNTS_DIR="):
        read_settings({**GOOD, "HUNTS_DIR": "/" + "x" * 5_000})


def test_several_workspaces_are_separated_with_commas() -> None:
    """Each counts once, in lower case, with or without a slash at its end."""
    listed = f" {WORKSPACE}, {WORKSPACE.upper()}/ ,{WORKSPACE}2,"

    assert (WORKSPACE.lower(), f"{WORKSPACE.lower()}2") == read_settings(
        {**GOOD, "SENTINEL_WORKSPACE": listed}
    ).workspaces
    assert () == read_settings({**GOOD, "SENTINEL_WORKSPACE": " , "}).workspaces
