"""The raw series of a node: for each metric of the platform, the groups that draw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from capacity.errors import ParameterError, did_you_mean
from capacity.simulate import consensus
from capacity.simulate.clock import BLOCK_MINUTES, DAY_MINUTES, Floats
from capacity.simulate.histograms import bound, cumulative, sampled
from capacity.simulate.noise import generator
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
from capacity.simulate.telemetry import Group

__all__ = ["METRICS", "groups"]

Build = Callable[[Platform, Node], list[Group]]
# Below this many a minute each observation is drawn; above, the expected numbers are as good.
FEW = 30.0
# Half-open: how long a breaker tries before it closes.
HALF_OPEN_MINUTES = 10
ROUNDS = "dwcp_consensus_rounds_total"
SIGNALS: Mapping[str, Signal] = {**GAUGES, **COUNTERS, **HISTOGRAMS}


def groups(platform: Platform, node: Node, metrics: Sequence[str] | None = None) -> list[Group]:
    """Return what draws a node's raw series, metric by metric; None: all of them.

    Raises
    ------
    ParameterError
        A metric is not one of the platform's.
    """
    wanted = list(METRICS) if metrics is None else list(metrics)
    for metric in wanted:
        if metric not in METRICS:
            raise ParameterError(
                f"{metric!r} is no metric of the simulated platform.{did_you_mean(metric, METRICS)}",
                hint=f"There are: {', '.join(METRICS)}.",
            )
    return [group for metric in wanted for group in METRICS[metric](platform, node)]


def _labels(node: Node, label: str = "", value: str = "") -> dict[str, str]:
    return {**node.labels, label: value} if label else node.labels


def _one(metric: str, node: Node, draw: Callable[[int], Floats], *, label: str = "", value: str = "") -> Group:
    """Return a group of one gauge."""
    return Group(metric, node, ((metric, _labels(node, label, value)),), lambda block: draw(block)[None, :])


@lru_cache(maxsize=128)
def _drawn(platform: Platform, name: str, signal_of: str, node: Node, label: str, value: str) -> Drawn:
    signal = SIGNALS[signal_of]
    process: Process = signal.process
    struck = node.region == INCIDENT_REGION and (label != "component" or value in BROKEN)
    if struck and signal.incident != 1.0:
        process = replace(process, incidents=(Incident(INCIDENT_DAY, INCIDENT_HOURS, signal.incident),))
    return Drawn(process, platform.axis, node.zone, platform.seed, (name, node.region, node.name, value))


# Gauges --------------------------------------------------------------------------------------------------------------


def _gauge(metric: str, platform: Platform, node: Node) -> list[Group]:
    signal = GAUGES[metric]

    def draw(block: int, value: str) -> Floats:
        scale = 1.0 if signal.scale is None else signal.scale[value]
        values = _drawn(platform, metric, metric, node, signal.label, value).minutes(block) * scale
        return np.clip(_rounded(values), signal.low, signal.high)

    return [
        _one(metric, node, partial(draw, value=value), label=signal.label, value=value)
        for value in LABELS[signal.label]
    ]


def _rounded(values: Floats) -> Floats:
    """Keep six significant digits, as an exporter prints them."""
    size = 10.0 ** (5 - np.floor(np.log10(max(float(np.nanmax(np.abs(values))), 1e-12))))
    return np.asarray(np.rint(values * size) / size, dtype=float)


def _of(method: Callable[[Platform, Node], Drawn], metric: str, platform: Platform, node: Node) -> list[Group]:
    return [_one(metric, node, lambda block: method(platform, node).minutes(block))]


def _always(number: float) -> Callable[[int], Floats]:
    return lambda _: np.full(BLOCK_MINUTES, number)


def _fixed(number: float, metric: str, _: Platform, node: Node) -> list[Group]:
    return [_one(metric, node, _always(number))]


def _available(metric: str, platform: Platform, node: Node) -> list[Group]:
    return [_one(metric, node, lambda block: MEMORY_BYTES - platform.memory(node).minutes(block))]


def _predicted(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int) -> Floats:
        accuracy = _drawn(platform, metric, "dwcp_bandwidth_prediction_accuracy", node, "", "predicted").minutes(block)
        return _rounded(platform.bandwidth(node).minutes(block) * (accuracy + 0.1))

    return [_one(metric, node, draw)]


def _streams(metric: str, platform: Platform, node: Node) -> list[Group]:
    return [
        _one(metric, node, partial(_streams_of, platform, node, mode), label="mode", value=mode)
        for mode in sorted(MODES)
    ]


def _streams_of(platform: Platform, node: Node, mode: str, block: int) -> Floats:
    return platform.streams(node, mode).minutes(block)


def _throughput(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int, mode: str) -> Floats:
        return _rounded(platform.bandwidth(node).minutes(block) * MODES[mode] * 0.8)

    return [_one(metric, node, partial(draw, mode=mode), label="mode", value=mode) for mode in sorted(MODES)]


def _remaining(metric: str, platform: Platform, node: Node) -> list[Group]:
    spent = _gauge("dwcp_error_budget_consumed", platform, node)
    return [
        Group(
            metric, node, ((metric, group.series[0][1]),), partial(lambda group, block: 1.0 - group.draw(block), group)
        )
        for group in spent
    ]


def _budgets(metric: str, _: Platform, node: Node) -> list[Group]:
    return [_one(metric, node, _always(number), label="quantile", value=level) for level, number in BUDGETS.items()]


def _states(platform: Platform, node: Node, component: str, block: int) -> Floats:
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
        _one(metric, node, partial(_states, platform, node, component), label="component", value=component)
        for component in COMPONENTS
    ]


# Counters ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _events(platform: Platform, metric: str, node: Node, value: str, block: int) -> Floats:
    """Return how many events each minute of a block had."""
    if metric == ROUNDS:
        return consensus.rounds(platform, node, block)
    signal = COUNTERS[metric]
    pace = np.maximum(_drawn(platform, metric, metric, node, signal.label, value).minutes(block), 0.0)
    random = generator(platform.seed, metric, "counts", block, node.region, node.name, value)
    if pace.max() < FEW:
        return random.poisson(pace).astype(float)
    return np.asarray(np.maximum(np.rint(pace + np.sqrt(pace) * random.standard_normal(pace.size)), 0.0), dtype=float)


def _count(metric: str, node: Node, draw: Callable[[int], Floats], *, label: str = "", value: str = "") -> Group:
    return replace(_one(metric, node, draw, label=label, value=value), counts=True)


def _counter(metric: str, platform: Platform, node: Node) -> list[Group]:
    label = "" if metric == ROUNDS else COUNTERS[metric].label
    return [
        _count(metric, node, partial(_events, platform, metric, node, value), label=label, value=value)
        for value in LABELS[label]
    ]


def _changes(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int, component: str) -> Floats:
        states = _states(platform, node, component, block)
        return np.asarray(np.abs(np.diff(states, prepend=states[:1])) > 0, dtype=float)

    return [
        _count(metric, node, partial(draw, component=component), label="component", value=component)
        for component in COMPONENTS
    ]


def _bytes(share: float, metric: str, platform: Platform, node: Node) -> list[Group]:
    """Return a counter of the bytes that the node's bandwidth moves in each minute."""

    def draw(block: int) -> Floats:
        return np.rint(platform.bandwidth(node).minutes(block) * (share * 1e6 / 8 * 60))

    return [_count(metric, node, draw)]


