"""Consensus latency: the rounds of a node, and how many of each minute's ended below each bound."""

from __future__ import annotations

import numpy as np

from capacity.simulate.clock import BLOCK_MINUTES, Floats
from capacity.simulate.histograms import cumulative
from capacity.simulate.noise import generator
from capacity.simulate.platform import Node, Platform

__all__ = ["BOUNDS", "METRIC", "SHAPE", "below", "rounds"]

METRIC = "dwcp_consensus_latency_seconds"
# .5, .95, .99 and .999 of a log-logistic of this shape stand as 1 : 4.6 : 11 : 37, as DWCP's latencies do
SHAPE = 1.92
BOUNDS = (
    0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.06, 0.075, 0.1, 0.15,
    0.25, 0.5, 1.0, np.inf,
)  # fmt: skip


def rounds(platform: Platform, node: Node, block: int) -> Floats:
    """Return the consensus rounds of each minute: hundreds, so that a rounded normal stands for the Poisson."""
    name = "dwcp_consensus_rounds_total"
    pace = platform.rounds(node).minutes(block)
    shocks = generator(platform.seed, name, "counts", block, node.region, node.name).standard_normal(BLOCK_MINUTES)
    counted: Floats = np.maximum(np.rint(pace + np.sqrt(pace) * shocks), 0.0)
    return counted


def below(platform: Platform, node: Node, block: int) -> Floats:
    """Return the rounds of each minute that took at most each of `BOUNDS`, shape (bounds, minutes)."""
    medians = platform.latency(node).minutes(block)
    return cumulative(rounds(platform, node, block), medians, bounds=BOUNDS, shape=SHAPE)
