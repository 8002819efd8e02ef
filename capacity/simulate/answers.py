"""What the questions of the built-in catalogue's objectives answer, from the raw minutes of the demo.

Counters and histograms are what they grew by in each slice, added up by labels; gauges are averaged over the nodes of
a region at each minute. `answers` has them by the text of the query that a server would be asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.catalog import Catalog
from capacity.measured import LOAD, Asked, questions
from capacity.simulate.clock import MINUTE, Floats
from capacity.simulate.planning import Question
from capacity.simulate.platform import Node, Platform
from capacity.simulate.signals import METRICS, groups

__all__ = ["answers"]

Labels = dict[str, str]
METRIC = re.compile(r"\bdwcp_\w+")
BY = re.compile(r"\bby \(([^)]*)\)")


@dataclass(frozen=True)
class SeriesQuestion(Question):
    """Raw series of one metric, brought together by labels.

    Attributes
    ----------
    metric, suffix
        The metric, and which of a histogram's series.
    by
        The labels that are kept.
    how
        ``grown``: the sum of what was counted over ``resolution`` minutes; ``rate``: the same a second; ``mean``: the
        mean over series at each minute.
    """

    metric: str = ""
    suffix: str = ""
    by: tuple[str, ...] = ()
    how: str = "grown"

    def series(self, nodes: Sequence[Node]) -> list[Labels]:
        """Return the labels of the answer's series, in the order in which the nodes have them."""
        found = dict.fromkeys(key for node in nodes for key, _ in self._rows(Platform(0), node))
        return [{name: value for name, value in zip(self.by, key, strict=True) if value} for key in found]

    def block(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return a block's points, shape (series, points)."""
        sums: dict[tuple[str, ...], Floats] = {}
        seen: dict[tuple[str, ...], Floats] = {}
        for node in nodes:
            kept = platform.present(node, block)
            for key, values in self._drawn(platform, node, block):
                points = self._points(values if kept is None else values * kept)
                known = np.isfinite(points)
                if key not in sums:
                    sums[key], seen[key] = np.zeros(points.shape), np.zeros(points.shape)
                sums[key] += np.where(known, points, 0.0)
                seen[key] += known
        return np.stack([self._joined(sums[key], seen[key]) for key in sums])

    def _joined(self, total: Floats, count: Floats) -> Floats:
        there = count > 0
        divisor = np.maximum(count, 1.0) if self.how == "mean" else 1.0
        return np.where(there, total / divisor, np.nan)

    def _points(self, minutes: Floats) -> Floats:
        """Return what stands at each point; a window without any sample is NaN."""
        if self.how == "mean":
            return minutes
        windows = minutes.reshape(-1, self.resolution)
        known = np.isfinite(windows)
        total = np.where(known, windows, 0.0).sum(axis=1) / (60.0 * self.resolution if self.how == "rate" else 1.0)
        return np.where(known.any(axis=1), total, np.nan)

    def _rows(self, platform: Platform, node: Node) -> list[tuple[tuple[str, ...], int]]:
        rows = [row for group in groups(platform, node, [self.metric]) for row in group.series]
        return [
            (tuple(labels.get(name, "") for name in self.by), place)
            for place, (name, labels) in enumerate(rows)
            if name == self.metric + self.suffix
        ]

    def _drawn(self, platform: Platform, node: Node, block: int) -> list[tuple[tuple[str, ...], Floats]]:
        drawn = np.vstack([group.draw(block) for group in groups(platform, node, [self.metric])])
        return [(key, drawn[place]) for key, place in self._rows(platform, node)]


def answers(catalog: Catalog) -> dict[str, SeriesQuestion]:
    """Return what answers the questions of a catalogue's objectives, by the text of the query."""
    return {
        asked.query: _answer(asked)
        for objective in catalog.objectives.values()
        for asked in questions(objective, catalog)
    }


def _answer(asked: Asked) -> SeriesQuestion:
    """Return what answers a question: its metric and its labels stand in its query."""
    name = METRIC.findall(asked.query)[0]
    metric = name if name in METRICS else name.rpartition("_")[0]
    grouped = BY.search(asked.query)
    by = tuple(label.strip() for label in grouped[1].split(",")) if grouped else ()
    how = "rate" if asked.role == LOAD else "mean" if asked.aggregate else "grown"
    minutes = 1 if how == "mean" else int(asked.step / MINUTE)
    return SeriesQuestion(_unasked, True, minutes, metric, name.removeprefix(metric), by, how)


def _unasked(platform: Platform, node: Node, block: int) -> Floats:
    raise NotImplementedError("answered block by block")
