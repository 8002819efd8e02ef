"""Rules on a real server: simulated telemetry with planted faults, replayed by vmalert in the data's own time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import capacity
from capacity.frames import METRIC, Pull
from capacity.plan import Plan
from capacity.simulate import demo
from connectors import connect
from reports.alerting import Group, burning, foretold, groups, platform
from reports.alerting.files import rules_text
from reports.writeback import Written, write_back
from tests.support.alerting import lines, replayed
from tests.support.servers import VictoriaMetrics, running
from tests.support.tools import find_tool

CATALOG = capacity.load_catalog("dwcp")
HOUR, MINUTE = pd.Timedelta(hours=1), pd.Timedelta(minutes=1)
END = demo(0).as_of
START = END - 2 * HOUR
EIGHT = (
    "ConsensusLatencySLOBreach", "ErrorBudgetExhausted", "MigrationFailureRateHigh", "CircuitBreakerOpened",
    "PerformanceAnomalyDetected", "BandwidthPredictionAccuracyLow", "DiskSpaceLow", "MemoryPressure",
)  # fmt: skip
METRICS = (
    "dwcp_consensus_latency_seconds", "dwcp_error_budget_remaining", "dwcp_migration_success_total",
    "dwcp_migration_failures_total", "dwcp_circuit_breaker_state", "dwcp_anomaly_score",
    "dwcp_bandwidth_prediction_accuracy", "dwcp_disk_used_bytes", "dwcp_disk_size_bytes", "dwcp_memory_usage_bytes",
    "dwcp_memory_available_bytes", "dwcp_amst_packet_loss_ratio", "dwcp_consensus_rounds_total",
    "dwcp_consensus_timeouts_total", "dwcp_bandwidth_efficiency_ratio",
)  # fmt: skip


@cache
def telemetry() -> pd.DataFrame:
    """Return two hours of a healthy region's telemetry, a sample a minute."""
    parts = list(demo(0).raw(START, END, regions=["eu-west"], metrics=METRICS))
    return pd.concat(parts, axis=1)


def with_fault(alert: str) -> dict[tuple[tuple[str, str], ...], np.ndarray]:
    """Return the telemetry of a region named after an alert, in which its fault begins after half an hour."""
    frame = telemetry()
    late = np.arange(len(frame)) >= 30
    made = {}
    for column in frame.columns:
        labels = {name: value for name, value in zip(frame.columns.names, column, strict=True) if value}
        values = frame[column].to_numpy(dtype=float).copy()
        metric = labels.pop(METRIC)
        values = _planted(alert, metric, labels, values, late, frame)
        made[(("__name__", metric), *sorted({**labels, "region": alert}.items()))] = values
    return made


