"""What reaches Application Insights, and that the app works as well without it."""

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
    """A server that keeps what it is sent and answers as Application Insights does."""

    items: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Keep the items, and answer that all were accepted."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.items.extend(body)
        answer = json.dumps({"itemsReceived": len(body), "itemsAccepted": len(body), "errors": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def in_python(script: str, **environment: str) -> str:
    """Run a script in the project's root and return what it prints."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)

    return done.stdout


def test_only_our_spans_and_metrics_reach_application_insights() -> None:
    """They arrive at the latest when the worker ends; the spans of libraries are left out."""
    script = f"""
import os
from opentelemetry import trace
from datetime import UTC, datetime
from shared import telemetry
from shared.model.record import Work
ours = telemetry.configure(os.environ)
with ours.run(Work("{"ab" * 16}", datetime.now(UTC), "")), ours.call(["device-card"]), trace.get_tracer("kiota").start_as_current_span("GET"):
    ours.parked()
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

    assert ["hunting call", "run"] == [item["data"]["baseData"]["name"] for item in spans]
    assert {"ab" * 16} == {item["tags"]["ai.operation.id"] for item in spans}
    assert {"outrider"} == {item["tags"]["ai.cloud.role"] for item in spans}
    assert [("outrider.parked", 1)] == [(metric["name"], metric["value"]) for metric in metrics]


def test_without_a_connection_string_no_exporter_is_loaded() -> None:
    """The app starts without OpenTelemetry's SDK and without Microsoft's exporter."""
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


def test_a_bad_connection_string_costs_only_the_telemetry() -> None:
    """The app works, and its log says that the string cannot be read, but does not repeat it."""
    script = """
import logging, sys
from datetime import UTC, datetime
from shared import telemetry
from shared.model.record import Work
logging.basicConfig(stream=sys.stdout, format="%(message)s")
work = Work("ab" * 16, datetime.now(UTC), "")
with telemetry.configure({"APPLICATIONINSIGHTS_CONNECTION_STRING": "secret"}).run(work):
    print("works")
"""
    said = in_python(script)

    assert "no telemetry: APPLICATIONINSIGHTS_CONNECTION_STRING cannot be read\nworks\n" == said


def test_the_functions_host_is_set_to_opentelemetry() -> None:
    """host.json has the mode OpenTelemetry, and no setting that the host ignores in that mode."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert "OpenTelemetry" == host["telemetryMode"]
    assert "applicationInsights" not in host["logging"]
    assert "Information" == host["logging"]["logLevel"]["default"]
