"""The simulated platform: where its nodes stand, how each of its resources behaves, and what befell it.

Twelve nodes in three regions. Levels, growth and seasons differ a little from seed to seed (`noise.spread`); what is
planted in `capacity.simulate.fates` stays planted in each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from capacity.simulate.clock import BLOCK_MINUTES, DAY_MINUTES, Floats, Timeline, timeline
from capacity.simulate.noise import spread
from capacity.simulate.processes import Drawn, Incident, Process, Step

__all__ = ["AS_OF", "COMPONENTS", "MODES", "NODES", "REGIONS", "Node", "Platform"]

AS_OF = pd.Timestamp("2026-11-01T00:00Z").as_unit("us")
REGIONS: Mapping[str, str] = {"ap-south": "Asia/Kolkata", "eu-west": "Europe/Berlin", "us-east": "America/New_York"}
MODES: Mapping[str, float] = {"datacenter": 0.5, "hybrid": 0.3, "internet": 0.2}
COMPONENTS = ("ACP", "AMST", "ASS", "HDE", "ITP", "PBA")

GIB = 2.0**30
TIB = 2.0**40
MEMORY_BYTES = 256 * GIB
DISK_BYTES = 2 * TIB
LINK_MBPS = 10_000.0

# All in days from `AS_OF`. The gap begins and ends inside an hour, the reset inside a day's busy part.
NEW_NODE_DAY = -5.0
GAP_DAYS = (-52.0 + 2.0 / 24 + 20.0 / 1440, -52.0 + 11.0 / 24 + 40.0 / 1440)
RESET_DAY = -18.0 + 9.5 / 24
INCIDENT_DAY = -33.0 + 15.0 / 24
INCIDENT_HOURS = 3.0


@dataclass(frozen=True, order=True)
class Node:
    """A machine: its region, its name, and the zone whose clock its users live by."""

    region: str
    name: str

    @property
    def zone(self) -> str:
        """The IANA zone of the region."""
        return REGIONS[self.region]

    @property
    def labels(self) -> dict[str, str]:
        """The labels that each of its series carries."""
        return {"node": self.name, "region": self.region}


NODES = tuple(Node(region, f"node-{number}") for region in REGIONS for number in (1, 2, 3, 4))
NEW_NODE = Node("ap-south", "node-4")
GAP_REGION = "ap-south"
RESET_NODE = Node("eu-west", "node-2")
INCIDENT_REGION = "us-east"
# The series that carry a fate; what befalls each stands with its rule below, and what it is called in `fates`.
SATURATES = Node("us-east", "node-2")  # its processor: bounded, and bends into its bound
LEAKS = Node("eu-west", "node-3")  # its memory, since a release
STEPS = Node("us-east", "node-1")  # its memory: a migration moved work here, and it grows no more
FLAT = Node("ap-south", "node-1")  # its memory, far below
FILLS = Node("ap-south", "node-2")  # its disk
PAST = Node("us-east", "node-4")  # its disk
BUSY_REGION = "eu-west"  # its bandwidth: the busy hour breaks, the mean does not
NOISY_REGION = "us-east"  # its streams: beside their limit


@dataclass(frozen=True)
class Platform:
    """One draw of the platform. Every series of it can be read alone, and is the same however it is read."""

    seed: int
    axis: Timeline = field(default_factory=lambda: timeline(AS_OF))

    def cpu(self, node: Node) -> Drawn:
        """Return a node's CPU use, in percent."""
        return _draw(self, _cpu, "dwcp_cpu_usage_percent", node)

    def memory(self, node: Node) -> Drawn:
        """Return a node's memory use, in bytes."""
        return _draw(self, _memory, "dwcp_memory_usage_bytes", node)

    def disk(self, node: Node) -> Drawn:
        """Return a node's used disk space, in bytes."""
        return _draw(self, _disk, "dwcp_disk_used_bytes", node)

    def bandwidth(self, node: Node) -> Drawn:
        """Return a node's share of its region's bandwidth, in Mbit/s."""
        metric = "dwcp_bandwidth_utilization_mbps"
        share = Process(level=self._part(metric, node), noise=0.03, memory=3.0, jitter=0.02)
        return _draw_share(self, _bandwidth, metric, node, replace(share, quantum=0.001, ceiling=LINK_MBPS))

    def streams(self, node: Node, mode: str) -> Drawn:
        """Return a node's share of its region's transfer streams, in one mode."""
        metric = "dwcp_amst_active_streams"
        part = self._part(metric, node, mode) * MODES[mode]
        share = Process(level=part, noise=0.03, memory=3.0, jitter=0.02, quantum=1.0)
        return _draw_share(self, _streams, metric, node, share, (mode,))

    def latency(self, node: Node) -> Drawn:
        """Return the median consensus latency that a node sees, in seconds."""
        process = Process(level=1.0, season=0.02, noise=0.015, memory=2.0, jitter=0.03)
        return _draw_share(self, _latency, "dwcp_consensus_latency_seconds", node, process)

    def rounds(self, node: Node) -> Drawn:
        """Return the pace of a node's consensus rounds, a minute."""
        return _draw(self, _rounds, "dwcp_consensus_rounds_total", node)

    def present(self, node: Node, block: int) -> Floats | None:
        """Return 1 where a node's telemetry was kept and NaN where not; None: all of the block was kept."""
        days = (np.arange(block * BLOCK_MINUTES, (block + 1) * BLOCK_MINUTES) + 1 - self.axis.shown) / DAY_MINUTES
        missing = np.zeros(BLOCK_MINUTES, dtype=bool)
        if node == NEW_NODE:
            missing |= days <= NEW_NODE_DAY
        if node.region == GAP_REGION:
            missing |= (days > GAP_DAYS[0] + 1e-9) & (days <= GAP_DAYS[1] + 1e-9)
        return np.where(missing, np.nan, 1.0) if missing.any() else None

    def _part(self, metric: str, node: Node, *more: str) -> float:
        """Return a node's share of its region: about a quarter; a new node's is small yet."""
        part = spread(self.seed, metric, node.region, node.name, *more, low=0.9, high=1.1) / 4
        return part * (0.3 if node == NEW_NODE else 1.0)


