"""What the two dashboards of DWCP ask for, panel by panel: plain PromQL that every server answers, and the demo too.

Counters are what they grew by in each hour, histograms by bucket; shares and quantiles are worked out from these, so
that hours and regions can be added up afterwards without averaging an average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

__all__ = ["PANELS", "STEP", "Panel"]

STEP = pd.Timedelta(hours=1)
MINUTE = pd.Timedelta(minutes=1)


@dataclass(frozen=True)
class Panel:
    """One question: what is asked, the unit of the answer, and how the minutes of an hour become one value.

    ``aggregate`` None: the query counts over the hour itself.
    """

    query: str
    unit: str = "count"
    aggregate: str | None = None

    @property
    def resolution(self) -> pd.Timedelta | None:
        """How finely the query is evaluated below the step."""
        return MINUTE if self.aggregate is not None else None


def _grown(metric: str, *by: str) -> Panel:
    return Panel(f"sum by ({', '.join(by)}) (increase({metric}[1h]))")


PANELS: Mapping[str, Panel] = {
    "latency": _grown("dwcp_consensus_latency_seconds_bucket", "region", "le"),
    "migrated": _grown("dwcp_migration_success_total", "region"),
    "not_migrated": _grown("dwcp_migration_failures_total", "region"),
    "budget": Panel("min by (component) (dwcp_error_budget_remaining)", "ratio", "min"),
    "bandwidth": Panel("sum by (region) (dwcp_bandwidth_utilization_mbps)", "mbps", "max"),
    "breakers": Panel("max by (component) (dwcp_circuit_breaker_state)", "count", "max"),
    "accuracy": Panel("avg by (region) (dwcp_bandwidth_prediction_accuracy)", "ratio", "mean"),
    "streams": Panel("sum by (mode) (dwcp_amst_active_streams)", "count", "max"),
    "partitions": _grown("dwcp_partition_events_total", "region"),
    "detection": _grown("dwcp_partition_detection_time_seconds_bucket", "le"),
    "healing": _grown("dwcp_partition_healing_time_seconds_bucket", "le"),
    "cpu": Panel("max by (region) (dwcp_cpu_usage_percent)", "percent", "max"),
    "memory": Panel("sum by (region) (dwcp_memory_usage_bytes)", "bytes", "max"),
    "disk_read": Panel("sum by (region) (dwcp_disk_io_read_mbps)", "mbps", "mean"),
    "disk_write": Panel("sum by (region) (dwcp_disk_io_write_mbps)", "mbps", "mean"),
    "byzantine": _grown("dwcp_consensus_byzantine_events_total", "region"),
    "requests": _grown("dwcp_circuit_breaker_requests_total", "component"),
    "failures": _grown("dwcp_circuit_breaker_failures_total", "component"),
    "models": Panel("avg by (component) (dwcp_ml_model_accuracy)", "ratio", "mean"),
}
"""By name: the executive overview's eight panels first, then the performance deep dive's."""
