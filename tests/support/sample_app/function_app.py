"""A small function app with one function for each thing that the sandbox's host has to get right."""

from __future__ import annotations

import asyncio
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
seen: list[dict[str, object]] = []


class Killed(BaseException):
    """What no `except Exception` stops."""


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


@app.function_name("Break")
@app.route(route="break")
async def fail(req: func.HttpRequest) -> str:
    """Raise, or die, or be slow."""
    if req.params.get("how") == "die":
        raise Killed
    if req.params.get("how") == "slow":
        await asyncio.sleep(0.2)
        return "late"
    raise RuntimeError("no secret may leave")


@app.function_name("Work")
@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
async def work(message: func.QueueMessage) -> None:
    """Do what the message says: succeed, fail, die or hang."""
    text = message.get_body().decode()
    seen.append(
        {
            "text": text,
            "id": message.id,
            "count": message.dequeue_count,
            "inserted": message.insertion_time,
            "expires": message.expiration_time,
            "next": message.time_next_visible,
            "receipt": message.pop_receipt,
        }
    )
    if text == "fail" or (text == "fail twice" and message.dequeue_count in {1, 2}):
        raise RuntimeError(text)
    if text == "die":
        raise asyncio.CancelledError
    if text == "hang":
        await asyncio.sleep(30)
    if text == "nap":
        await asyncio.sleep(0.8)


@app.function_name("WorkPoison")
@app.queue_trigger(arg_name="message", queue_name="work-poison", connection="AzureWebJobsStorage")
def work_poison(message: func.QueueMessage) -> None:
    """Fail on some of what failed already."""
    if message.get_body() == b"fail":
        raise RuntimeError("still")


@app.function_name("Tick")
@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    """Remember that it ran, and whether it was late."""
    seen.append({"tick": timer.past_due})