Rule = Callable[[int, Node], Process]


# The knots of a draw are some 350 kB: the caches hold one seed's whole platform.
@lru_cache(maxsize=64)
def _draw(platform: Platform, rule: Rule, metric: str, node: Node) -> Drawn:
    process = rule(platform.seed, node)
    return Drawn(process, platform.axis, node.zone, platform.seed, (metric, node.region, node.name))


@lru_cache(maxsize=96)
def _draw_share(
    platform: Platform, rule: Rule, metric: str, node: Node, process: Process, more: tuple[str, ...] = ()
) -> Drawn:
    common = _draw(platform, rule, metric, Node(node.region, ""))
    return Drawn(process, platform.axis, node.zone, platform.seed, (metric, node.region, node.name, *more), common)


def _cpu(seed: int, node: Node) -> Process:
    usual = Process(
        level=spread(seed, "cpu level", node.region, node.name, low=16.0, high=22.0),
        growth=spread(seed, "cpu growth", node.region, node.name, low=-0.01, high=0.02),
        season=spread(seed, "cpu season", node.region, node.name, low=0.9, high=1.3),
        drift=0.3, wander=0.015, moods=0.06, noise=0.06, memory=4.0, jitter=0.05,
        ceiling=100.0, softly=True, quantum=0.01,
    )  # fmt: skip
    if node == SATURATES:
        level = spread(seed, "saturates level", low=26.5, high=28.0)
        growth = spread(seed, "saturates growth", low=0.12, high=0.15)
        return replace(usual, level=level, growth=growth, since=-100.0, drift=0.2, season=1.1)
    return usual


