"""
The Python worker: Microsoft's own library loads the app, converts bindings and calls the functions.

The library is the PyPI package `azure-functions-runtime`, used through its entry that needs no protobuf. It
keeps its registry in the process, so a process can load an app only once; any number of hosts may share it.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING

import azure_functions_runtime as runtime  # type: ignore[import-untyped]  # no py.typed
import msgspec
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]  # as above
from azure_functions_runtime.native_invocation import (  # type: ignore[import-untyped]  # as above
    invocation_request_native,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Binding", "Datum", "Function", "FunctionFailed", "StartupError", "WorkerDied", "call", "load"]


class StartupError(Exception):
    """The worker could not index the app; the message is its exception and stack, as Azure logs them."""


class FunctionFailed(Exception):
    """The function raised; the message is the exception's `repr`."""


class WorkerDied(Exception):
    """The worker was killed, or exceeded `functionTimeout`, during a call."""


class Binding(msgspec.Struct, frozen=True, rename="camel"):
    """One binding of a function, as the worker reports it; fields of other types of binding are empty."""

    type: str
    name: str
    direction: str | int = ""
    connection: str = ""
    route: str | None = None
    methods: tuple[str, ...] = ()
    auth_level: str = "FUNCTION"
    schedule: str = ""
    run_on_startup: bool = False
    queue_name: str = ""


class Function(msgspec.Struct, frozen=True):
    """An indexed function: its name, the worker's id for it, and its bindings, the trigger first."""

    name: str
    id: str
    bindings: tuple[Binding, ...]

    @property
    def trigger(self) -> Binding:
        """The binding that starts the function."""
        return self.bindings[0]


async def load(app_dir: Path) -> tuple[Function, ...]:
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
        bindings = [msgspec.json.decode(raw, type=Binding) for raw in found.raw_bindings]
        bindings.sort(key=lambda binding: not binding.type.endswith("Trigger"))
        functions.append(Function(found.name, found.function_id, tuple(bindings)))
    if not functions:
        raise StartupError(f"No functions were found in {app_dir / 'function_app.py'}")
    return tuple(functions)


async def call(function: Function, data: Datum, metadata: Mapping[str, Datum], limit: float | None) -> Datum:
    """
    Call *function* with its trigger's *data* and return what it returns; *limit* is in seconds, if any.

    Raises FunctionFailed if it raised an Exception, and WorkerDied if it raised another BaseException (the
    library catches only `Exception`) or took longer than *limit*. A plain `def` that takes longer goes on in
    its thread.
    """
    running = asyncio.ensure_future(
        invocation_request_native(
            str(uuid.uuid4()), function.id, [(function.trigger.name, data)], dict(metadata)
        )
    )
    try:
        done, _ = await asyncio.wait({running}, timeout=limit)
    finally:
        running.cancel()
    if not done:
        raise WorkerDied(f"Timeout value of {limit} s was exceeded by function {function.name}")
    if running.cancelled() or running.exception():
        raise WorkerDied("cancelled" if running.cancelled() else repr(running.exception()))
    succeeded, returned, _outputs, error, _stack = running.result()
    if not succeeded:
        raise FunctionFailed(error)
    return returned


class _Message(SimpleNamespace):
    """Any protobuf message of the worker's protocol, with the members of the enumerations that it reads."""

    Failure, Success = 0, 1  # StatusResult
    undefined, out, inout = 0, 1, 2  # BindingInfo


class _Protos:
    def __getattr__(self, name: str) -> type[_Message]:
        return _Message