# Histograms ----------------------------------------------------------------------------------------------------------


def _histogram_rows(
    metric: str, labels: Mapping[str, str], bounds: Sequence[float]
) -> tuple[tuple[str, dict[str, str]], ...]:
    buckets = [(f"{metric}_bucket", {**labels, "le": bound(upper)}) for upper in bounds]
    return (*buckets, (f"{metric}_sum", dict(labels)), (f"{metric}_count", dict(labels)))


def _histogram(metric: str, platform: Platform, node: Node) -> list[Group]:
    signal = HISTOGRAMS[metric]
    return [
        Group(
            metric,
            node,
            _histogram_rows(metric, _labels(node, signal.label, value), signal.bounds),
            partial(_observed, platform, metric, signal, node, value),
            counts=True,
        )
        for value in LABELS[signal.label]
    ]


def _observed(platform: Platform, metric: str, signal: Signal, node: Node, value: str, block: int) -> Floats:
    counts = np.sum([_counted(platform, each, node, value, block) for each in signal.events], axis=0)
    medians = _drawn(platform, metric, metric, node, signal.label, value).minutes(block) * signal.median
    if counts.max(initial=0.0) < FEW:
        random = generator(platform.seed, metric, "observed", block, node.region, node.name, value)
        below, total = sampled(random, counts, medians, bounds=signal.bounds, shape=signal.shape)
    else:
        below = cumulative(counts, medians, bounds=signal.bounds, shape=signal.shape)
        total = counts * medians * _mean(signal.shape)
    return np.vstack([below, total, counts])


def _counted(platform: Platform, metric: str, node: Node, value: str, block: int) -> Floats:
    labelled = metric != ROUNDS and COUNTERS[metric].label
    return _events(platform, metric, node, value or (COMPONENTS[0] if labelled else ""), block)


def _mean(shape: float) -> float:
    """Return the mean of a log-logistic whose median is one."""
    return float(np.pi / shape / np.sin(np.pi / shape))


def _consensus(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int) -> Floats:
        below = consensus.below(platform, node, block)
        total = below[-1] * platform.latency(node).minutes(block) * _mean(consensus.SHAPE)
        return np.vstack([below, total, below[-1]])

    return [Group(metric, node, _histogram_rows(metric, node.labels, consensus.BOUNDS), draw, counts=True)]


def _metrics() -> dict[str, Build]:
    build: dict[str, Callable[[str, Platform, Node], list[Group]]] = {
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
        "dwcp_circuit_breaker_state_changes_total": _changes,
        "dwcp_network_bytes_sent_total": partial(_bytes, 0.6),
        "dwcp_network_bytes_received_total": partial(_bytes, 0.4),
        ROUNDS: _counter,
        consensus.METRIC: _consensus,
    }
    build |= dict.fromkeys(GAUGES, _gauge) | dict.fromkeys(COUNTERS, _counter) | dict.fromkeys(HISTOGRAMS, _histogram)
    return {metric: partial(builder, metric) for metric, builder in sorted(build.items())}


METRICS: Mapping[str, Build] = _metrics()
