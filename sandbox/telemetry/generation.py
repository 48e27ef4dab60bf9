"""
Make up a fleet's telemetry, in SQL: two thousand devices and two weeks take a minute.

There are Windows clients (`pc-001.contoso.com`) and servers (`win-1.…`), Linux servers (`srv-1.…`) and desktops (`wks-001.…`),
Macs (`mac-001.…`), and Linux devices of another type or none (`box-1.…`). Of every twenty after the first 40, twelve are Windows
clients and three Windows servers; of the first 40, 31 are on Linux. What they do is in `life`, but for the connections of each
hour, from which the baselines of egress are made. Public addresses are from the blocks reserved for documentation (RFC 5737,
RFC 3849). Nothing is random: every choice is a hash of the seed and of what is chosen, so equal arguments give equal rows.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .life.known import know
from .life.writing import live

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine import Engine

SMALLEST_FLEET = 40  # devices that the planted intrusions need
_CHUNK = 1000  # devices generated at a time, between two calls of the progress hook

# kind, device-hours with one per 1,000, image, command ('' = image), account, remote name, port, IP type
_CONNECTIONS = r"""
    ('srv', 400, '/usr/lib/jvm/bin/java', 'java -jar orders.jar', 'app', 'api.pay.example', 443, 'Public'),
    ('srv', 250, '/usr/bin/node', 'node /opt/shop/server.js', 'app', 'cdn.shop.example', 443, 'Public'),
    ('srv', 500, '/usr/lib/postgresql/bin/postgres', 'postgres: writer', 'postgres', '', 5432, 'Private'),
    ('srv', 200, '/usr/sbin/nginx', 'nginx: worker process', 'www-data', '', 8080, 'Loopback'),
    ('srv', 60, '/opt/fluent-bit/bin/fluent-bit', '', 'root', 'logs.vendor.example', 443, 'Public'),
    ('srv', 25, '/usr/lib/jvm/bin/java', 'java -jar webhooks.jar', 'app', 'anywhere', 443, 'Public'),
    ('wks', 600, '/usr/lib/firefox/firefox', '', 'user', 'anywhere', 443, 'Public'),
    ('wks', 80, '/usr/bin/curl', 'curl -O packages.example/x', 'user', 'packages.example', 443, 'Public'),
    ('wks', 120, '/usr/bin/python3', 'python3 -m pip install build', 'user', 'pypi.example', 443, 'Public'),
    ('wks', 100, '/usr/share/code/code', '', 'user', 'editor.example', 443, 'Public'),
    ('wks', 150, '/usr/bin/ssh', 'ssh srv-2.contoso.com', 'user', '', 22, 'Private'),
    ('box', 150, '/usr/sbin/mosquitto', '', 'mosquitto', 'broker.example', 8883, 'Public'),
    ('pc', 700, 'c:\program files (x86)\microsoft\edge\application\msedge.exe', '', 'user', 'anywhere', 443, 'Public'),
    ('pc', 300, 'c:\program files\microsoft office\root\office16\outlook.exe', '', 'user', 'mail.contoso.com', 443, 'Public'),
    ('pc', 200, 'c:\windows\system32\svchost.exe', 'svchost.exe -k netsvcs', 'system', '', 445, 'Private'),
    ('linux', 500, '/opt/microsoft/mdatp/sbin/sensecm', '', 'root', 'events.defender.example', 443, 'Public'),
    ('linux', 60, '/usr/lib/snapd/snapd', '', 'root', 'api.snaps.example', 443, 'Public'),
    ('linux', 15, '/usr/bin/fwupdmgr', 'fwupdmgr refresh', 'root', 'firmware.example', 443, 'Public'),
    ('linux', 90, '/usr/sbin/networkmanager', '', 'root', 'connectivity.example', 80, 'Public'),
    ('linux', 80, '/usr/lib/apt/methods/http', '', '_apt', 'deb.example', 80, 'Public'),
    ('linux', 10, '/usr/bin/python3.12', 'ubuntu-release-upgrader -c', 'root', 'deb.example', 443, 'Public'),
    ('linux', 60, '/usr/lib/systemd/systemd-resolved', '', 'systemd-resolve', '', 53, 'Loopback')
