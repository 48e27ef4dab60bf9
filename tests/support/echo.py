"""A tenant whose answers repeat what was asked, so that what belongs to another run can be told by its values."""

from __future__ import annotations

import asyncio
import random
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from azure.core.credentials import AccessToken

from .packed import hunts_in, pack, schema_of

NOW = datetime.now(UTC)
# Finds an incident's number in its devices' ids and names, its address, URL, hash and rows, defanged or not.
NUMBER = re.compile(r"(?:(?:ab){18}0|(?:cd){18}0|own-|198\W+51\W+100\W+)(\d{3})")
ENTITY = re.compile(r'"((?:ab|cd){18}\d{4}|own-[^"]*|198\.51\.100\.\d{3})"')
_LAST_ADDRESS = 255


def evidence(number: int) -> list[dict[str, Any]]:
    """Return evidence of incident *number* alone: two devices, an address (up to 255), a URL and a file."""
    kind = "#microsoft.graph.security."
    known_by = {"mdeDeviceId": f"{'ab' * 18}0{number}"}, {"deviceDnsName": f"own-{number}.contoso.com"}
    address = {"@odata.type": f"{kind}ipEvidence", "ipAddress": f"198.51.100.{number}"}
    return [
        *({"@odata.type": f"{kind}deviceEvidence", "osPlatform": "Linux"} | name for name in known_by),
        *([address] if number <= _LAST_ADDRESS else []),
        {
            "@odata.type": f"{kind}urlEvidence",
            "url": f"https://own-{number}.example/",
            "verdict": "malicious",
        },
        {"@odata.type": f"{kind}fileEvidence", "fileDetails": {"sha1": f"{'cd' * 18}0{number}"}},
    ]


class Echo(httpx.AsyncBaseTransport):
    """
    A tenant that answers each query with rows that repeat the query's entities.

    An incident's id is 7,000 and its number, which has three digits; `comments` are by number. It takes a
    random time to answer, so that runs are interleaved.
    """

    def __init__(self) -> None:
        self.comments: dict[int, list[str]] = defaultdict(list)
        self._chance = random.Random(1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a call to Graph."""
        await asyncio.sleep(self._chance.random() / 200)
        if request.url.path.endswith("unHuntingQuery"):
            return httpx.Response(200, json=self._hunt(msgspec.json.decode(await request.aread())))
        number = int(request.url.path.split("/")[4]) - 7_000
        if request.method == "POST":
            self.comments[number].append(msgspec.json.decode(await request.aread())["comment"])
            return httpx.Response(200, json={})
        return httpx.Response(200, json=self._incident(number))

    def _hunt(self, body: dict[str, str]) -> dict[str, Any]:
        values = {name.lower(): value for name, value in body.items()}
        schema = schema_of(DeviceId="String", DeviceName="String", LastSeen="String")

        def rows(text: str) -> list[dict[str, str]]:
            return [{"DeviceId": each, "DeviceName": each} for each in dict.fromkeys(ENTITY.findall(text))]

        if hunts := hunts_in(values["query"]):
            answer: dict[str, Any] = msgspec.json.decode(
                pack({name: (schema, rows(text)) for name, text in hunts.items()})
            )
            return answer
        return {"schema": schema, "results": rows(values["query"])}

    def _incident(self, number: int) -> dict[str, Any]:
        return {
            "id": str(7_000 + number),
            "displayName": f"Activity of own-{number}",
            "createdDateTime": NOW.isoformat(),
            "alerts": [{"firstActivityDateTime": NOW.isoformat(), "evidence": evidence(number)}],
            "comments": [{"comment": text} for text in self.comments[number]],
        }


class Anyone:
    """An identity whose token is valid for an hour."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return the token."""
        return AccessToken("token", int(NOW.timestamp()) + 3_600)


def numbers(text: str) -> set[int]:
    """Return the numbers of the incidents whose values occur in *text*."""
    return {int(number) for number in NUMBER.findall(text)}
