"""The counters and histograms of a node: what draws each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from capacity.simulate import consensus
from capacity.simulate.clock import Floats
from capacity.simulate.gauges import drawn, labels_of, one, states
from capacity.simulate.histograms import bound, cumulative, sampled
from capacity.simulate.noise import generator
from capacity.simulate.platform import COMPONENTS, Node, Platform
from capacity.simulate.tables import COUNTERS, HISTOGRAMS, LABELS, Signal
from capacity.simulate.telemetry import Build, Group

__all__ = ["BUILD"]

# Below this many a minute each observation is drawn; above, the expected numbers are as good.
FEW = 30.0
ROUNDS = "dwcp_consensus_rounds_total"


@lru_cache(maxsize=32)
def _events(platform: Platform, metric: str, node: Node, value: str, block: int) -> Floats:
    """Return how many events each minute of a block had."""
    if metric == ROUNDS:
        return consensus.rounds(platform, node, block)
    signal = COUNTERS[metric]
    pace = np.maximum(drawn(platform, metric, metric, node, signal.label, value).minutes(block), 0.0)
    random = generator(platform.seed, metric, "counts", block, node.region, node.name, value)
    if pace.max() < FEW:
        return random.poisson(pace).astype(float)
    return np.asarray(np.maximum(np.rint(pace + np.sqrt(pace) * random.standard_normal(pace.size)), 0.0), dtype=float)


def _count(metric: str, node: Node, draw: Callable[[int], Floats], *, label: str = "", value: str = "") -> Group:
    return replace(one(metric, node, draw, label=label, value=value), counts=True)


def _counter(metric: str, platform: Platform, node: Node) -> list[Group]:
    label = "" if metric == ROUNDS else COUNTERS[metric].label
    return [
        _count(metric, node, partial(_events, platform, metric, node, value), label=label, value=value)
        for value in LABELS[label]
    ]


def _changes(metric: str, platform: Platform, node: Node) -> list[Group]:
    def draw(block: int, component: str) -> Floats:
        state = states(platform, node, component, block)
        return np.asarray(np.abs(np.diff(state, prepend=state[:1])) > 0, dtype=float)

    return [
        _count(metric, node, partial(draw, component=component), label="component", value=component)
        for component in COMPONENTS
    ]


def _bytes(share: float, metric: str, platform: Platform, node: Node) -> list[Group]:
    """Return a counter of the bytes that the node's bandwidth moves in each minute."""

    def draw(block: int) -> Floats:
        return np.rint(platform.bandwidth(node).minutes(block) * (share * 1e6 / 8 * 60))

    return [_count(metric, node, draw)]


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
            _histogram_rows(metric, labels_of(node, signal.label, value), signal.bounds),
            partial(_observed, platform, metric, signal, node, value),
            counts=True,
        )
        for value in LABELS[signal.label]
    ]


def _observed(platform: Platform, metric: str, signal: Signal, node: Node, value: str, block: int) -> Floats:
    counts = np.sum([_counted(platform, each, node, value, block) for each in signal.events], axis=0)
    medians = drawn(platform, metric, metric, node, signal.label, value).minutes(block) * signal.median
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


BUILD: Mapping[str, Build] = {
    **dict.fromkeys((*COUNTERS, ROUNDS), _counter),
    **dict.fromkeys(HISTOGRAMS, _histogram),
    "dwcp_circuit_breaker_state_changes_total": _changes,
    "dwcp_network_bytes_sent_total": partial(_bytes, 0.6),
    "dwcp_network_bytes_received_total": partial(_bytes, 0.4),
    consensus.METRIC: _consensus,
}
"""By metric: what gives its groups."""
