"""GET /api/hunts: which hunts would run for some devices and indicators, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
