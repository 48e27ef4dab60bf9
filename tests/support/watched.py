"""A deployment whose traces and metrics are kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from msgspec.structs import replace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import telemetry
from shared.graph.client import Graph
from shared.model.record import Work
from shared.state.runs import run_id
from shared.work import work_on

from .tenant import Deployment, Identity

if TYPE_CHECKING:
    from shared.tools import Tools

INCIDENT = "4101"


class Watched:
    """A deployment whose telemetry is kept in memory."""

    def __init__(self, deployment: Deployment) -> None:
        self.app = deployment
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        traces = TracerProvider(resource=Resource({"service.name": "outrider"}))
        traces.add_span_processor(SimpleSpanProcessor(self._spans))
        recorded = telemetry.Telemetry(traces, MeterProvider([self._metrics]))
        graph = Graph(
            deployment.tools.settings,
            Identity(deployment.tenant),
            transport=httpx.ASGITransport(deployment.app),
            patience=0,
            refused=recorded.refused,
        )
        self.tools: Tools = replace(deployment.tools, graph=graph, telemetry=recorded)

    async def watch(self) -> str:
        """Do a run as the watch starts it, and return its id."""
        work = Work(run_id(""), self.app.now(), "", incident_id=INCIDENT, queue="runs", source="watch")
        await self.tools.runs.start(work, chosen_key=False)
        await work_on(self.tools, work.run_id)
        return work.run_id

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every span that has ended, the earliest first."""
        return self._spans.get_finished_spans()

    @property
    def metrics(self) -> dict[tuple[str, ...], float]:
        """Each metric's sum, by its name and the values of its dimensions."""
        data = self._metrics.get_metrics_data()
        found: dict[tuple[str, ...], float] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        names = sorted(str(each) for each in (point.attributes or {}).values())
                        is_sum = isinstance(point, HistogramDataPoint)
                        found[metric.name, *names] = point.sum if is_sum else getattr(point, "value", 0)
        return found
