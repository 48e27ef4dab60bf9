"""GET /api/hunts: which hunts would run for some devices and indicators, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.pages.layout import FILTERED_HASH
from tests.support.hunt_files import six_hunts

if TYPE_CHECKING:
    import httpx

BLOCKLESS = "its file has no enrichment block"


def told(http: httpx.Client, *params: tuple[str, str]) -> dict[str, dict[str, Any]]:
    """Return what the app says of each hunt for these parameters, by its name."""
    answer = http.get("/api/hunts", params=list(params))

    assert 200 == answer.status_code, answer.text
    return {hunt["hunt"]: hunt for hunt in answer.json()["hunts"]}


def test_without_entities_nothing_is_said_of_runs(http: httpx.Client) -> None:
    """Each hunt has its role and severity, and whether it runs by itself."""
    listed = told(http)

    assert six_hunts().by_name.keys() == listed.keys()
    assert all({"why", "runs", "rank"}.isdisjoint(hunt) for hunt in listed.values())
    assert ("finding", "high", True) == tuple(
        listed["archive-then-upload"][name] for name in ("role", "severity", "auto")
    )
    assert ("context", "low") == tuple(listed["device-card"][name] for name in ("role", "severity"))


def test_each_hunt_says_whether_it_would_run_and_why(http: httpx.Client) -> None:
    """Those that run have a rank, the most severe first; the device card runs beside them without one."""
    found = told(http, ("device", "srv-7"), ("indicator", "evil.example/a,b"), ("indicator", "198.51.100.7"))
    ranks = {name: hunt["rank"] for name, hunt in found.items() if "rank" in hunt}

    assert {hunt["hunt"] for hunt in found.values() if hunt["runs"]} - {"device-card"} == ranks.keys()
    assert list(range(1, len(ranks) + 1)) == sorted(ranks.values())
    assert ranks["archive-then-upload"] < ranks["file-origin"] < ranks["linux-server-egress-baseline"]
    assert "it runs by itself; its severity is high" == found["archive-then-upload"]["why"]
    assert (True, "it runs beside every hunt for devices") == (
        found["device-card"]["runs"],
        found["device-card"]["why"],
    )
    assert (False, "there is no indicator of kind fileHash") == (
        found["file-hash-seen"]["runs"],
        found["file-hash-seen"]["why"],
    )


def test_the_system_of_the_devices_rules_hunts_out(http: httpx.Client) -> None:
    """Without it nothing is ruled out, since nobody knows."""
    of_linux = "archive-then-upload"
    windows = told(http, ("device", "a" * 40), ("osPlatform", "Windows11"))[of_linux]

    assert (False, "it is a Windows11, the hunt is for Linux") == (windows["runs"], windows["why"])
    assert told(http, ("device", "a" * 40), ("osPlatform", "linux"))[of_linux]["runs"]
    assert told(http, ("device", "a" * 40))[of_linux]["runs"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([("devices", "srv-7")], "'devices' is no parameter: there are device, indicator, osPlatform"),
        ([("device", "")], "'' is no device: give its name or its 40-digit Defender id"),
        ([("device", "x" * 300)], "is no device: give its name"),
        ([("indicator", "hello")], "'hello' is no IP address, URL, domain or file hash"),
        ([("indicator", "")], "'' is no IP address, URL, domain or file hash"),
        ([("indicator", "10.0.0.1")], "10.0.0.1 is a private or reserved address"),
        ([("indicator", "10.0.0.0/8")], "is a network, and only single addresses are hunted"),
        ([("osPlatform", "Linux")], "osPlatform is that of devices: give a device, too"),
        (
            [("device", "a"), ("osPlatform", "Linux"), ("osPlatform", "macOS")],
            "give one osPlatform, as Defender writes it",
        ),
        ([("device", "a"), ("osPlatform", "")], "give one osPlatform, as Defender writes it"),
        ([("device", f"srv-{n}") for n in range(51)], "51 devices: one run takes at most 50 (MAX_DEVICES)"),
        ([("device", "a")] * 2_001, "the address holds too many parameters"),
    ],
)
def test_a_wrong_question_says_what_to_change(
    http: httpx.Client, params: list[tuple[str, str]], message: str
) -> None:
    """It is answered with 400, and names the parameter or the value."""
    answer = http.get("/api/hunts", params=params)

    assert (400, "InvalidRequest") == (answer.status_code, answer.json()["error"]["code"])
    assert message in answer.json()["error"]["message"]


def test_the_key_in_the_address_is_no_parameter_of_ours(http: httpx.Client) -> None:
    """The platform reads `code` and `clientId` there."""
    assert 200 == http.get("/api/hunts", params={"code": "any", "clientId": "default"}).status_code


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json, Text/HTML;q=0.5", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("text/*", "application/json"),
    ],
)
def test_who_names_html_gets_a_page_and_everybody_else_json(
    http: httpx.Client, accept: str, kind: str
) -> None:
    """As a browser does; clients that accept anything, and Logic Apps, get what they always got."""
    answer = http.get("/api/hunts", headers={"accept": accept})

    assert (200, kind) == (answer.status_code, answer.headers["content-type"])


def test_the_page_loads_only_its_own_style(http: httpx.Client) -> None:
    """It has no script, says of each hunt whether it runs where it is asked, and how often it ran of late."""
    answer = http.get("/api/hunts", params={"device": "srv-7"}, headers={"accept": "text/html"})

    assert answer.headers["content-security-policy"].startswith(
        f"default-src 'none'; style-src {FILTERED_HASH}; base-uri 'none'; form-action 'none';"
    )
    assert ("no-store", "nosniff", "no-referrer") == tuple(
        answer.headers[name] for name in ("cache-control", "x-content-type-options", "referrer-policy")
    )
    assert "<script" not in answer.text
    assert all(f'id="hunt-{name}"' in answer.text for name in six_hunts().by_name)
    assert "there is no indicator of kind fileHash" in answer.text
    assert "How often each ran is " in answer.text
    assert "the store cannot be read" not in answer.text


def test_a_wrong_question_is_an_error_for_browsers_too(http: httpx.Client) -> None:
    """In JSON, as all errors are."""
    answer = http.get("/api/hunts", params={"indicator": ""}, headers={"accept": "text/html"})

    assert (400, "InvalidRequest") == (answer.status_code, answer.json()["error"]["code"])


def test_each_hunt_says_what_it_needs(http: httpx.Client) -> None:
    """Its tables and who fills them, whether it sweeps, and what an analyst should know."""
    found = told(http)["archive-then-upload"]

    assert ["DeviceNetworkEvents", "DeviceProcessEvents"] == found["tables"]
    assert ["Microsoft Defender for Endpoint Plan 2"] == found["products"]
    assert found["sweeps"]
    assert found["falsePositives"]
    assert found["blindSpots"]
    assert found["nextSteps"]


def test_the_layer_is_a_file_to_save(http: httpx.Client) -> None:
    """It has the techniques of all hunts."""
    answer = http.get("/api/hunts/layer")
    named = {technique for hunt in told(http).values() for technique in hunt["techniques"]}

    assert 'attachment; filename="outrider-hunts.json"' == answer.headers["content-disposition"]
    assert named == {each["techniqueID"] for each in answer.json()["techniques"]}
