"""
The sandbox's command line: `python -m sandbox demo | tenant | host | azurite | hunts …` (`hunts.commands`).

Its servers listen on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.hunts.commands import add_commands
from sandbox.progress import bar
from shared.errors import OutriderError
from shared.model.role import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments*, by default the process's, name; return the process's exit code."""
    options = vars(_parser().parse_args(arguments))
    command: Callable[..., int] = options.pop("command")
    try:
        return command(**options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe: what is left to write is discarded, without an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (OSError, ValueError, OutriderError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2


def tenant(*, port: int, devices: int, days: int, seed: int, closed: bool, rows: Path | None) -> int:
    """
    Serve a tenant until a signal ends it; its tokens ask for the secret IDENTITY_HEADER, if it is set.

    Its telemetry is the made-up fleet's, and the *rows* of a folder (`hunts.rows.load_files`).
    """
    import uvicorn

    from sandbox.host.serve import listening
    from sandbox.hunts.rows import load_files
    from sandbox.loopback import local_only
    from sandbox.tenant.app import build_app

    with listening(port) as sock:
        app = build_app(
            devices,
            days,
            seed,
            progress=bar("Making up the fleet"),
            secret=os.environ.get("IDENTITY_HEADER", ""),
            opened=not closed,
        )
        if rows:
            load_files(app.state.tenant.engine, rows)
        print(f"Tenant: http://127.0.0.1:{sock.getsockname()[1]}/", flush=True)
        # A planned reset of a connection is not an error of the server's.
        config = uvicorn.Config(local_only(app), lifespan="off", ws="none", log_level="critical")
        uvicorn.Server(config).run(sockets=[sock])
    return 0


def host(*, port: int, app: Path, auth: bool, principal: str, role: list[str] | None, state: str) -> int:
    """Run a function app until a signal ends it; with *auth*, print its key. No *role* means all of them."""
    from sandbox.host.serve import run

    key = secrets.token_urlsafe(24) if auth else ""
    if key:
        print(f"Key: {key}", flush=True)
    run(app, port=port, state=state, key=key, principal=principal, roles=role or ROLES)
    return 0


def demo(*, devices: int, days: int, storage: str, keep: bool, hunt: Path | None) -> int:
    """Play the demo: see `sandbox.demo.run`."""
    from . import demo as scene

    return scene.run(devices=devices, days=days, storage=storage, keep=keep, hunt=hunt)


def azurite() -> int:
    """Print, as a shell script, what this machine lacks to run the app on Azurite; return 0 if nothing, else 1."""
    from sandbox.azurite import machine

    lacks = machine.lacking()
    print(machine.advice(lacks), end="\n" if lacks else "")
    return int(bool(lacks))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox", description="Outrider on one machine.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(group: Any, name: str, command: Callable[..., int], text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = group.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )  # fmt: skip
        added.set_defaults(command=command)
        return added

    def add_fleet(command: argparse.ArgumentParser) -> None:
        command.add_argument("--devices", type=int, default=60, help="size of the fleet")
        command.add_argument("--days", type=int, default=7, help="days of telemetry")

    one = add(commands, "demo", demo, "watch an incident being enriched")
    add_fleet(one)
    one.add_argument(
        "--storage", choices=("folder", "azurite"), default="folder", help="where the app keeps its state"
    )
    one.add_argument("--keep", action="store_true", help="leave the tenant and the app up until Ctrl+C")
    one.add_argument(
        "--hunt",
        type=Path,
        metavar="FILE",
        help="a hunt file, or a shipped hunt's name: its first case happens on a device of an incident, whose comment then shows it",
    )

    one = add(
        commands, "tenant", tenant, "serve a made-up tenant: Graph security, and a page of its incidents"
    )
    one.add_argument("--port", type=int, default=7072, help="port, 0 for any")
    add_fleet(one)
    one.add_argument("--seed", type=int, default=1, help="equal seeds make up equal fleets")
    one.add_argument("--closed", action="store_true", help="let incidents appear only when told to")
    one.add_argument(
        "--rows",
        type=Path,
        metavar="DIR",
        help="folder with TABLE.jsonl and the like, beside the fleet's telemetry",
    )

    add(
        commands,
        "azurite",
        azurite,
        "print what this machine lacks for Azurite, Microsoft's storage emulator",
    )

    one = add(commands, "host", host, "run the function app, as Azure does")
    one.add_argument("--port", type=int, default=7071, help="port, 0 for any")
    one.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py")
    one.add_argument("--auth", action="store_true", help="ask for a function key, and print it")
    one.add_argument("--principal", default="", metavar="ID", help="signed-in caller of every call")
    one.add_argument("--role", action="append", choices=ROLES, help="role of that caller, repeatable")
    one.add_argument(
        "--state", default=":memory:", metavar="FILE", help="file that queues and timers survive in"
    )

    add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
