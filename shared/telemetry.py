"""
The app's traces and metrics: one trace per run and seven metrics, never a value from an incident.

Nothing else is recorded. The providers are the app's own, not OpenTelemetry's global ones, and no library is
instrumented: kiota and httpx would write spans with whole URLs, which contain incident ids. For the same
reason Microsoft's distribution `azure-monitor-opentelemetry`, which sets the global providers and instruments
five libraries, is not used; only the exporter inside it is.

A run's trace has the run's id, so that all its deliveries are one trace, which can be found by the id in the
comment. Logs are left to the Functions host, which sends them without OpenTelemetry; if both sent them, they
would show twice ("Use OpenTelemetry with Azure Functions"). The alerts and the workbook in `infra/` read the
metrics by the names given here.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import PermissionDenied, Throttled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from shared.model.record import Done, Work

    from .errors import GraphError

log = logging.getLogger("outrider")

_NAME = "outrider"
_CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
#: Switched off, since the exporter sends them unasked: statistics about itself, partly to Microsoft hosts
#: that nobody allowed the app to contact, and the app's name as a metric with every export.
_SWITCHES = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)
#: Seconds between two exports of metrics: an instance may be removed a minute after its last call.
_EVERY = 30


class Telemetry:
    """Spans and metrics, recorded through the given providers; OpenTelemetry's no-op ones discard them."""

    def __init__(self, traces: TracerProvider, meters: MeterProvider) -> None:
        self._tracer = traces.get_tracer(_NAME)
        meter = meters.get_meter(_NAME)
        self._runs = meter.create_counter("outrider.runs", description="Runs that ended")
        self._hunts = meter.create_counter("outrider.hunts", description="Hunts that ended")
        self._rows = meter.create_counter("outrider.rows", description="Rows that hunts returned")
        self._throttled = meter.create_counter("outrider.throttled", description="Answers of 429")
        self._missing_role = meter.create_counter(
            "outrider.missing_role", description="Answers of 403 for want of a role"
        )
        self._parked = meter.create_counter("outrider.parked", description="Times that a run had to wait")
        self._comment = meter.create_histogram(
            "outrider.comment.seconds", "s", "From an incident's creation to its first comment"
        )

    @contextmanager
    def run(self, work: Work) -> Iterator[None]:
        """Record one delivery of a run, as a span in the run's own trace."""
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        run_id = work.run_id
        root = SpanContext(
            int(run_id, 16), int(run_id[16:], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )
        parent = set_span_in_context(NonRecordingSpan(root))
        with self._span("run", {"run": run_id, "kind": work.kind, "source": work.source}, parent):
            yield

    @contextmanager
    def call(self, hunts: Sequence[str]) -> Iterator[Span]:
        """Record one hunting call of a run, as a span with the names of its *hunts*."""
        with self._span("hunting call", {"hunts": tuple(hunts)}) as span:
            yield span

    @contextmanager
    def comment(self, provider: str) -> Iterator[Span]:
        """Record one comment of a run, as a span, whether or not it is posted in the end."""
        with self._span("comment", {"provider": provider}) as span:
            yield span

    def refused(self, error: GraphError) -> None:
        """Count an error response that an operator can act on: throttling, or a missing role."""
        if isinstance(error, Throttled):
            self._throttled.add(1, {"service": error.service})
        elif isinstance(error, PermissionDenied):
            self._missing_role.add(1, {"role": error.role})

    def parked(self) -> None:
        """Count a run that goes back to its queue to wait."""
        self._say(status="waiting")
        self._parked.add(1)

    def ended(self, work: Work, done: Done) -> None:
        """Count a run that has ended, its hunts by outcome, and their rows."""
        self._say(status=done.status)
        self._runs.add(1, {"status": done.status, "kind": work.kind, "source": work.source})
        for outcome in done.outcomes:
            self._hunts.add(1, {"hunt": outcome.hunt, "outcome": outcome.outcome})
            self._rows.add(outcome.found.rows, {"hunt": outcome.hunt})

    def commented(self, waited: timedelta) -> None:
        """Record the time from an incident's creation to its first comment."""
        self._comment.record(waited.total_seconds())

    def _say(self, *, status: str) -> None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attribute(f"{_NAME}.status", status)

    @contextmanager
    def _span(
        self, name: str, attributes: Mapping[str, str | tuple[str, ...]], parent: Context | None = None
    ) -> Iterator[Span]:
        # An exception's own text is left out: Graph's messages may quote the query.
        with self._tracer.start_as_current_span(
            name,
            parent,
            attributes={f"{_NAME}.{key}": value for key, value in attributes.items()},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                failed(span, type(error.__cause__ or error).__name__)
                raise


def failed(span: Span, kind: str) -> None:
    """Mark a span as failed, with *kind* as its `error.type`."""
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", kind)


def disabled() -> Telemetry:
    """Return telemetry that records nothing."""
    from opentelemetry.metrics import NoOpMeterProvider
    from opentelemetry.trace import NoOpTracerProvider

    return Telemetry(NoOpTracerProvider(), NoOpMeterProvider())


def configure(environment: Mapping[str, str]) -> Telemetry:
    """
    Return telemetry that exports to Application Insights.

    It records nothing if *environment* has no connection string, or an unreadable one, which is logged.
    OpenTelemetry's SDK is loaded only where it is needed. The exporter itself reads
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING and signs in with the managed identity named there.
    """
    connection = environment.get(_CONNECTION)
    if not connection:
        return disabled()
    for switch in _SWITCHES:
        os.environ.setdefault(switch, "true")
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    try:
        spans = AzureMonitorTraceExporter(connection_string=connection, disable_offline_storage=True)
        metrics = AzureMonitorMetricExporter(connection_string=connection, disable_offline_storage=True)
    except ValueError:
        log.error("no telemetry: %s cannot be read", _CONNECTION)  # noqa: TRY400  (its text may be in the error)
        return disabled()
    resource = Resource.create({"service.name": environment.get("WEBSITE_SITE_NAME", _NAME)})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(spans))
    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=_EVERY * 1000)
    return Telemetry(traces, MeterProvider([reader], resource))


def silence_libraries() -> None:
    """Silence the log lines that libraries write per call: they contain URLs, and with them incident ids."""
    for chatty in ("azure", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
