"""
The Python worker, a process below the host's: Microsoft's own library loads the app and calls its functions.

    python -m sandbox.host.worker_process FD FOLDER

FD is a socket to the host (`frames` has what is said there), and FOLDER has `function_app.py`. The library is
the PyPI package `azure-functions-runtime`, used through its entry that needs no protobuf; it keeps its registry
in the process, so a process loads one app. All calls run on one event loop, many at once, and plain functions
in threads.

As in Microsoft's worker (Azure/azure-functions-python-worker, `dispatcher.py`), what a function raises beyond
`Exception` is not answered: SystemExit and KeyboardInterrupt escape from the loop and end the process, and
after any other, a CancelledError among them, the host waits until `functionTimeout`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime  # type: ignore[import-untyped]  # no py.typed
import msgspec
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]  # as above
from azure_functions_runtime.native_invocation import (  # type: ignore[import-untyped]  # as above
    invocation_request_native,
)

from . import frames
from .logs import log_to_stderr

_TEXT = {"content-type": "text/plain; charset=utf-8"}
_LOG = logging.getLogger("sandbox.host")


class StartupError(Exception):
    """The worker could not index the app; the message is its exception and stack, as Azure logs them."""


async def load(app_dir: Path) -> tuple[frames.Function, ...]:
    """
    Import `function_app.py` of *app_dir* and return its functions, which can be called from now on.

    Raises StartupError if Azure would not start the app. Call it only once per process.
    """
    sys.path.insert(0, str(app_dir))
    runtime.start_threadpool_executor()
    properties = {"protos": _Protos(), "host": "127.0.0.1"}
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app_dir))
    answer = await runtime.worker_init_request(
        SimpleNamespace(properties=properties, request=SimpleNamespace(worker_init_request=init))
    )
    if answer.result.status != _Message.Success:
        raise StartupError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
    answer = await runtime.functions_metadata_request(SimpleNamespace(properties=properties, request=None))
    functions = []
    for found in answer.function_metadata_results or ():
        bindings = [msgspec.json.decode(raw, type=frames.Binding) for raw in found.raw_bindings]
        bindings.sort(key=lambda binding: not binding.type.endswith("Trigger"))
        functions.append(frames.Function(found.name, found.function_id, tuple(bindings)))
    if not functions:
        raise StartupError(f"No functions were found in {app_dir / 'function_app.py'}")
    return tuple(functions)


async def work(sock: socket.socket, app_dir: Path) -> None:
    """Load the app in *app_dir*, and answer the host's calls from *sock* until the host closes it."""
    reader, writer = await asyncio.open_connection(sock=sock, limit=frames.LIMIT)
    try:
        functions = {function.id: function for function in await load(app_dir)}
    except StartupError as error:
        frames.write(writer, frames.Refused(str(error)))
        await writer.drain()
        return
    frames.write(writer, frames.Loaded(tuple(functions.values())))
    running: set[asyncio.Task[None]] = set()
    while call := await frames.read(reader, frames.CALLS):
        task = asyncio.create_task(_answer(writer, functions[call.function], call))
        running.add(task)
        task.add_done_callback(running.discard)


async def _answer(writer: asyncio.StreamWriter, function: frames.Function, call: frames.Call) -> None:
    succeeded, returned, _outputs, error, _stack = await invocation_request_native(
        str(uuid.uuid4()),
        function.id,
        [(function.trigger.name, _datum(call.data))],
        {name: _datum(value) for name, value in call.metadata.items()},
    )
    is_http = isinstance(call.data, frames.HttpCall)
    response = _response(returned) if succeeded and is_http else None
    frames.write(writer, frames.Answer(call.number, response, "" if succeeded else error))


def _datum(data: frames.HttpCall | frames.Text | frames.Json) -> Datum:
    match data:
        case frames.Text(value):
            return Datum(value, "string")
        case frames.Json(value):
            return Datum(value, "json")
    request = {
        "method": Datum(data.method, "string"),
        "url": Datum(data.url, "string"),
        "headers": _strings(data.headers),
        "query": _strings(data.query),
        "params": _strings(data.params),
        "body": Datum(data.body, "bytes"),
    }
    return Datum(request, "http")


def _strings(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _response(returned: Datum) -> frames.HttpAnswer:
    if returned.type != "http":
        return frames.HttpAnswer(200, _TEXT, (), _bytes(returned.value))
    value: dict[str, Any] = returned.value
    headers = {name: header.value for name, header in value["headers"].items()}
    cookies = [morsel.OutputString() for cookie in value["cookies"] or () for morsel in cookie.values()]
    status = int(value["status_code"].value)
    return frames.HttpAnswer(status, headers, tuple(cookies), _bytes(value["body"].value))


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


class _Message(SimpleNamespace):
    """Any protobuf message of the worker's protocol, with the members of the enumerations that it reads."""

    Failure, Success = 0, 1  # StatusResult
    undefined, out, inout = 0, 1, 2  # BindingInfo


class _Protos:
    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


def _end_with_host() -> None:
    # The host holds the other end of this pipe until it dies. A thread notices that while the loop is blocked.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main(descriptor: int, app_dir: Path) -> None:
    """Run the worker in this process, and end the process: the app's own threads are not waited for."""
    log_to_stderr()
    threading.Thread(target=_end_with_host, daemon=True).start()
    code = 1
    try:
        asyncio.new_event_loop().run_until_complete(work(socket.socket(fileno=descriptor), app_dir))
        code = 0
    except BaseException:  # noqa: BLE001  (whatever it is, the process ends)
        _LOG.exception("The worker ends")
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