def _planted(
    alert: str, metric: str, labels: dict[str, str], values: np.ndarray, late: np.ndarray, frame: pd.DataFrame
) -> np.ndarray:
    """Return one series with its part of the fault."""
    gauges = {
        "ErrorBudgetExhausted": ("dwcp_error_budget_remaining", 0.03),
        "CircuitBreakerOpened": ("dwcp_circuit_breaker_state", 2.0),
        "PerformanceAnomalyDetected": ("dwcp_anomaly_score", 0.97),
        "BandwidthPredictionAccuracyLow": ("dwcp_bandwidth_prediction_accuracy", 0.75),
    }
    if alert in gauges and metric == gauges[alert][0]:
        return np.where(late, gauges[alert][1], values)
    if alert == "DiskSpaceLow" and metric == "dwcp_disk_used_bytes":
        return np.where(late, 0.9 * 2.0**41, values)
    if alert == "MemoryPressure" and metric == "dwcp_memory_usage_bytes":
        return np.where(late, 0.9 * 2.0**38, values)
    if alert == "MemoryPressure" and metric == "dwcp_memory_available_bytes":
        return np.where(late, 0.1 * 2.0**38, values)
    if alert == "MigrationFailureRateHigh" and metric == "dwcp_migration_failures_total":
        return values + np.cumsum(late)  # one more a minute on each node, where two or three succeed
    if alert == "ConsensusLatencySLOBreach" and metric.endswith("latency_seconds_bucket"):
        # from then on nothing is counted below the objective: all that is new is slower
        return np.where(late & (float(labels["le"]) <= 0.05), values[29], values)
    return values


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield a server with a healthy region, and one region a fault."""
    from tests.support.servers import victoriametrics_server

    with victoriametrics_server(tmp_path_factory.mktemp("planted")) as server:
        for region in ("healthy", *EIGHT):
            server.import_lines(lines(with_fault(region), pd.DatetimeIndex(telemetry().index)))
        yield server


def test_each_platform_alert_fires_on_its_fault_alone(planted: VictoriaMetrics, tmp_path: Path) -> None:
    """Eight faults in eight regions, and a healthy one: each alert fires in its own region and nowhere else."""
    found = replayed(planted, [platform.group(CATALOG)], start=START, end=END, folder=tmp_path)
    where = {name: sorted({labels["region"] for labels in each}) for name, each in found.items()}
    assert {name: where.get(name) for name in EIGHT} == {name: [name] for name in EIGHT}
    assert {labels["severity"] for each in found.values() for labels in each} == {"critical"}


def test_budgets_burn_where_promises_are_broken(planted: VictoriaMetrics, tmp_path: Path) -> None:
    """The fast condition of the objective that each fault breaks fires in that region; the healthy one stays quiet."""
    recorded, fast, _ = burning.groups(CATALOG)
    replayed(planted, [recorded], start=START, end=END, folder=tmp_path)
    found = replayed(planted, [fast], start=END - HOUR, end=END, folder=tmp_path)
    burning_in = {name: {labels.get("region", "all") for labels in each} for name, each in found.items()}
    assert "ConsensusLatencySLOBreach" in burning_in["ConsensusLatencyP95BudgetBurn1h"]
    assert burning_in["MigrationSuccessBudgetBurn1h"] == {"MigrationFailureRateHigh"}
    assert "BandwidthPredictionAccuracyLow" in burning_in["BandwidthPredictionAccuracyBudgetBurn1h"]
    assert [name for name, where in burning_in.items() if "healthy" in where and name.endswith("1h")] == []


def share_of(
    objective: str, share: float, region: str, times: pd.DatetimeIndex
) -> dict[tuple[tuple[str, str], ...], np.ndarray]:
    """Return counters of an hour in which a share of events was bad, or what is recorded of slices."""
    ones = np.ones(len(times))
    if objective == "migration_success":
        return {
            (("__name__", "dwcp_migration_failures_total"), ("region", region)): np.cumsum(1000 * share * ones),
            (("__name__", "dwcp_migration_success_total"), ("region", region)): np.cumsum(1000 * (1 - share) * ones),
        }
    return {(("__name__", burning.BAD), ("objective", objective), ("region", region)): share * ones}


def test_a_budget_that_will_not_last_is_told(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Nine tenths spent at a steady pace: gone within a week. Half spent, or all of it: no alert of this kind."""
    times = pd.date_range(START, END, freq="1min")
    names = {"MigrationSuccessBudgetRunsOut": "migration_success", "PacketLossBudgetRunsOut": "packet_loss"}
    for objective in names.values():
        for region, spent in (("soon", 0.9), ("half", 0.5), ("gone", 1.2)):
            share = spent * CATALOG.objectives[objective].budget
            fresh_victoriametrics.import_lines(lines(share_of(objective, share, region, times), times))
    *_, slow = burning.groups(CATALOG)
    found = replayed(fresh_victoriametrics, [slow], start=START + HOUR, end=END, folder=tmp_path)
    assert {name: [labels["region"] for labels in found[name]] for name in names} == {name: ["soon"] for name in names}


@pytest.fixture(scope="module")
def foretelling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[VictoriaMetrics, Plan, Written]]:
    """Yield a server that the demo's plan was written back to, moved so that it ends six hours before now."""
    from tests.support.servers import victoriametrics_server

    moved = (pd.Timestamp.now(tz="UTC").floor("h") - 6 * HOUR - END).floor("h")
    with victoriametrics_server(tmp_path_factory.mktemp("foretold")) as server:
        made = capacity.plan(_moved(moved), CATALOG, horizon="90d")
        with connect(server.url) as target:
            written = write_back(made, target)
        server.flush()
        yield server, made, written


