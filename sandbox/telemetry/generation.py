"""
Make up a fleet's telemetry, in SQL: two thousand devices and two weeks take seconds.

Of every ten devices four are Linux servers (`srv-1.contoso.com`), three Linux desktops (`wks-001.…`), two
Windows clients (`pc-001.…`) and one a Linux device of another type or none (`box-1.…`). Public addresses are
from the blocks reserved for documentation (RFC 5737, RFC 3849). Nothing is random: every choice is a hash of
the seed and of what is chosen, so equal arguments give equal rows.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

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
    ('pc', 700, 'c:\program files\edge\msedge.exe', '', 'user', 'anywhere', 443, 'Public'),
    ('pc', 300, 'c:\program files\office\outlook.exe', '', 'user', 'mail.contoso.com', 443, 'Public'),
    ('pc', 200, 'c:\windows\system32\svchost.exe', 'svchost.exe -k netsvcs', 'system', '', 445, 'Private'),
    ('linux', 500, '/opt/microsoft/mdatp/sbin/sensecm', '', 'root', 'events.defender.example', 443, 'Public'),
    ('linux', 60, '/usr/lib/snapd/snapd', '', 'root', 'api.snaps.example', 443, 'Public'),
    ('linux', 15, '/usr/bin/fwupdmgr', 'fwupdmgr refresh', 'root', 'firmware.example', 443, 'Public'),
    ('linux', 90, '/usr/sbin/networkmanager', '', 'root', 'connectivity.example', 80, 'Public'),
    ('linux', 80, '/usr/lib/apt/methods/http', '', '_apt', 'deb.example', 80, 'Public'),
    ('linux', 10, '/usr/bin/python3.12', 'ubuntu-release-upgrader -c', 'root', 'deb.example', 443, 'Public'),
    ('linux', 60, '/usr/lib/systemd/systemd-resolved', '', 'systemd-resolve', '', 53, 'Loopback')
"""
# kind, device-hours with one per 1,000, image, command line ('' = image), account
_PROCESSES = r"""
    ('srv', 300, '/usr/bin/bash', 'bash /etc/cron.hourly/rotate', 'root'),
    ('srv', 100, '/usr/bin/gzip', 'gzip /var/log/orders/app.log.1', 'root'),
    ('wks', 400, '/usr/bin/git', 'git fetch --all', 'user'),
    ('wks', 200, '/usr/bin/python3', 'python3 -m pytest', 'user'),
    ('pc', 500, 'c:\program files\edge\msedge.exe', '', 'user'),
    ('pc', 100, 'c:\windows\system32\cmd.exe', 'cmd.exe /c gpupdate', 'system'),
    ('linux', 150, '/usr/bin/systemctl', 'systemctl is-active mdatp', 'root')
"""
# kind, device-hours with one per 1,000, file, process that wrote it, page it came from, the page's address
_FILES = r"""
    ('srv', 150, '/var/log/orders/app.log.1.gz', 'gzip', '', ''),
    ('wks', 200, '/home/user/src/.git/index.lock', 'git', '', ''),
    ('wks', 30, '/home/user/Downloads/slides.pdf', 'firefox', 'https://docs.example/', '198.51.100.20'),
    ('pc', 150, 'C:\Users\user\Downloads\q.xlsx', 'msedge.exe', 'https://docs.example/', '198.51.100.20'),
    ('linux', 80, '/var/log/dpkg.log', 'dpkg', '', '')
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
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """
    Fill *engine* with the telemetry of *devices* devices over the *days* before *end*.

    *progress* is called with (devices done, devices in all). Raises ValueError for fewer than 40 devices,
    which the planted intrusions need, or less than a day.
    """
    if devices < SMALLEST_FLEET or days < 1:
        raise ValueError(f"a fleet is at least {SMALLEST_FLEET} devices and a day")
    start = (end.astimezone(UTC) - timedelta(days=days)).replace(tzinfo=None)
    run = engine.connection.execute
    run(_FUNCTIONS)
    for name, values in (("connections", _CONNECTIONS), ("processes", _PROCESSES), ("files", _FILES)):
        run(f"CREATE TEMP TABLE {name} AS SELECT row_number() OVER () AS k, * FROM (VALUES {values})")
    for first in range(0, devices, _CHUNK):
        last = min(first + _CHUNK, devices)
        # One row for every device and hour, from which the events of that hour are made.
        run(_HOURS, {"first": first, "last": last, "hours": days * 24, "start": start, "seed": seed})
        for statement in (_DEVICE_INFO, _NETWORK_EVENTS, _PROCESS_EVENTS, _FILE_EVENTS):
            run(statement)
        if progress:
            progress(last, devices)
    run("DROP TABLE hours; DROP TABLE connections; DROP TABLE processes; DROP TABLE files")


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

_HOURS = """
CREATE OR REPLACE TEMP TABLE hours AS
WITH kinds AS (
    SELECT n, (['srv', 'srv', 'srv', 'srv', 'wks', 'wks', 'wks', 'pc', 'pc', 'box'])[1 + n % 10] AS kind
    FROM range($first, $last) t(n)
), names AS (
    SELECT n, kind, CASE kind
        WHEN 'srv' THEN 'srv-' || (n // 10 * 4 + n % 10 + 1)
        WHEN 'wks' THEN 'wks-' || lpad((n // 10 * 3 + n % 10 - 3)::VARCHAR, 3, '0')
        WHEN 'pc' THEN 'pc-' || lpad((n // 10 * 2 + n % 10 - 6)::VARCHAR, 3, '0')
        ELSE 'box-' || (n // 10 + 1) END || '.contoso.com' AS name
    FROM kinds)
SELECT n, kind, kind <> 'pc' AS linux, name, sha1(name) AS id, $seed || ':' || name || ':' AS x,
    '10.' || (n // 65536 % 256) || '.' || (n // 256 % 256) || '.' || (n % 256) AS address,
    'user' || (1 + n % 97) AS person, h, $start::TIMESTAMP + to_hours(h) AS hour
FROM names, range($hours) t(h)
"""

_DEVICE_INFO = """
INSERT INTO DeviceInfo BY NAME
SELECT moment(hour, x) AS "Timestamp", id AS DeviceId, name AS DeviceName,
    CASE WHEN kind = 'srv' THEN 'Server' WHEN kind <> 'box' THEN 'Workstation'
        WHEN n // 10 % 2 = 0 THEN '' ELSE 'NetworkDevice' END AS DeviceType,
    CASE WHEN linux THEN 'Linux' ELSE 'Windows11' END AS OSPlatform,
    CASE WHEN linux THEN 'Ubuntu' ELSE '' END AS OSDistribution,
    CASE WHEN linux THEN '24.04' ELSE '10.0' END AS OSVersion, '64-bit' AS OSArchitecture,
    'Endpoint' AS DeviceCategory, 'Onboarded' AS OnboardingStatus, 'Active' AS SensorHealthState,
    '198.51.100.1' AS PublicIP, (['Low', 'Medium', 'High'])[1 + pick(x, 3)] AS ExposureLevel,
    CASE kind WHEN 'srv' THEN '["production"]' ELSE '' END AS DeviceManualTags,
    n % 40 = 0 AS IsInternetFacing,
    CASE WHEN kind = 'srv' THEN '[]'
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
    hour AS InitiatingProcessCreationTime, h AS ReportId
FROM (SELECT *, x || h || ':n' || k AS key FROM hours
    JOIN connections t(k, for_kind, share, path, command, account, remote, port, type)
    ON for_kind = kind OR (for_kind = 'linux' AND linux))
WHERE pick(key, 1000) < share
"""

_PROCESS_EVENTS = """
INSERT INTO DeviceProcessEvents BY NAME
SELECT moment(hour, key) AS "Timestamp", id AS DeviceId, name AS DeviceName, 'ProcessCreated' AS ActionType,
    file_of(path) AS FileName, path AS FolderPath, command_of(command, path) AS ProcessCommandLine,
    sha1(path) AS SHA1, who(account, person) AS AccountName, 500 + pick(key, 30000) AS ProcessId,
    moment(hour, key) AS ProcessCreationTime, h AS ReportId,
    CASE WHEN linux THEN 'systemd' ELSE 'explorer.exe' END AS InitiatingProcessFileName
FROM (SELECT *, x || h || ':p' || k AS key FROM hours
    JOIN processes t(k, for_kind, share, path, command, account)
    ON for_kind = kind OR (for_kind = 'linux' AND linux))
WHERE pick(key, 1000) < share
"""

_FILE_EVENTS = """
INSERT INTO DeviceFileEvents BY NAME
SELECT moment(hour, key) AS "Timestamp", id AS DeviceId, name AS DeviceName, 'FileCreated' AS ActionType,
    file_of(path) AS FileName, replace(path, 'user', person) AS FolderPath, sha1(key) AS SHA1,
    CASE origin WHEN '' THEN '' ELSE origin || pick(key, 900) || '/' || file_of(path) END AS FileOriginUrl,
    origin AS FileOriginReferrerUrl, ip AS FileOriginIP, 1000 + pick(key, 900000) AS FileSize,
    process AS InitiatingProcessFileName, person AS InitiatingProcessAccountName, h AS ReportId
FROM (SELECT *, x || h || ':f' || k AS key FROM hours
    JOIN files t(k, for_kind, share, path, process, origin, ip)
    ON for_kind = kind OR (for_kind = 'linux' AND linux))
WHERE pick(key, 1000) < share
"""
