"""
Build the package that is deployed, show its largest files, and check that it starts and enriches an incident.

    python -m infra.package dist/outrider.zip

It is what `azd deploy` sends with `remoteBuild: true` (azure.yaml), and `func azure functionapp publish
--build remote`: sources and requirements.txt, without what `.funcignore` names. Azure installs the
requirements for the app's own Python and Linux. The same sources make the same package, byte for byte.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pathspec

from infra import installed
from sandbox.host.processes import ending
from sandbox.host.serve import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    _Server = tuple[subprocess.Popen[bytes], httpx.Client]

ROOT = Path(__file__).parent.parent
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_LIMIT = 60.0  # seconds for a process to start, and for a run to be done
#: Where Azure's build puts the requirements, and its worker looks for them.
_PACKAGES = Path(".python_packages/lib/site-packages")
_LARGEST = 10  # files that are shown
_INCIDENT = "4101"


class PackageFailed(Exception):
    """The package does not do its work; the message says what failed."""


def build(target: Path, root: Path = ROOT) -> None:
    """Write the package of the sources in *root* to *target*, whose folder is made if it is missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(_deployed(root))  # listed before the target exists, which may be in this folder
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever machine this is
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (root / name).read_bytes())


def _deployed(root: Path) -> Iterator[str]:
    lines = (root / ".funcignore").read_text(encoding="utf-8").splitlines()
    ignored = pathspec.GitIgnoreSpec.from_lines(lines)
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(here / name).as_posix()}/")]
        names = ((here / name).as_posix() for name in files)
        yield from (name for name in names if not ignored.match_file(name))


def weights(package: Path) -> dict[str, int]:
    """Return the compressed size of each file in *package*, in bytes, the largest first."""
    with zipfile.ZipFile(package) as opened:
        entries = sorted(opened.infolist(), key=lambda entry: (-entry.compress_size, entry.filename))
    return {entry.filename: entry.compress_size for entry in entries}


def check(package: Path) -> None:
    """
    Unpack *package*, run it in the local host, and have it enrich an incident.

    The app sees what its own requirements.txt names, as in Azure, and of this environment nothing else: a package that
    only the sandbox or the tests require is missing here, too. Raises PackageFailed, with the end of the log, if any
    of that fails, and NotInstalled if this environment does not have what requirements.txt names.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        app, tools, log = folder / "app", folder / "tools", folder / "log.txt"
        with zipfile.ZipFile(package) as opened:
            opened.extractall(app)
        # The worker alone, so that a module that the package lacks is not found elsewhere.
        tools.mkdir()
        (tools / "sandbox").symlink_to(ROOT / "sandbox")
        installed.link(ROOT / "sandbox" / "worker.txt", tools)
        installed.link(app / "requirements.txt", app / _PACKAGES)
        with listening() as one, listening() as two:
            ports = [sock.getsockname()[1] for sock in (one, two)]
        addresses = [f"http://127.0.0.1:{port}" for port in ports]
        settings = _settings(addresses[0], folder)
        commands = (
            (ROOT, settings, ("tenant", f"--port={ports[0]}", "--devices=40", "--days=1")),
            (app, settings | _worker(tools, app / _PACKAGES), ("host", f"--port={ports[1]}", "--app=.")),
        )
        servers = []
        for address, (cwd, environment, arguments) in zip(addresses, commands, strict=True):
            process = stack.enter_context(_process(arguments, cwd, environment, log))
            # Calls within this machine must not go through a proxy.
            client = stack.enter_context(httpx.Client(base_url=address, timeout=30, trust_env=False))
            servers.append((process, client))
        try:
            _work(*servers)
        except (PackageFailed, httpx.HTTPError) as error:
            raise PackageFailed(f"{error}\n{log.read_text(errors='replace')[-3000:]}") from error


def _work(tenant: _Server, app: _Server) -> None:
    _until(tenant, "/sandbox/incidents")
    health = _until(app, "/api/health").json()
    if health["status"] != "healthy" or not health["hunts"]:
        raise PackageFailed(f"it is not healthy: {health}")
    accepted = app[1].post("/api/enrich", json={"incidentId": _INCIDENT}).raise_for_status()
    run = _until(app, accepted.headers["location"]).json()
    incidents = tenant[1].get("/sandbox/incidents").json()["value"]
    said = [text["comment"] for one in incidents if one["id"] == _INCIDENT for text in one["comments"]]
    if run["status"] != "completed" or not any(run["runId"] in text for text in said):
        raise PackageFailed(
            f"it does not enrich: the run is {run['status']}, the incident has {len(said)} comments"
        )


def _until(server: _Server, path: str) -> httpx.Response:
    """Call *path* until it answers 200, for at most 60 seconds. Raises PackageFailed, at once if the server has ended."""
    process, client = server
    deadline, said = time.monotonic() + _LIMIT, "it does not answer"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = client.get(path)
        except httpx.TransportError:
            pass
        else:
            if answer.status_code == httpx.codes.OK:
                return answer
            said = f"it answers {answer.status_code}: {answer.text[:300]}"
        time.sleep(0.1)
    ended = process.poll()
    raise PackageFailed(f"{path}: {said if ended is None else f'the process ended ({ended})'}")


@contextmanager
def _process(
    arguments: tuple[str, ...], cwd: Path, settings: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    with log.open("ab") as output, subprocess.Popen(
        command, cwd=cwd, env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    ) as process, ending(process):  # fmt: skip
        yield process


def _settings(tenant: str, folder: Path) -> dict[str, str]:
    """Return the app's settings, with PATH as the only variable of this machine's environment."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GRAPH_URL": tenant,
        "ARM_URL": tenant,
        "IDENTITY_ENDPOINT": f"{tenant}/msi/token",
        "IDENTITY_HEADER": "sandbox",
        "STATE_URL": (folder / "state").as_uri(),
        "AzureWebJobs.WatchIncidents.Disabled": "true",
        "AzureWebJobs.SweepFleet.Disabled": "true",
    }


def _worker(*folders: Path) -> dict[str, str]:
    """Return the settings by which the host's worker imports from *folders* and Python's own library alone."""
    paths = os.pathsep.join(map(str, folders))
    return {"PYTHONPATH": paths, "languageWorkers__python__arguments": "-S"}


def main(target: Path) -> int:
    """Build, show and check the package; return the process's exit code: 0, or 1 if it is not fit."""
    build(target)
    try:
        _show(target)
        started = time.monotonic()
        check(target)
    except (PackageFailed, installed.NotInstalled) as error:
        print(f"The package is not fit to be deployed: {error}", file=sys.stderr)
        return 1
    print(f"Unpacked it starts, is healthy, and enriches an incident ({time.monotonic() - started:.0f} s).")
    return 0


def _show(package: Path) -> None:
    """Print what weighs most in the package, and of what Azure adds."""
    inside, added = weights(package), installed.sizes(ROOT / "requirements.txt")
    print(f"{package}: {package.stat().st_size / 1e3:.0f} KB, {len(inside)} files. What weighs most:")
    for name, size in list(inside.items())[:_LARGEST]:
        print(f"{size / 1e3:9.1f} KB  {name}")
    print(
        f"Azure adds the requirements: {len(added)} packages, {sum(added.values()) / 1e6:.0f} MB. The heaviest:"
    )
    for name, size in list(added.items())[:5]:
        print(f"{size / 1e6:9.1f} MB  {name}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