def _moved(by: pd.Timedelta) -> Pull:
    drawn = demo(0)

    def later(frame: object) -> object:
        if not isinstance(frame, pd.DataFrame):
            return frame
        index = pd.DatetimeIndex(frame.index + by).as_unit("us").rename("time")
        return frame.set_axis(index)

    demand = {name: later(frame.iloc[-90 * 24 :]) for name, frame in drawn.frames.items()}
    limits = {name: later(limit) for name, limit in drawn.limits.items()}
    return Pull(demand=demand, limits=limits, as_of=END + by, window=90 * 24 * HOUR, catalog="dwcp")  # type: ignore[arg-type]


Where = set[tuple[str, str, str]]


def whose(rows: pd.DataFrame) -> Where:
    """Return resource, region and node of a plan's rows."""
    return {
        (row["resource"], row["labels"].get("region", ""), row["labels"].get("node", "")) for _, row in rows.iterrows()
    }


def told(found: dict[str, list[dict[str, str]]], name: str) -> Where:
    """Return resource, region and node of what an alert fired for."""
    return {(each["resource"], each.get("region", ""), each.get("node", "")) for each in found.get(name, [])}


def test_what_is_foretold_is_alerted(foretelling: tuple[VictoriaMetrics, Plan, Written], tmp_path: Path) -> None:
    """Each predictive alert fires for the series of the plan of which its condition is true, and for no other."""
    server, plan, written = foretelling
    assert written.gauges > 300
    found = replayed(server, foretold.groups(CATALOG)[:1], start=plan.as_of, end=plan.as_of + 2 * HOUR, folder=tmp_path)
    judged = plan.table[plan.table["verdict"] != "cannot judge"]
    soon = judged[judged["breach_p50"] - plan.as_of < judged["lead_time"]]
    due = judged[judged["order_by"] - plan.as_of < pd.Timedelta(days=7)]
    likely = {
        (name, *labels)
        for name, outlook in plan.outlooks.items()
        for labels, chance in zip(_places(outlook), outlook.probability(by="30d"), strict=True)
        if chance > 0.5
    }
    assert ("memory", "eu-west", "node-3") in whose(soon)
    assert ("memory", "ap-south", "node-1") not in whose(soon) | whose(due) | likely
    assert told(found, "CapacityRunwayBelowLeadTime") == whose(soon)
    assert told(found, "CapacityOrderDue") == whose(due)
    assert told(found, "CapacityBreachLikely") == likely


def _places(outlook: capacity.Outlook) -> list[tuple[str, str]]:
    from capacity.frames import series_labels

    return [(each.get("region", ""), each.get("node", "")) for each in series_labels(outlook.forecast.columns)]


def test_a_forecast_that_is_old_is_told(foretelling: tuple[VictoriaMetrics, Plan, Written], tmp_path: Path) -> None:
    """A resource that was judged four days before, and never since; those of the plan are fresh."""
    server, plan, _ = foretelling
    before = plan.as_of - pd.Timedelta(days=4)
    judged = {(("__name__", "capacity_judged_timestamp_seconds"), ("resource", "old")): np.array([before.timestamp()])}
    server.import_lines(lines(judged, pd.DatetimeIndex([before])))
    found = replayed(server, foretold.groups(CATALOG)[:1], start=plan.as_of, end=plan.as_of + HOUR, folder=tmp_path)
    assert {each["resource"] for each in found["CapacityForecastStale"]} == {"old"}


def test_demand_that_outgrows_its_forecast_is_told(
    foretelling: tuple[VictoriaMetrics, Plan, Written], tmp_path: Path
) -> None:
    """For two hours one series of each resource is past its highest quantile, and the others are at the median."""
    server, plan, _ = foretelling
    times = pd.date_range(plan.as_of - 10 * MINUTE, plan.as_of + 3 * HOUR, freq="1min")
    chosen: Where = set()
    for name, outlook in plan.outlooks.items():
        forecast = outlook.forecast
        for position, (region, node) in enumerate(_places(outlook)):
            value = float(forecast.quantile(0.5).iloc[:3, position].min())
            if position == 0:
                value = 1.3 * float(forecast.quantile(0.975).iloc[:3, position].max())
                chosen.add((name, region, node))
            server.import_lines(lines(_demand(name, region, node, value, len(times)), times))
    found = replayed(
        server,
        foretold.groups(CATALOG)[1:],
        start=plan.as_of + HOUR,
        end=plan.as_of + 3 * HOUR,
        folder=tmp_path,
    )
    outgrown = {each for name in found if name.endswith("OutgrowsForecast") for each in told(found, name)}
    assert outgrown == chosen
    assert len({name for name, *_ in outgrown}) == len(CATALOG.resources)


