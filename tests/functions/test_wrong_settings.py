"""With wrong settings, health and selftest alone are there, and say what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.deployed import ROOT, hosted
from tests.support.openapi import problems
from tests.support.tenant import ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path

# A process of its own: Microsoft's library loads one app per process. It prints every function with its level, and
# the answers of those of HTTP.
ASK = """
import asyncio, json, sys
from pathlib import Path
from sandbox.host.frames import HttpCall
from sandbox.host.http_trigger import signed_in
from sandbox.host.worker import Worker

async def main():
    worker = Worker(Path(sys.argv[1]))
    await worker.start()
    headers = signed_in(sys.argv[2], ["Outrider.Sweep"])
    answers = {}
    for each in worker.functions:
        if each.trigger.type == "httpTrigger":
            request = HttpCall("GET", "http://127.0.0.1/api/health", headers, {}, {}, b"")
            answer = await worker.call(each, request, limit=30)
            answers[each.name] = [str(answer.status), answer.body.decode()]
    print(json.dumps({"levels": {f.name: f.trigger.auth_level for f in worker.functions}, "answers": answers}))
    await worker.close()

asyncio.run(main())
"""


def ask(principal: str = "", **environment: str) -> tuple[dict[str, Any], str]:
    """Load the app with these settings, call its HTTP functions, and return what they are and answer, and the log."""
    settings = {name: value for name, value in {**ENVIRONMENT, **environment}.items() if value}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(ROOT), principal],
        cwd=ROOT, env=settings, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found, done.stderr


@pytest.mark.fault("H4", before="StartupError: SettingsError: Wrong settings, and the host had no function")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"WATCH_SCHEDULE": "0 60 * * * *"},
            "WATCH_SCHEDULE='0 60 * * * *': '60' is no minute; write * or a number from 0 to 59, as in 0 0 6 * * *",
        ),
        ({"MAX_ROWS": "10,000"}, "MAX_ROWS='10,000': write a whole number from 1 to 99,999, without commas"),
        (
            {"STATE_URL": ""},
            (
                "STATE_URL is not set: where runs and findings are kept, "
                "https://<account>.blob.core.windows.net/<container>, file:///<folder> or memory://"
            ),
        ),
    ],
    ids=["WATCH_SCHEDULE", "MAX_ROWS", "STATE_URL"],
)
def test_a_wrong_setting_leaves_health_and_selftest_which_name_it(wrong: dict[str, str], said: str) -> None:
    """Both ask for a key, and answer 503 with the setting and what to write; no timer, no queue, no other call is there."""
    found, log = ask(**wrong)

    assert {"GetHealth": "FUNCTION", "RunSelftest": "FUNCTION"} == found["levels"]
    for name, operation in (("GetHealth", "GET /api/health"), ("RunSelftest", "GET /api/selftest")):
        status, body = found["answers"][name]
        error = json.loads(body)["error"]
        assert ("503", "WrongSettings") == (status, error["code"])
        assert [said] == [detail["message"] for detail in error["details"]]
        assert [] == problems(operation, int(status), body.encode())
    assert 1 == log.count("wrong settings")
    assert said in log


@pytest.mark.fault("H4", before="StartupError: SettingsError: Wrong settings, and the host had no function")
def test_every_wrong_setting_is_named_and_no_secret() -> None:
    """One answer is enough to mend all; what may be a secret is in neither answer nor log."""
    secret = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0"
    found, log = ask(COMMENTS="yes", STATE_URL=secret, FINDINGS_DAYS="0")
    details = json.loads(found["answers"]["GetHealth"][1])["error"]["details"]

    assert ["COMMENTS", "FINDINGS_DAYS", "STATE_URL"] == [each["message"].split("=")[0] for each in details]
    assert "c2VjcmV0" not in json.dumps(found) + log


@pytest.mark.fault("H4", before="StartupError: SettingsError: Wrong settings, and the host had no function")
@pytest.mark.parametrize(
    ("asked", "platform", "principal", "level", "status"),
    [
        ("entra", "True", "", "ANONYMOUS", "401"),
        ("entra", "True", "analyst", "ANONYMOUS", "503"),
        ("entra", "", "analyst", "FUNCTION", "503"),
        ("nobody", "True", "", "FUNCTION", "503"),
    ],
)
def test_a_wrong_setting_opens_nothing(
    asked: str, platform: str, principal: str, level: str, status: str
) -> None:
    """Only where App Service authentication signs callers in is no key asked for, and then a principal is."""
    found, _ = ask(principal, MAX_ROWS="0", HTTP_AUTH=asked, WEBSITE_AUTH_ENABLED=platform)

    assert {level} == set(found["levels"].values())
    assert {status} == {each for each, _ in found["answers"].values()}


@pytest.mark.fault("H4", before="StartupError, and the host ended")
def test_on_a_host_every_other_call_is_not_there(tmp_path: Path) -> None:
    """A key opens health alone; other calls are answered with 404, and no timer and no queue is listened to."""
    with hosted(tmp_path, MAX_ROWS="0") as http:
        found = [
            (method, path, http.request(method, f"/api/{path}").status_code)
            for method, path in (("GET", "health"), ("GET", "hunts"), ("POST", "enrich"), ("GET", "runs/1"))
        ]
        without = httpx.get(f"{http.base_url}/api/health").status_code

    assert [503, 404, 404, 404] == [status for *_, status in found]
    assert 401 == without
