"""Read which entities a caller asks about in the query of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from shared.errors import InvalidRequest

from .indicators import is_private, parse_device, parse_indicator
from .request import from_request

if TYPE_CHECKING:
    from shared.model.entity import Chosen

    from .choosing import Limits

_KNOWN = ("device", "indicator", "osPlatform")
#: What the platform reads: the function key, and the key's name.
_PLATFORMS = ("code", "clientId")
_LONGEST_PLATFORM = 60


def parse_question(url: str, limits: Limits) -> Chosen | None:
    """
    Return the devices and indicators that the query of *url* names, None where it names none.

    `device` and `indicator` may stand there several times; `osPlatform` is that of all the devices. It is read from
    the address, since the Functions host joins the values of one name with commas, which a URL may hold too
    (GrpcMessageConversionExtensions.ToRpcHttp of azure-functions-host). Raises InvalidRequest, which says what to
    change.
    """
    try:
        given = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=2_000)
    except ValueError:
        raise InvalidRequest(
            "the address holds too many parameters: ask about fewer devices and indicators"
        ) from None
    fields = [(name, value) for name, value in given if name not in _PLATFORMS]
    for name, _ in fields:
        if name not in _KNOWN:
            raise InvalidRequest(f"{name[:60]!r} is no parameter: there are {', '.join(_KNOWN)}")
    devices = [parse_device(value) for name, value in fields if name == "device"]
    indicators = [parse_indicator(value) for name, value in fields if name == "indicator"]
    platforms = [value.strip() for name, value in fields if name == "osPlatform"]
    if platforms and not devices:
        raise InvalidRequest("osPlatform is that of devices: give a device, too")
    if len(platforms) > 1 or any(not 0 < len(one) <= _LONGEST_PLATFORM for one in platforms):
        raise InvalidRequest("give one osPlatform, as Defender writes it: Windows11, Linux, macOS")
    for indicator in indicators:
        if is_private(indicator):
            raise InvalidRequest(
                f"{indicator.value} is a private or reserved address, the same in every network: it is not hunted by itself"
            )
    if not (devices or indicators):
        return None
    on = platforms[0] if platforms else ""
    return from_request([replace(device, os_platform=on) for device in devices], indicators, limits)