def _demand(
    name: str, region: str, node: str, value: float, count: int
) -> dict[tuple[tuple[str, str], ...], np.ndarray]:
    """Return raw series whose query answers ``value``, given in the base unit."""
    where = (("region", region), *((("node", node),) if node else (("node", "one"),)))
    ones = np.ones(count)
    if name == "consensus_latency":
        # everything lies in one bucket from 0 to B, of which 95 % is 0.95 B
        counted = np.cumsum(100 * ones)
        bounds = (f"{value / 0.95:.9g}", "+Inf")
        metric = ("__name__", "dwcp_consensus_latency_seconds_bucket")
        return {(metric, ("le", bound), *where): counted for bound in bounds}
    metric, factor = {
        "cpu": ("dwcp_cpu_usage_percent", 100.0),
        "memory": ("dwcp_memory_usage_bytes", 1.0),
        "disk": ("dwcp_disk_used_bytes", 1.0),
        "bandwidth": ("dwcp_bandwidth_utilization_mbps", 1e-6),
        "streams": ("dwcp_amst_active_streams", 1.0),
    }[name]
    return {(("__name__", metric), *where): value * factor * ones}


@contextmanager
def notifier() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Take in what an Alertmanager would; yields its URL, and the alerts that came."""
    came: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", came
        server.shutdown()


def test_a_live_alert_reaches_the_notifier(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """A breaker that is open now: vmalert, running, sends the alert with its severity and a link to its runbook."""
    second = pd.Timedelta(seconds=1)
    (rule,) = (each for each in platform.group(CATALOG).alerts if each.name == "CircuitBreakerOpened")
    group = Group("live", second, (replace(rule, for_=second),))
    rules = tmp_path / "live.yml"
    rules.write_text(rules_text([group], name="test", sha="", runbooks="https://books.example"))
    now = pd.Timestamp.now(tz="UTC")
    times = pd.date_range(now - 5 * MINUTE, now + 2 * MINUTE, freq="10s")
    series = {
        (("__name__", "dwcp_circuit_breaker_state"), ("component", "PBA"), ("region", "eu")): 2 * np.ones(len(times))
    }
    fresh_victoriametrics.import_lines(lines(series, times))
    with notifier() as (url, came):

        def command(port: int) -> list[str]:
            flags = {
                "rule": rules,
                "datasource.url": fresh_victoriametrics.url,
                "notifier.url": url,
                "evaluationInterval": "1s",
                "httpListenAddr": f"127.0.0.1:{port}",
            }
            return [str(find_tool("vmalert")), *(f"-{name}={value}" for name, value in flags.items())]

        with running(command, ready="/health", folder=tmp_path):
            until = time.monotonic() + 60
            while not came and time.monotonic() < until:
                time.sleep(0.05)
    assert came, "nothing came"
    labels, annotations = came[0]["labels"], came[0]["annotations"]
    assert isinstance(labels, dict)
    assert isinstance(annotations, dict)
    assert (labels["alertname"], labels["severity"], labels["component"]) == ("CircuitBreakerOpened", "critical", "PBA")
    assert annotations["runbook_url"] == "https://books.example/CircuitBreakerOpened.md"


def test_every_query_of_every_rule_is_taken_by_the_server(planted: VictoriaMetrics) -> None:
    """No expression is refused, whether it finds anything or not."""
    from urllib.parse import urlencode

    for group in groups(CATALOG):
        for rule in group.rules:
            answer = planted.post(f"/api/v1/query?{urlencode({'query': rule.expr, 'time': END.timestamp()})}")
            assert json.loads(answer)["status"] == "success", rule.name
