"""What the catalogue's resource queries answer, from the raw minutes: the points, and their roll-up over each step.

Each `Question` stands for one query of the built-in catalogue. Its points are what a server evaluates (one a minute, or
one every five), in the query's own unit; `answer` reduces them as ``max_over_time`` and its like do over (t − step, t].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import duration_text, grid
from capacity.simulate import consensus
from capacity.simulate.clock import BLOCK_MINUTES, MINUTE, Floats
from capacity.simulate.histograms import quantile
from capacity.simulate.platform import DISK_BYTES, LINK_MBPS, MEMORY_BYTES, MODES, REGIONS, Node, Platform

__all__ = ["LIMITS", "QUESTIONS", "Answerable", "Question", "answer"]

Labels = dict[str, str]
Points = Callable[[Platform, Node, int], Floats]
AGGREGATES: dict[str, Callable[..., Floats]] = {
    "max": np.fmax.reduce,
    "min": np.fmin.reduce,
    "mean": np.nanmean,
    "avg": np.nanmean,
    "sum": np.nansum,
    "count": lambda values, axis: np.isfinite(values).sum(axis=axis, dtype=float),
}


class Answerable(Protocol):
    """What a query has to tell for it to be answered: its series, and its points block by block."""

    @property
    def resolution(self) -> int:
        """Minutes between its points."""

    def __hash__(self) -> int: ...

    def series(self, nodes: Sequence[Node]) -> list[Labels]:
        """Return the labels of the answer's series."""

    def block(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return a block's points, shape (series, points); NaN where a server has none."""


@dataclass(frozen=True)
class Question:
    """A query: what it reads of each node, whether it adds up the nodes of a region, and minutes between its points."""

    points: Points
    by_region: bool = False
    resolution: int = 1

    def series(self, nodes: Sequence[Node]) -> list[Labels]:
        """Return the labels of the answer's series."""
        if not self.by_region:
            return [node.labels for node in nodes]
        return [{"region": region} for region in REGIONS if any(node.region == region for node in nodes)]

    def block(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return a block's points, shape (series, points); NaN where a server has none."""
        if not self.by_region:
            return np.stack([self.node(platform, node, block) for node in nodes])
        members = [[node for node in nodes if node.region == region] for region in REGIONS]
        return np.stack([self.region(platform, each, block) for each in members if each])

    def node(self, platform: Platform, node: Node, block: int) -> Floats:
        """Return the points of one node."""
        values = self.points(platform, node, block)
        kept = platform.present(node, block)
        return values if kept is None else values * kept

    def region(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return the sum over a region's nodes; a node without a sample is left out, as in PromQL."""
        return _present_sum([self.node(platform, node, block) for node in nodes])


@dataclass(frozen=True)
class LatencyQuestion(Question):
    """P95 of consensus latency by region, over five minutes, every five minutes."""

    level: float = 0.95

    def region(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return the quantile of the region's buckets, each the sum of its nodes' rates."""
        rates = _present_sum([self._rate(platform, node, block) for node in nodes])
        return quantile(self.level, rates, bounds=consensus.BOUNDS)

    def _rate(self, platform: Platform, node: Node, block: int) -> Floats:
        """Return what a node's buckets grew by a minute; the first sample, and the first after a gap, tell nothing."""
        grown = consensus.below(platform, node, block)
        kept = platform.present(node, block)
        windows = grown.reshape(len(consensus.BOUNDS), -1, self.resolution)
        if kept is None and block:
            return np.asarray(windows.mean(axis=-1), dtype=float)
        kept = np.ones(BLOCK_MINUTES) if kept is None else kept
        before = np.concatenate([[1.0 if block else np.nan], kept[:-1]])
        windows = windows * (kept * before).reshape(1, -1, self.resolution)
        counted = np.isfinite(windows[-1]).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            rates: Floats = np.where(counted > 0, np.nansum(windows, axis=-1) / counted, np.nan)
        return rates


def _present_sum(parts: Sequence[Floats]) -> Floats:
    if not any(np.isnan(part[..., 0]).any() or np.isnan(part).any() for part in parts):
        return np.asarray(np.sum(parts, axis=0), dtype=float)
    total = np.zeros_like(parts[0])
    seen = np.zeros(parts[0].shape, dtype=bool)
    for part in parts:
        there = ~np.isnan(part)
        np.add(total, part, out=total, where=there)
        seen |= there
    return np.asarray(np.where(seen, total, np.nan), dtype=float)


def _streams(platform: Platform, node: Node, block: int) -> Floats:
    return np.asarray(np.sum([platform.streams(node, mode).minutes(block) for mode in MODES], axis=0), dtype=float)


def _constant(value: float) -> Points:
    return lambda platform, node, block: np.full(BLOCK_MINUTES, value)  # noqa: ARG005


# By resource of the built-in catalogue: its demand, and the limits that it asks the server for.
QUESTIONS: dict[str, Question] = {
    "cpu": Question(lambda platform, node, block: platform.cpu(node).minutes(block)),
    "memory": Question(lambda platform, node, block: platform.memory(node).minutes(block)),
    "disk": Question(lambda platform, node, block: platform.disk(node).minutes(block)),
    "bandwidth": Question(lambda platform, node, block: platform.bandwidth(node).minutes(block), by_region=True),
    "streams": Question(_streams, by_region=True),
    "consensus_latency": LatencyQuestion(lambda *_: np.empty(0), by_region=True, resolution=5),
}
LIMITS: dict[str, Question] = {
    "memory": Question(_constant(MEMORY_BYTES)),
    "disk": Question(_constant(DISK_BYTES)),
    "bandwidth": Question(_constant(LINK_MBPS), by_region=True),
}


def answer(
    question: Answerable,
    platform: Platform,
    nodes: Sequence[Node],
    *,
    start: pd.Timestamp,
    end: pd.Timestamp,
    step: pd.Timedelta,
    aggregate: str | None,
) -> tuple[pd.DatetimeIndex, list[Labels], Floats]:
    """Answer a query on the step grid, start < t ≤ end.

    Returns
    -------
    tuple
        The instants, the labels of each series, and the values, shape (time, series), in the query's own unit. With
        ``aggregate`` each speaks for (t − step, t]; without, it is the point at t.

    Raises
    ------
    ParameterError
        The step is no multiple of the spacing of the points, or the aggregate is not one that is known.
    """
    spacing = question.resolution * MINUTE
    if step % spacing:
        told = duration_text(spacing)
        raise ParameterError(f"step {duration_text(step)} is not a multiple of {told}.", hint=f"Ask for one of {told}.")
    times = grid(start, end, step)
    series = question.series(nodes)
    if not len(times):
        return times, series, np.empty((0, len(series)))
    points = _points(question, platform, nodes, times[0] - step, times[-1])
    steps = points.reshape(len(series), len(times), int(step // spacing))
    return times, series, _reduced(steps, aggregate).T


def _points(
    question: Answerable, platform: Platform, nodes: Sequence[Node], start: pd.Timestamp, end: pd.Timestamp
) -> Floats:
    """Return the points of (start, end], shape (series, points); NaN outside the axis."""
    axis = platform.axis
    first, last = int((start - axis.start) // MINUTE), int((end - axis.start) // MINUTE)
    blocks = range(max(first, 0) // BLOCK_MINUTES, -(-min(last, axis.minutes) // BLOCK_MINUTES))
    spacing = question.resolution
    points = np.full((len(question.series(nodes)), (last - first) // spacing), np.nan)
    for block in blocks:
        values = question.block(platform, nodes, block)
        begin = block * BLOCK_MINUTES - first
        here = slice(max(begin, 0) // spacing, (min(begin + BLOCK_MINUTES, last - first)) // spacing)
        there = slice(max(-begin, 0) // spacing, max(-begin, 0) // spacing + here.stop - here.start)
        points[:, here] = values[:, there]
    return points


def _reduced(steps: Floats, aggregate: str | None) -> Floats:
    if aggregate is None or aggregate == "last":
        return _last(steps) if aggregate else steps[..., -1]
    if aggregate.startswith("p") and aggregate[1:].replace(".", "").isdigit():
        return _quiet(np.nanquantile, steps, q=float(aggregate[1:]) / 100)
    if aggregate not in AGGREGATES:
        raise ParameterError(
            f"unknown aggregate {aggregate!r}.", hint=f"Known: {', '.join(AGGREGATES)}, last, and p50, p95 … quantiles."
        )
    reduced = _quiet(AGGREGATES[aggregate], steps)
    if aggregate in ("sum", "count"):
        reduced = np.where(np.isfinite(steps).any(axis=-1), reduced, np.nan)
    return reduced


def _quiet(function: Callable[..., Floats], steps: Floats, **more: float) -> Floats:
    empty = np.asarray(~np.isfinite(steps).any(axis=-1))
    filled = np.where(empty[..., None], 0.0, steps) if empty.any() else steps
    return np.asarray(np.where(empty, np.nan, function(filled, axis=-1, **more)), dtype=float)


def _last(steps: Floats) -> Floats:
    there = np.isfinite(steps)
    at = steps.shape[-1] - 1 - np.argmax(there[..., ::-1], axis=-1)
    values: Floats = np.take_along_axis(steps, at[..., None], axis=-1)[..., 0]
    return values