def _memory(seed: int, node: Node) -> Process:
    share = spread(seed, "memory level", node.region, node.name, low=0.38, high=0.52)
    usual = Process(
        level=share * MEMORY_BYTES,
        growth=spread(seed, "memory growth", node.region, node.name, low=-0.005, high=0.02),
        wander=0.01, season=0.05, moods=0.1, noise=0.006, memory=12.0, jitter=0.002,
        ceiling=0.99 * MEMORY_BYTES, quantum=4096.0,
    )  # fmt: skip
    if node == LEAKS:
        level = spread(seed, "leak level", low=0.705, high=0.72) * MEMORY_BYTES
        pace = spread(seed, "leak pace", low=0.30, high=0.38)
        return replace(usual, level=level, growth=pace, since=-40.0, drift=0.15, wander=0.005)
    if node == STEPS:
        step = Step(day=spread(seed, "step day", low=-50.0, high=-40.0), size=spread(seed, "step", low=0.35, high=0.42))
        return replace(usual, level=0.6 * MEMORY_BYTES, growth=0.0, wander=0.004, steps=(step,))
    if node == FLAT:
        return replace(usual, level=0.3 * MEMORY_BYTES, growth=0.0, wander=0.003)
    return usual


def _disk(seed: int, node: Node) -> Process:
    share = spread(seed, "disk level", node.region, node.name, low=0.3, high=0.5)
    usual = Process(
        level=share * DISK_BYTES,
        growth=spread(seed, "disk growth", node.region, node.name, low=0.01, high=0.03),
        drift=0.35, wander=0.005, follows=0.6, season=0.006, moods=0.2, noise=0.002, memory=8.0, jitter=0.0003,
        ceiling=0.998 * DISK_BYTES, quantum=4096.0,
    )  # fmt: skip
    if node == FILLS:
        level = spread(seed, "fills level", low=0.69, high=0.71) * DISK_BYTES
        return replace(usual, level=level, growth=spread(seed, "fills pace", low=0.12, high=0.15), wander=0.01)
    if node == PAST:
        level = spread(seed, "past level", low=0.885, high=0.9) * DISK_BYTES
        return replace(usual, level=level, growth=0.02, wander=0.003)
    return usual


def _bandwidth(seed: int, node: Node) -> Process:
    usual = Process(
        level=spread(seed, "bandwidth level", node.region, low=8_000.0, high=9_500.0),
        growth=spread(seed, "bandwidth growth", node.region, low=0.0, high=0.02),
        season=1.1, drift=0.3, wander=0.015, moods=0.05, noise=0.04, memory=5.0, jitter=0.0,
        incidents=_incidents(node, 0.45),
    )  # fmt: skip
    if node.region == BUSY_REGION:
        level = spread(seed, "busy level", low=12_700.0, high=13_200.0)
        growth = spread(seed, "busy growth", low=0.07, high=0.085)
        return replace(usual, level=level, growth=growth, season=1.3, wander=0.01)
    return usual


def _streams(seed: int, node: Node) -> Process:
    usual = Process(
        level=spread(seed, "streams level", node.region, low=480.0, high=560.0),
        growth=spread(seed, "streams growth", node.region, low=-0.01, high=0.02),
        season=0.8, drift=0.3, wander=0.015, noise=0.06, memory=4.0, jitter=0.0,
    )  # fmt: skip
    if node.region == NOISY_REGION:
        level = spread(seed, "noisy level", low=1_030.0, high=1_070.0)
        noisy = replace(usual, level=level, growth=0.0, wander=0.0, season=0.25, weekend=0.8)
        return replace(noisy, moods=0.12, noise=0.14, memory=3.0)
    return usual


def _latency(seed: int, node: Node) -> Process:
    median = {"ap-south": 0.0066, "eu-west": 0.0057, "us-east": 0.0061}[node.region]
    return Process(
        level=median * spread(seed, "latency level", node.region, low=0.97, high=1.03),
        growth=spread(seed, "latency growth", node.region, low=-0.003, high=0.006),
        wander=0.004, season=0.1, moods=0.1, noise=0.03, memory=3.0, jitter=0.0,
        incidents=_incidents(node, 2.2),
    )  # fmt: skip


def _rounds(seed: int, node: Node) -> Process:
    level = spread(seed, "rounds level", node.region, node.name, low=390.0, high=450.0)
    return Process(level=level, season=0.5, noise=0.04, memory=6.0, jitter=0.0)


def _incidents(node: Node, factor: float) -> tuple[Incident, ...]:
    return (Incident(INCIDENT_DAY, INCIDENT_HOURS, factor),) if node.region == INCIDENT_REGION else ()
