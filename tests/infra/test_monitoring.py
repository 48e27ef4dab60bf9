"""Alerts and workbook: Microsoft's parser accepts their queries, and the app writes their metrics."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.kusto.judge import Judge
from shared.watch import LookCounts
from tests.support.predicted import Templates
from tests.support.templates import METRICS, text
from tests.support.tenant import ENVIRONMENT

#: The columns that the alerts and the workbook read, from "Azure Monitor Logs reference".
TABLES = {
    "AppMetrics": {
        "TimeGenerated": "datetime", "Name": "string", "Sum": "real", "Max": "real", "ItemCount": "int",
        "Properties": "dynamic",
    },
    "AppExceptions": {"TimeGenerated": "datetime", "ProblemId": "string", "OuterMessage": "string"},
    "AppTraces": {"TimeGenerated": "datetime", "Message": "string", "SeverityLevel": "int"},
    "StorageQueueLogs": {"TimeGenerated": "datetime", "OperationName": "string", "ObjectKey": "string"},
}  # fmt: skip


def queries() -> dict[str, str]:
    """Return the queries of the alerts and of the workbook, by name."""
    alerts = re.findall(r"name: '([\w-]+)'\n.*?query: '''\n(.*?)'''", text("modules/alerts.bicep"), re.DOTALL)
    items = [item for item in json.loads(text("workbook.json"))["items"] if item["type"] == 3]
    return dict(alerts) | {f"workbook-{item['name']}": item["content"]["query"] for item in items}


@pytest.mark.node
@pytest.mark.parametrize("name", queries())
def test_every_query_is_valid_kql(name: str, judge: Judge) -> None:
    """Microsoft's parser finds nothing wrong with it, given the documented columns of the tables."""
    query = queries()[name].replace("{TimeRange:grain}", "1h")

    assert [] == judge(query, tables=TABLES).diagnostics


def test_queries_read_only_metrics_the_app_writes() -> None:
    """The alerts read some of them, and the workbook shows all of them."""
    asked = re.compile(r"outrider\.[\w.]+")

    assert set() == set(asked.findall(text("modules/alerts.bicep"))) - METRICS
    assert METRICS == set(asked.findall(text("workbook.json")))


@pytest.mark.bicep
def test_the_alerts_that_are_deployed_ask_these_queries(templates: Templates) -> None:
    """What is read above from the template is what Azure would be asked for, each with what it measures."""
    rules = templates.deploy({}).of("Microsoft.Insights/scheduledQueryRules")
    asked = {each["properties"]["displayName"]: each["properties"]["criteria"]["allOf"][0] for each in rules}

    assert {
        f"Outrider (production): {name.replace('-', ' ')}": query.strip()
        for name, query in queries().items()
        if not name.startswith("workbook-")
    } == {name: each["query"].strip() for name, each in asked.items()}
    assert [] == [
        name for name, each in asked.items() if each["metricMeasureColumn"] not in each["query"] + "Sum"
    ]


@pytest.mark.fault("H3", before="no rule noticed that nothing looked, and a look logged no interval")
@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("0 * * * * *", "180"), ("0 0 6 * * 1-5", str(5 * 86_400)), ("0 */5 * * * *", "900")],
)
def test_the_alert_reads_what_a_look_logs(
    monkeypatch: pytest.MonkeyPatch, schedule: str, seconds: str
) -> None:
    """
    Its query finds the line, and in it how long three intervals are: from a Friday, until the Wednesday after.

    The line of a look that could not list incidents says nothing of that.
    """
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # Imported late: the timer's module reads the settings at once.
    from functions.watch import report

    query = queries()["silent-watch"]
    begins, has, pattern = (
        re.findall(wanted, query)[0]
        for wanted in (r"startswith '([^']+)'", r"has '([^']+)'", r"extract\('([^']+)'")
    )
    now = datetime(2026, 11, 27, 6, tzinfo=UTC) - timedelta(milliseconds=3)
    line = report(LookCounts(3, 1), schedule, now)
    unseen = report(LookCounts(cut=True), schedule, now)

    assert line.startswith(begins)
    assert has in line
    assert has not in unseen
    assert [seconds] == re.findall(pattern, line)
