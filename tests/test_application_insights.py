"""Application Insights: what reaches it, and what it costs where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).parents[1]


class Ingestion(BaseHTTPRequestHandler):
    """Application Insights, as far as its exporter knows it."""

    items: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Take what is sent."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.items.extend(body)
        answer = json.dumps({"itemsReceived": len(body), "itemsAccepted": len(body), "errors": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def in_python(script: str, **environment: str) -> str:
    """Run a script from the root of the project, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stderr)

    return done.stdout


def test_application_insights() -> None:
    """With a connection string, spans and metrics arrive there, at the latest when the worker ends; libraries' do not."""
    script = f"""
import os
from opentelemetry import trace
from datetime import UTC, datetime
from shared import telemetry
from shared.model.record import Work
told = telemetry.connect(os.environ)
with told.run(Work("{"ab" * 16}", datetime.now(UTC), "")), told.hunt("device-card"), trace.get_tracer("kiota").start_as_current_span("GET"):
    told.parked()
"""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingestion)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        key = "00000000-0000-0000-0000-000000000001"
        address = f"http://127.0.0.1:{server.server_port}/"
        in_python(
            script,
            APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={key};IngestionEndpoint={address}",
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    spans = [item for item in Ingestion.items if item["data"]["baseType"] == "RemoteDependencyData"]
    metrics = [item["data"]["baseData"]["metrics"][0] for item in Ingestion.items if item not in spans]

    assert ["hunt device-card", "run"] == [item["data"]["baseData"]["name"] for item in spans]
    assert {"ab" * 16} == {item["tags"]["ai.operation.id"] for item in spans}
    assert {"outrider"} == {item["tags"]["ai.cloud.role"] for item in spans}
    assert [("outrider.parked", 1)] == [(metric["name"], metric["value"]) for metric in metrics]


def test_nothing_loaded() -> None:
    """Without a connection string the app starts and works without OpenTelemetry's SDK and Microsoft's exporter."""
    script = """
import asyncio, sys
import function_app
print("opentelemetry" in sys.modules)
from functions import app
async def start(): app.tools()
asyncio.run(start())
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "azure.monitor"))])
"""
    settings = {"STATE_URL": "memory://", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}

    assert "False\n[]\n" == in_python(script, **settings, WEBSITE_HOSTNAME="127.0.0.1:7071")


def test_bad_connection_string() -> None:
    """A connection string that cannot be read costs the telemetry, not the app, and is not repeated in the log."""
    script = """
import logging, sys
from datetime import UTC, datetime
from shared import telemetry
from shared.model.record import Work
logging.basicConfig(stream=sys.stdout, format="%(message)s")
work = Work("ab" * 16, datetime.now(UTC), "")
with telemetry.connect({"APPLICATIONINSIGHTS_CONNECTION_STRING": "secret"}).run(work):
    print("works")
"""
    said = in_python(script)

    assert "no telemetry: APPLICATIONINSIGHTS_CONNECTION_STRING cannot be read\nworks\n" == said


def test_host() -> None:
    """The Functions host writes OpenTelemetry too; what it leaves unread in that mode is not set."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert "OpenTelemetry" == host["telemetryMode"]
    assert "applicationInsights" not in host["logging"]
    assert "Information" == host["logging"]["logLevel"]["default"]