"""


def device_id(name: str) -> str:
    """Return the id that Defender would have for the device *name*: 40 hexadecimal digits."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def generate(
    engine: Engine,
    *,
    devices: int = 60,
    days: int = 7,
    seed: int = 1,
    end: datetime,
    life: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """
    Fill *engine* with the telemetry of *devices* devices over the *days* before *end*.

    Without *life* there are the devices and their connections, hour by hour, and nothing else: it takes a tenth of the time.
    *progress* is called with (devices done, devices in all). Raises ValueError for fewer than 40 devices,
    which the planted intrusions need, or less than a day.
    """
    if devices < SMALLEST_FLEET or days < 1:
        raise ValueError(f"a fleet is at least {SMALLEST_FLEET} devices and a day")
    start = (end.astimezone(UTC) - timedelta(days=days)).replace(tzinfo=None)
    run = engine.connection.execute
    run(_FUNCTIONS)
    run(
        f"CREATE OR REPLACE TEMP TABLE connections AS SELECT row_number() OVER () AS k, * FROM (VALUES {_CONNECTIONS})"
    )
    run(_FLEET, {"devices": devices})
    for first in range(0, devices, _CHUNK):
        last = min(first + _CHUNK, devices)
        some = {"first": first, "last": last, "start": start}
        run(_HOURS, {**some, "hours": days * 24, "seed": seed})
        run(_DEVICE_INFO)
        run(_NETWORK_EVENTS)
        if life:
            run(_DAYS, {**some, "days": days})
            live(engine, first, last, seed=seed, end=start + timedelta(days=days))
        if progress:
            progress(last, devices)
    if life:
        know(engine, days=days, end=start + timedelta(days=days))
    for table in ("connections", "fleet", "hours", "days", "members", "patterns"):
        run(f"DROP TABLE IF EXISTS temp.{table}")


_FUNCTIONS = r"""
CREATE OR REPLACE TEMP MACRO pick(x, n) AS (hash(x) % n)::INTEGER;
CREATE OR REPLACE TEMP MACRO moment(hour, x) AS hour + to_microseconds((hash(x) % 3600000000)::BIGINT);
CREATE OR REPLACE TEMP MACRO file_of(path) AS regexp_extract(path, '[^/\\]+$');
CREATE OR REPLACE TEMP MACRO command_of(command, path) AS CASE command WHEN '' THEN path ELSE command END;
CREATE OR REPLACE TEMP MACRO who(account, person) AS CASE account WHEN 'user' THEN person ELSE account END;
CREATE OR REPLACE TEMP MACRO public_address(x) AS CASE
    WHEN pick(x || 'v6', 20) = 0 THEN '2001:db8:' || to_hex(pick(x, 65536)) || '::1'
    WHEN pick(x || 'n', 2) = 0 THEN '192.0.2.' || (1 + pick(x, 254))
    ELSE '198.51.100.' || (1 + pick(x, 254)) END;
"""

# Of the first 40 devices, most are Linux: what is planted and the tests name them. The others are as most companies have them.
_FLEET = """
CREATE OR REPLACE TEMP TABLE fleet AS
WITH kinds AS (
    SELECT n, CASE WHEN n IN (37, 38) THEN 'win' WHEN n = 39 THEN 'mac'
        WHEN n < 40 THEN (['srv', 'srv', 'srv', 'srv', 'wks', 'wks', 'wks', 'pc', 'pc', 'box'])[1 + n % 10]
        ELSE (['srv', 'pc', 'pc', 'pc', 'win', 'pc', 'pc', 'mac', 'pc', 'pc',
            'win', 'pc', 'srv', 'pc', 'pc', 'win', 'pc', 'wks', 'box', 'pc'])[1 + n % 20] END AS kind
    FROM range($devices) t(n)
), numbers AS (SELECT n, kind, row_number() OVER (PARTITION BY kind ORDER BY n) AS number FROM kinds),
names AS (
    SELECT n, kind, number, kind || '-' || CASE WHEN kind IN ('srv', 'win', 'box') THEN number::VARCHAR
        ELSE lpad(number::VARCHAR, greatest(3, length(number::VARCHAR))::INTEGER, '0') END AS host
    FROM numbers)
SELECT n, kind, number, host, host || '.contoso.com' AS name, sha1(host || '.contoso.com') AS id,
    kind IN ('srv', 'wks', 'box') AS linux, CASE kind WHEN 'pc' THEN
        CASE WHEN n >= 40 AND number % 6 = 0 THEN 'Windows10' ELSE 'Windows11' END
        WHEN 'win' THEN CASE WHEN number % 3 = 0 THEN 'WindowsServer2019' ELSE 'WindowsServer2022' END
        WHEN 'mac' THEN 'macOS' ELSE 'Linux' END AS os,
    '10.' || (n // 65536 % 256) || '.' || (n // 256 % 256) || '.' || (n % 256) AS address,
    'user' || (1 + n % 97) AS person
FROM numbers JOIN names USING (n, kind, number)
"""

# A row for each device and hour, from which the connections of that hour are made, and one for each device and day.
_HOURS = """
CREATE OR REPLACE TEMP TABLE hours AS
SELECT fleet.*, $seed || ':' || name || ':' AS x, h, $start::TIMESTAMP + to_hours(h) AS hour
FROM fleet, range($hours) t(h) WHERE n >= $first AND n < $last;
"""
_DAYS = """
CREATE OR REPLACE TEMP TABLE days AS
SELECT fleet.*, d AS day_number, $start::TIMESTAMP + to_days(d::INTEGER) AS day,
    epoch($start::TIMESTAMP - $start::DATE)::BIGINT AS day_second
FROM fleet, range($days) t(d) WHERE n >= $first AND n < $last
"""

