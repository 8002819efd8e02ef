"""How the metrics that are no resource behave: gauges, counters and histograms of the platform, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from capacity.simulate.platform import COMPONENTS, MODES
from capacity.simulate.processes import Process

__all__ = ["BROKEN", "BUDGETS", "COUNTERS", "GAUGES", "HISTOGRAMS", "LABELS", "Signal"]

# Which values a label takes, where a metric has one series for each.
LABELS: Mapping[str, tuple[str, ...]] = {"": ("",), "mode": tuple(sorted(MODES)), "component": COMPONENTS}
# Components whose breakers open in the incident.
BROKEN = ("AMST", "PBA")
# Latency that a quantile of consensus may reach, in seconds: the objectives.
BUDGETS: Mapping[str, float] = {"0.5": 0.010, "0.95": 0.050, "0.99": 0.100, "0.999": 0.500}


@dataclass(frozen=True)
class Signal:
    """One metric.

    Attributes
    ----------
    process
        Of a gauge its value, of a counter what it grows by a minute; of a histogram the median, as a share of its own.
    label, scale
        The label that it has one series for each value of, and what each is multiplied by.
    low, high
        Bounds of a gauge.
    incident
        What an incident multiplies the value by (of a histogram the median).
    events
        Of a histogram: the counters whose events it measures.
    median, shape, bounds
        Of a histogram: its log-logistic, and its buckets.
    """

    process: Process
    label: str = ""
    scale: Mapping[str, float] | None = None
    low: float = 0.0
    high: float = np.inf
    incident: float = 1.0
    events: tuple[str, ...] = ()
    median: float = 0.0
    shape: float = 0.0
    bounds: tuple[float, ...] = ()


def _of(level: float, season: float = 0.0, noise: float = 0.03, jitter: float = 0.02) -> Process:
    return Process(level=level, season=season, noise=noise, jitter=jitter, memory=6.0)


def _share(level: float, *, label: str = "", incident: float = 1.0) -> Signal:
    """Return a gauge between 0 and 1 that stays near its level: an accuracy, a precision."""
    return Signal(_of(level, 0.0, 0.008, 0.004), label=label, high=0.999, incident=incident)


GAUGES: Mapping[str, Signal] = {
    "dwcp_bandwidth_prediction_accuracy": _share(0.9, incident=0.86),
    "dwcp_amst_packet_loss_ratio": Signal(
        _of(0.0003, 0.4, 0.15, 0.1), "mode", {"datacenter": 0.4, "hybrid": 1.0, "internet": 1.6}, high=1.0, incident=6.0
    ),
    "dwcp_amst_jitter_ms": Signal(
        _of(4.0, 0.5, 0.12, 0.1), "mode", {"datacenter": 0.2, "hybrid": 1.0, "internet": 2.2}, incident=3.0
    ),
    "dwcp_ml_model_accuracy": _share(0.93, label="component"),
    "dwcp_compression_selection_accuracy": _share(0.91),
    "dwcp_anomaly_detection_precision": _share(0.94),
    "dwcp_anomaly_detection_recall": _share(0.92),
    "dwcp_anomaly_score": Signal(_of(0.18, 0.3, 0.2, 0.1), high=0.99, incident=8.0),
    "dwcp_error_budget_consumed": Signal(_of(0.35, 0.0, 0.1, 0.005), "component", high=1.0, incident=2.8),
    "dwcp_disk_io_read_mbps": Signal(_of(140.0, 1.2, 0.2, 0.15)),
    "dwcp_disk_io_write_mbps": Signal(_of(90.0, 0.9, 0.2, 0.15)),
    "dwcp_disk_queue_depth": Signal(_of(1.4, 1.5, 0.25, 0.2)),
    "dwcp_bandwidth_efficiency_ratio": Signal(_of(0.78, -0.04, 0.015, 0.01), high=0.99, incident=0.85),
}

COUNTERS: Mapping[str, Signal] = {
    "dwcp_consensus_timeouts_total": Signal(_of(0.42, 0.5, 0.2, 0.0), incident=20.0),
    "dwcp_consensus_byzantine_events_total": Signal(_of(0.002, 0.0, 0.3, 0.0)),
    "dwcp_partition_events_total": Signal(_of(0.01, 0.3, 0.3, 0.0), incident=20.0),
    "dwcp_circuit_breaker_requests_total": Signal(_of(600.0, 1.2, 0.05, 0.0), "component"),
    "dwcp_circuit_breaker_failures_total": Signal(_of(0.5, 1.2, 0.2, 0.0), "component", incident=150.0),
    "dwcp_error_budget_exhausted_total": Signal(_of(0.00002, 0.0, 0.3, 0.0), "component", incident=200.0),
    "dwcp_ml_inference_total": Signal(_of(90.0, 0.8, 0.05, 0.0), "component"),
    "dwcp_network_errors_total": Signal(_of(0.06, 0.8, 0.3, 0.0), incident=40.0),
    # 1.25 of 100 migrations fail, and the objective is fewer than 1: the one that is in breach
    "dwcp_migration_success_total": Signal(_of(2.37, 0.9, 0.06, 0.0)),
    "dwcp_migration_failures_total": Signal(_of(0.03, 0.9, 0.12, 0.0), incident=12.0),
}

HISTOGRAMS: Mapping[str, Signal] = {
    "dwcp_partition_detection_time_seconds": Signal(
        _of(1.0), events=("dwcp_partition_events_total",), median=0.52, shape=9.0,
        bounds=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.5, np.inf),
    ),
    "dwcp_partition_healing_time_seconds": Signal(
        _of(1.0), events=("dwcp_partition_events_total",), median=11.0, shape=3.0,
        bounds=(1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300, np.inf),
    ),
    "dwcp_circuit_breaker_request_duration_seconds": Signal(
        _of(1.0, 0.1), "component", incident=5.0, events=("dwcp_circuit_breaker_requests_total",), median=0.004,
        shape=2.0, bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, np.inf),
    ),
    "dwcp_ml_inference_duration_ms": Signal(
        _of(1.0, 0.05), "component", events=("dwcp_ml_inference_total",), median=4.6, shape=5.0,
        bounds=(1, 2, 3, 4, 5, 6, 8, 10, 15, 25, 50, 100, np.inf),
    ),
    "dwcp_bandwidth_prediction_error_mbps": Signal(
        _of(1.0), incident=2.5, events=("dwcp_ml_inference_total",), median=120.0, shape=2.2,
        bounds=(10, 25, 50, 75, 100, 150, 200, 300, 500, 1000, 2500, np.inf),
    ),
    "dwcp_disk_latency_ms": Signal(
        _of(1.0, 0.4), events=("dwcp_consensus_rounds_total",), median=1.1, shape=2.4,
        bounds=(0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 25, 50, 100, np.inf),
    ),
    "dwcp_migration_duration_seconds": Signal(
        _of(1.0, 0.15), incident=1.6, events=("dwcp_migration_success_total", "dwcp_migration_failures_total"),
        median=19.0, shape=3.4, bounds=(5, 10, 15, 20, 25, 30, 40, 50, 60, 90, 120, 300, np.inf),
    ),
}  # fmt: skip
