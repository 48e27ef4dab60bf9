"""A small function app with one function for each thing that the sandbox's host has to get right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
seen: list[dict[str, object]] = []


def end(how: str) -> None:
    """End this process, or leave the call without an answer, in one of the ways that there are."""
    if how == "exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise SystemExit":
        raise SystemExit(4)
    if how == "raise CancelledError":
        raise asyncio.CancelledError


@app.function_name("Echo")
@app.route(route="echo/{name}", methods=["POST"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with what the host made of the request."""
    body = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
    }
    headers = {"Retry-After": "5", "Set-Cookie": "a=b"}
    return func.HttpResponse(json.dumps(body), status_code=202, headers=headers, mimetype="application/json")


@app.function_name("Special")
@app.route(route="echo/special", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def special(req: func.HttpRequest) -> str:
    """Compete with Echo's parameter, and need no key."""
    return f"special {len(req.get_body())}"


@app.function_name("Mirror")
@app.route(route="mirror", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def mirror(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the body."""
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.function_name("Break")
@app.route(route="break")
async def fail(req: func.HttpRequest) -> str:
    """Raise, or end the worker, or be slow."""
    how = req.params.get("how", "")
    end(how)
    if how == "slow":
        await asyncio.sleep(0.2)
        return "late"
    if how == "hang":
        await asyncio.sleep(30)
    if how == "block":
        time.sleep(30)  # noqa: ASYNC251  (the loop is to be blocked)
    raise RuntimeError("no secret may leave")


@app.function_name("Seen")
@app.route(route="seen", auth_level=func.AuthLevel.ANONYMOUS)
async def tell(req: func.HttpRequest) -> str:
    """Tell what this process has seen, after a DELETE nothing."""
    if req.method == "DELETE":
        seen.clear()
    return json.dumps({"pid": os.getpid(), "seen": seen})


@app.function_name("Work")
@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    """Do what the message says: succeed, fail, end the worker or hang."""
    text = message.get_body().decode()
    seen.append(
        {
            "text": text,
            "id": message.id,
            "count": message.dequeue_count,
            "inserted": str(message.insertion_time),
            "expires": str(message.expiration_time),
            "next": str(message.time_next_visible),
            "receipt": message.pop_receipt,
        }
    )
    end(text)
    if text == "fail" or (text == "fail twice" and message.dequeue_count in {1, 2}):
        raise RuntimeError(text)
    if text == "hang":
        await asyncio.sleep(30)
    if text == "nap":
        await asyncio.sleep(0.8)


@app.function_name("WorkPoison")
@app.queue_trigger(arg_name="message", queue_name="work-poison", connection="AzureWebJobsStorage")
def work_poison(message: func.QueueMessage) -> None:
    """Fail on some of what failed already, or end the worker."""
    if message.get_body() == b"exit there":
        end("exit")
    if message.get_body() == b"fail":
        raise RuntimeError("still")


@app.function_name("Tick")
@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    """Remember that it ran, whether it was late, and when it runs."""
    seen.append({"tick": timer.past_due, "status": timer.schedule_status})


@app.function_name("Hourly")
@app.timer_trigger(arg_name="timer", schedule="%HOURLY_SCHEDULE%")
def hourly(timer: func.TimerRequest) -> None:
    """Remember that it ran, whether it was late, and when it runs."""
    seen.append({"hourly": timer.past_due, "status": timer.schedule_status, "now": time.time()})