_DEVICE_INFO = """
INSERT INTO DeviceInfo BY NAME
SELECT moment(hour, x) AS "Timestamp", id AS DeviceId, name AS DeviceName,
    CASE WHEN kind IN ('srv', 'win') THEN 'Server' WHEN kind <> 'box' THEN 'Workstation'
        WHEN n // 10 % 2 = 0 THEN '' ELSE 'NetworkDevice' END AS DeviceType,
    os AS OSPlatform, CASE WHEN linux THEN 'Ubuntu' ELSE '' END AS OSDistribution,
    CASE WHEN linux THEN '24.04' WHEN kind = 'mac' THEN '15.3' ELSE '10.0' END AS OSVersion,
    CASE os WHEN 'Windows11' THEN 26100 WHEN 'Windows10' THEN 19045 WHEN 'WindowsServer2022' THEN 20348
        WHEN 'WindowsServer2019' THEN 17763 END AS OSBuild, CASE kind WHEN 'mac' THEN 'ARM64' ELSE '64-bit' END AS OSArchitecture,
    'Endpoint' AS DeviceCategory, 'Onboarded' AS OnboardingStatus, 'Active' AS SensorHealthState,
    '198.51.100.1' AS PublicIP, (['Low', 'Medium', 'High'])[1 + pick(x, 3)] AS ExposureLevel,
    CASE WHEN kind IN ('srv', 'win') THEN '["production"]' ELSE '' END AS DeviceManualTags,
    n % 40 = 0 AS IsInternetFacing, CASE kind WHEN 'pc' THEN 'Hybrid Azure AD Join' WHEN 'win' THEN 'Domain Joined' ELSE '' END
    AS JoinType, CASE WHEN kind IN ('srv', 'win') THEN '[]'
        ELSE '[{"UserName":"' || person || '","DomainName":"contoso"}]' END AS LoggedOnUsers,
    false AS IsTransient, false AS IsExcluded, '30.126.0' AS ClientVersion, h AS ReportId
FROM hours
"""

_NETWORK_EVENTS = """
INSERT INTO DeviceNetworkEvents BY NAME
SELECT moment(hour, key) AS "Timestamp", id AS DeviceId, name AS DeviceName,
    'ConnectionSuccess' AS ActionType, CASE type WHEN 'Loopback' THEN '127.0.0.53'
        WHEN 'Private' THEN '10.0.0.' || (1 + pick(k::VARCHAR, 40))
        ELSE public_address(CASE remote WHEN 'anywhere' THEN key ELSE remote || pick(key, 3) END)
    END AS RemoteIP,
    CASE remote WHEN 'anywhere' THEN 'site-' || pick(key, 5000) || '.example' ELSE remote END AS RemoteUrl,
    -- Defender does not always tell loopback from public: hunts must not rely on it.
    CASE type WHEN 'Loopback' THEN (['Loopback', 'Public', ''])[1 + pick(key, 3)] ELSE type
    END AS RemoteIPType,
    port AS RemotePort, address AS LocalIP, 32768 + pick(key, 28000) AS LocalPort, 'Private' AS LocalIPType,
    'Tcp' AS Protocol, file_of(path) AS InitiatingProcessFileName, path AS InitiatingProcessFolderPath,
    command_of(command, path) AS InitiatingProcessCommandLine, sha1(path) AS InitiatingProcessSHA1,
    who(account, person) AS InitiatingProcessAccountName, 500 + pick(key, 30000) AS InitiatingProcessId,
    hour AS InitiatingProcessCreationTime, h AS ReportId, sha256(path) AS InitiatingProcessSHA256,
    CASE WHEN linux THEN 'systemd' WHEN account = 'system' THEN 'services.exe' ELSE 'explorer.exe' END
    AS InitiatingProcessParentFileName, CASE WHEN linux THEN host WHEN account = 'system' THEN 'nt authority' ELSE 'contoso' END
    AS InitiatingProcessAccountDomain, CASE WHEN linux THEN '' WHEN account = 'system' THEN 'System' ELSE 'Medium' END
    AS InitiatingProcessIntegrityLevel, CASE WHEN linux THEN '' ELSE 'Microsoft Corporation' END
    AS InitiatingProcessVersionInfoCompanyName, CASE WHEN linux THEN '' ELSE file_of(path) END
    AS InitiatingProcessVersionInfoOriginalFileName
FROM (SELECT *, x || h || ':n' || k AS key FROM hours
    JOIN connections t(k, for_kind, share, path, command, account, remote, port, type)
    ON for_kind = kind OR (for_kind = 'linux' AND linux))
WHERE pick(key, 1000) < share
"""
