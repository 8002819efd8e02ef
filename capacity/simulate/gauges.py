"""The gauges of a node: what draws each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from capacity.simulate.clock import BLOCK_MINUTES, DAY_MINUTES, Floats
from capacity.simulate.platform import (
    COMPONENTS,
    DISK_BYTES,
    INCIDENT_DAY,
    INCIDENT_HOURS,
    INCIDENT_REGION,
    LINK_MBPS,
    MEMORY_BYTES,
    MODES,
    Node,
    Platform,
)
from capacity.simulate.processes import Drawn, Incident, Process
from capacity.simulate.tables import BROKEN, BUDGETS, COUNTERS, GAUGES, HISTOGRAMS, LABELS, Signal
from capacity.simulate.telemetry import Build, Group

__all__ = ["BUILD", "drawn", "labels_of", "one", "states"]

# Half-open: how long a breaker tries before it closes.
HALF_OPEN_MINUTES = 10
SIGNALS: Mapping[str, Signal] = {**GAUGES, **COUNTERS, **HISTOGRAMS}


def labels_of(node: Node, label: str = "", value: str = "") -> dict[str, str]:
    """Return the labels of a node's series, with one more where it has one series for each value of ``label``."""
    return {**node.labels, label: value} if label else node.labels


def one(metric: str, node: Node, draw: Callable[[int], Floats], *, label: str = "", value: str = "") -> Group:
    """Return a group of one gauge."""
    return Group(metric, node, ((metric, labels_of(node, label, value)),), lambda block: draw(block)[None, :])


@lru_cache(maxsize=128)
def drawn(platform: Platform, name: str, signal_of: str, node: Node, label: str, value: str) -> Drawn:
    """Return the draw that ``name`` has of the table's process of ``signal_of``, struck by the incident if it is."""
    signal = SIGNALS[signal_of]
    process: Process = signal.process
    struck = node.region == INCIDENT_REGION and (label != "component" or value in BROKEN)
    if struck and signal.incident != 1.0:
        process = replace(process, incidents=(Incident(INCIDENT_DAY, INCIDENT_HOURS, signal.incident),))
    return Drawn(process, platform.axis, node.zone, platform.seed, (name, node.region, node.name, value))


def _gauge(metric: str, platform: Platform, node: Node) -> list[Group]:
    signal = GAUGES[metric]

    def draw(block: int, value: str) -> Floats:
        scale = 1.0 if signal.scale is None else signal.scale[value]
        values = drawn(platform, metric, metric, node, signal.label, value).minutes(block) * scale
        return np.clip(_rounded(values), signal.low, signal.high)

    return [
        one(metric, node, partial(draw, value=value), label=signal.label, value=value) for value in LABELS[signal.label]
    ]


def _rounded(values: Floats) -> Floats:
    """Keep six significant digits, as an exporter prints them."""
    size = 10.0 ** (5 - np.floor(np.log10(max(float(np.nanmax(np.abs(values))), 1e-12))))
    return np.asarray(np.rint(values * size) / size, dtype=float)


def _of(method: Callable[[Platform, Node], Drawn], metric: str, platform: Platform, node: Node) -> list[Group]:
    return [one(metric, node, lambda block: method(platform, node).minutes(block))]


def _always(number: float) -> Callable[[int], Floats]:
    return lambda _: np.full(BLOCK_MINUTES, number)


def _fixed(number: float, metric: str, _: Platform, node: Node) -> list[Group]:
    return [one(metric, node, _always(number))]


def _available(metric: str, platform: Platform, node: Node) -> list[Group]:
    return [one(metric, node, lambda block: MEMORY_BYTES - platform.memory(node).minutes(block))]


def _predicted(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int) -> Floats:
        accuracy = drawn(platform, metric, "dwcp_bandwidth_prediction_accuracy", node, "", "predicted").minutes(block)
        return _rounded(platform.bandwidth(node).minutes(block) * (accuracy + 0.1))

    return [one(metric, node, draw)]


def _streams(metric: str, platform: Platform, node: Node) -> list[Group]:
    return [
        one(metric, node, partial(_streams_of, platform, node, mode), label="mode", value=mode)
        for mode in sorted(MODES)
    ]


def _streams_of(platform: Platform, node: Node, mode: str, block: int) -> Floats:
    return platform.streams(node, mode).minutes(block)


def _throughput(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int, mode: str) -> Floats:
        return _rounded(platform.bandwidth(node).minutes(block) * MODES[mode] * 0.8)

    return [one(metric, node, partial(draw, mode=mode), label="mode", value=mode) for mode in sorted(MODES)]


def _remaining(metric: str, platform: Platform, node: Node) -> list[Group]:
    spent = _gauge("dwcp_error_budget_consumed", platform, node)
    return [
        Group(
            metric, node, ((metric, group.series[0][1]),), partial(lambda group, block: 1.0 - group.draw(block), group)
        )
        for group in spent
    ]


def _budgets(metric: str, _: Platform, node: Node) -> list[Group]:
    return [one(metric, node, _always(number), label="quantile", value=level) for level, number in BUDGETS.items()]


def states(platform: Platform, node: Node, component: str, block: int) -> Floats:
    """Return a breaker's state: open while the incident lasts, then half-open, else closed."""
    state = np.zeros(BLOCK_MINUTES)
    if node.region == INCIDENT_REGION and component in BROKEN:
        minute = np.arange(BLOCK_MINUTES) + 1 + block * BLOCK_MINUTES - platform.axis.shown
        since = minute - round(INCIDENT_DAY * DAY_MINUTES)
        length = round(INCIDENT_HOURS * 60)
        state[(since > 0) & (since <= length)] = 2.0
        state[(since > length) & (since <= length + HALF_OPEN_MINUTES)] = 1.0
    return state


def _breakers(metric: str, platform: Platform, node: Node) -> list[Group]:
    return [
        one(metric, node, partial(states, platform, node, component), label="component", value=component)
        for component in COMPONENTS
    ]


BUILD: Mapping[str, Build] = {
    **dict.fromkeys(GAUGES, _gauge),
    "dwcp_cpu_usage_percent": partial(_of, Platform.cpu),
    "dwcp_memory_usage_bytes": partial(_of, Platform.memory),
    "dwcp_memory_available_bytes": _available,
    "dwcp_disk_used_bytes": partial(_of, Platform.disk),
    "dwcp_disk_size_bytes": partial(_fixed, DISK_BYTES),
    "dwcp_bandwidth_utilization_mbps": partial(_of, Platform.bandwidth),
    "dwcp_bandwidth_capacity_mbps": partial(_fixed, LINK_MBPS),
    "dwcp_bandwidth_predicted_mbps": _predicted,
    "dwcp_amst_active_streams": _streams,
    "dwcp_amst_throughput_mbps": _throughput,
    "dwcp_error_budget_remaining": _remaining,
    "dwcp_latency_budget_seconds": _budgets,
    "dwcp_circuit_breaker_state": _breakers,
}
"""By metric: what gives its groups."""
